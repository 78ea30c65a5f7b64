"""`kaika inbox` and `kaika outbox`: what was set aside is listed, retried and dropped."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.embedded.models import AuditEntry
from services.messaging.inbox import Inbox, seal_context
from services.messaging.outbox import OutboxMessage
from services.messaging.update_json import Json
from services.storage import keys
from services.storage.database import Database
from services.storage.models import InboxUpdate, Job
from tests.services.authority.authority_harness import NOW
from tests.services.authority.command_line import APPLY, Terminal

MINUTE = timedelta(minutes=1)


def in_database(terminal: Terminal, work: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
    """Run `work` in a transaction on the terminal's database."""

    async def run() -> Any:
        database = Database(terminal.settings.database)
        async with database.unit_of_work() as session:
            result = await work(session)
        await database.close()
        return result

    return asyncio.run(run())


def set_aside(
    terminal: Terminal,
    update_id: int,
    age: timedelta = MINUTE,
    kind: str = "message",
    chat_id: int | None = 7,
    **values: Any,
) -> None:
    """Put an update into the inbox that failed, unless `values` say otherwise."""
    ring = keys.load_or_create(terminal.settings.key_file)
    content = json.dumps({"update_id": update_id, "message": {"text": "zebra"}}).encode()
    row = {
        "update_id": update_id,
        "kind": kind,
        "chat_id": chat_id,
        "received_at": NOW - age,
        "state": "failed",
        "error": "KeyError",
        "payload": ring.seal(content, seal_context(update_id)),
        **values,
    }

    async def add(session: AsyncSession) -> None:
        session.add(InboxUpdate(**row))

    in_database(terminal, add)


def unfinished(terminal: Terminal, age: timedelta = timedelta()) -> list[int]:
    """Return the updates that the bot takes up, some time later."""

    async def load() -> list[Json]:
        database = Database(terminal.settings.database)
        inbox = Inbox(database, keys.load_or_create(terminal.settings.key_file))
        found = await inbox.load_unfinished(NOW + age)
        await database.close()
        return found

    return [item["update_id"] for item in asyncio.run(load())]


def states(terminal: Terminal) -> dict[int, tuple[str, bool]]:
    """Return the state of each update, and whether there is anything in it."""

    async def read(session: AsyncSession) -> dict[int, tuple[str, bool]]:
        rows = (await session.scalars(select(InboxUpdate))).all()
        return {row.update_id: (row.state, row.payload is not None) for row in rows}

    result: dict[int, tuple[str, bool]] = in_database(terminal, read)
    return result


def test_updates_are_listed_with_kind_age_and_error_and_never_with_their_content(
    terminal: Terminal,
) -> None:
    assert terminal.asks("inbox", "list") == []
    assert "No update is set aside" in terminal.types("inbox", "list").stdout
    set_aside(terminal, 1, timedelta(hours=30))
    set_aside(terminal, 2, kind="successful_payment")
    set_aside(terminal, 3, state="done")
    listed = terminal.asks("inbox", "list")
    assert [(each["update_id"], each["kind"], each["age_seconds"]) for each in listed] == [
        (1, "message", 108_000),
        (2, "successful_payment", 60),
    ]
    assert terminal.asks("inbox", "show", "1") == listed[0]
    for words in (("inbox", "list"), ("inbox", "list", "--json"), ("inbox", "show", "1")):
        printed = terminal.types(*words).stdout
        assert "KeyError" in printed
        assert "zebra" not in printed
    assert terminal.asks("inbox", "show", "3")["error"] == "unknown_update"


@pytest.mark.parametrize(
    ("update", "newer", "reason"),
    [
        ({}, {}, None),
        ({"age": 11 * MINUTE}, {}, "too_old"),
        ({"age": 99 * MINUTE, "kind": "successful_payment"}, {"error": None}, None),
        ({}, {"state": "done", "error": None}, "overtaken"),
        ({}, {"state": "new", "error": None}, "overtaken"),
        ({}, {"state": "done", "error": None, "chat_id": 8}, None),
        ({"chat_id": None, "kind": "unreadable"}, {}, "overtaken"),
        ({"payload": None}, {}, "erased"),
    ],
)
def test_an_update_is_retried_only_while_that_surprises_nobody(
    terminal: Terminal, update: Json, newer: Json, reason: str | None
) -> None:
    set_aside(terminal, 1, **update)
    set_aside(terminal, 2, **newer)
    answer = terminal.asks("inbox", "retry", "1")
    if reason is None:
        assert answer == {"retried": [1]}
        assert 1 in unfinished(terminal)
    else:
        assert (answer["error"], answer["reason"]) == ("retry_refused", reason)
        assert states(terminal)[1][0] == "failed"


