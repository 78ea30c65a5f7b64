"""Updates that are nonsense: none ends the bot or keeps anybody else from an answer."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from sandbox.engine import Engine
from services.messaging.update_json import UnreadableAnswerError, read_updates
from services.storage.models import InboxUpdate
from tests.bot_api_oracle import OracleError
from tests.bot_harness import BotHarness, ChatUser, Json

PERSON = {"id": 5400000001, "first_name": "Anna", "is_bot": False, "language_code": "en"}
CHAT = {"id": 5400000001, "type": "private", "first_name": "Anna"}
MESSAGE = {"message_id": 9, "date": 1441645532, "chat": CHAT, "from": PERSON, "text": "hello"}
BUTTON = {"id": "1", "from": PERSON, "chat_instance": "1", "data": "v1:go:pay", "message": MESSAGE}
CHECKOUT = {"id": "1", "from": PERSON, "currency": "TWD", "total_amount": 1, "invoice_payload": "x"}
UPDATES: tuple[Json, ...] = (
    {"message": MESSAGE},
    {"edited_message": MESSAGE},
    {"callback_query": BUTTON},
    {"inline_query": {"id": "1", "from": PERSON, "query": "card", "offset": ""}},
    {"pre_checkout_query": CHECKOUT},
)
LONE_SURROGATE = "\ud83d"
VALUES = st.sampled_from(
    [
        10**17,
        10**30,
        -1,
        2**63,
        1e300,
        float("nan"),
        float("inf"),
        "x\0y",
        LONE_SURROGATE,
        "9" * 9000,
    ]
) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)


def nest(depth: int) -> Json:
    """Return a message that replies to one that replies to one, and so on."""
    message = deepcopy(MESSAGE)
    for _ in range(depth):
        message = {**MESSAGE, "reply_to_message": message}
    return message


@st.composite
def nonsense(draw: st.DrawFn) -> bytes:
    """An answer of getUpdates with one to three updates, each with something wrong in it."""
    items = []
    for number in range(draw(st.integers(1, 3))):
        update = {"update_id": 1000 + number, **deepcopy(draw(st.sampled_from(UPDATES)))}
        part: Any = update
        key = draw(st.sampled_from(sorted(part)))
        while isinstance(part[key], dict) and draw(st.booleans()):
            part = part[key]
            key = draw(st.sampled_from(sorted(part)))
        part[key] = draw(VALUES)
        items.append(update)
    return json.dumps({"ok": True, "result": items}).encode()


@pytest.fixture
async def harness(engine: Engine, tmp_path: Path) -> AsyncIterator[BotHarness]:
    """The bot, whose calls to Telegram may be nonsense where the updates are."""
    with suppress(OracleError):
        async with BotHarness.start(engine, tmp_path) as ready:
            yield ready


@pytest.fixture
async def bea(harness: BotHarness) -> AsyncIterator[ChatUser]:
    """A bystander, who is answered whatever came in before."""
    bea = harness.add_user("Bea")
    yield bea
    await bea.says("how much does the card cost")
    bea.sees("278")
    await harness.kaika.inbox.store([])
    assert (await harness.kaika.inbox.count_by_state())["new"] == 0
    assert harness.kaika.intake.backlog == 0


async def take_in(harness: BotHarness, body: bytes) -> None:
    """Feed the bot an answer of getUpdates, and wait until it is processed."""
    try:
        updates = read_updates(body)
    except UnreadableAnswerError:
        return
    await harness.kaika.intake.accept(updates)
    await harness.kaika.application.update_queue.join()


async def set_aside(harness: BotHarness) -> dict[int, str | None]:
    """Return the errors of the updates that were set aside, by id."""
    await harness.kaika.inbox.store([])
    query = select(InboxUpdate.update_id, InboxUpdate.error).where(InboxUpdate.state == "failed")
    async with harness.kaika.database.unit_of_work() as session:
        return {row[0]: row[1] for row in await session.execute(query)}


@pytest.mark.usefixtures("bea")
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=nonsense())
async def test_whatever_an_update_holds_the_bot_goes_on(harness: BotHarness, body: bytes) -> None:
    await take_in(harness, body)
    assert harness.kaika.intake.backlog == 0


@pytest.mark.usefixtures("bea")
@pytest.mark.parametrize(
    ("update", "error"),
    [
        ({"message": {**MESSAGE, "date": 10**17}}, "OSError"),
        ({"message": {**MESSAGE, "date": 10**30}}, "OverflowError"),
        ({"message": {**MESSAGE, "chat": 7}}, "TypeError"),
        ({"message": nest(90)}, None),
        ({"message": nest(320)}, "TypeError"),
        ({"message": nest(600)}, "TypeError"),
        ({"message": {**MESSAGE, "text": f"how much {LONE_SURROGATE}"}}, None),
        ({"message": {**MESSAGE, "text": "how much\0"}}, None),
        ({"message": {**MESSAGE, "from": None}}, None),
        ({"message": {**MESSAGE, "chat": {**CHAT, "id": [7]}}}, "MissingFieldError"),
        ({"callback_query": {**BUTTON, "data": LONE_SURROGATE}}, None),
    ],
    ids=range(11),
)
async def test_what_cannot_be_read_is_set_aside_with_its_id(
    harness: BotHarness, update: Json, error: str | None
) -> None:
    harness.add_user().person.start()
    await harness.settle()
    items = [{"update_id": 7001, **update}, {"update_id": 7002, "message": MESSAGE}]
    await take_in(harness, json.dumps({"ok": True, "result": items}).encode())
    assert await set_aside(harness) == ({7001: error} if error else {})