def test_what_became_too_old_before_the_bot_took_it_up_is_failed_again(terminal: Terminal) -> None:
    set_aside(terminal, 1, 9 * MINUTE)
    set_aside(terminal, 2, 9 * MINUTE, "successful_payment")
    assert terminal.asks("inbox", "retry", "--all") == {"retried": [1, 2]}
    assert [each["is_waiting"] for each in terminal.asks("inbox", "list")] == [True, True]
    assert unfinished(terminal, 2 * MINUTE) == [2]
    assert states(terminal) == {1: ("failed", True), 2: ("new", True)}


def test_all_that_may_be_retried_is_and_the_rest_stays(terminal: Terminal) -> None:
    set_aside(terminal, 1, 11 * MINUTE)
    set_aside(terminal, 2, crashes=2)
    set_aside(terminal, 3)
    assert terminal.asks("inbox", "retry", "--all") == {"retried": [2, 3]}
    assert unfinished(terminal) == [2, 3]


def test_a_payment_is_dropped_only_by_its_id(terminal: Terminal) -> None:
    for number, kind in ((1, "message"), (2, "successful_payment"), (3, "unreadable")):
        set_aside(terminal, number, kind=kind)
    assert terminal.asks("inbox", "drop", "--all", "--yes") == {"dropped": [1, 3]}
    assert states(terminal) == {1: ("done", False), 2: ("failed", True), 3: ("done", False)}
    refused = terminal.types("inbox", "drop", "2")
    assert "money" in refused.stdout
    assert (refused.exit_code, states(terminal)[2]) == (1, ("failed", True))
    assert terminal.asks("inbox", "drop", "2", "--yes") == {"dropped": [2]}
    assert (states(terminal)[2], terminal.asks("inbox", "list")) == (("done", False), [])


@pytest.mark.parametrize("has_authority", [True, False])
def test_what_is_dropped_is_on_record(terminal: Terminal, has_authority: bool) -> None:
    async def read_acts(session: AsyncSession) -> list[tuple[str, str]]:
        entries = (await session.scalars(select(AuditEntry))).all()
        return [(entry.act, entry.subject) for entry in entries][-2:]

    if has_authority:
        terminal.asks(*APPLY)
    set_aside(terminal, 1)
    give_up(terminal, 2)
    terminal.asks("inbox", "drop", "1", "--yes")
    terminal.asks("outbox", "drop", "2", "--yes")
    assert in_database(terminal, read_acts) == [
        ("update_dropped", "update 1"),
        ("message_dropped", "message 2"),
    ]
    assert terminal.asks("audit", "verify")["ok"]


@pytest.mark.parametrize("group", ["inbox", "outbox"])
@pytest.mark.parametrize("command", ["retry", "drop"])
def test_either_ids_or_all_are_given(terminal: Terminal, group: str, command: str) -> None:
    for words in ((), ("1", "--all")):
        assert terminal.types(group, command, *words).exit_code == 2


def give_up(
    terminal: Terminal, message_id: int, failed: str | None = "SMTPRecipientsRefused"
) -> None:
    """Put a message into the outbox that could not be sent."""
    row = {"channel": "mail", "recipient": "somebody", "message": "paid", "reference": "{}"}

    async def add(session: AsyncSession) -> None:
        session.add(OutboxMessage(id=message_id, put_at=NOW - MINUTE, failed=failed, **row))

    in_database(terminal, add)


def test_messages_that_could_not_be_sent_are_listed_retried_and_dropped(
    terminal: Terminal,
) -> None:
    async def read_jobs(session: AsyncSession) -> list[str]:
        return [job.key for job in await session.scalars(select(Job))]

    give_up(terminal, 1)
    give_up(terminal, 2)
    give_up(terminal, 3, None)
    listed = terminal.asks("outbox", "list")
    assert [(each["id"], each["kind"], each["age_seconds"]) for each in listed] == [
        (1, "paid", 60),
        (2, "paid", 60),
    ]
    assert terminal.asks("outbox", "show", "2") == listed[1]
    assert "SMTPRecipientsRefused" in terminal.types("outbox", "list").stdout
    assert terminal.asks("outbox", "retry", "1") == {"retried": [1]}
    assert in_database(terminal, read_jobs) == ["outbox/mail/somebody"]
    assert terminal.asks("outbox", "show", "1")["error"] == "unknown_message"
    assert terminal.asks("outbox", "drop", "--all", "--yes") == {"dropped": [2]}
    assert terminal.asks("outbox", "list") == []
