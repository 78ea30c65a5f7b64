"""The HTTP interface to act as a person."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.http.access_guard import TOKEN_HEADER
from sandbox.server import build_app
from tests.sandbox.conftest import BotCaller, inline_keyboard
from tests.sandbox.test_payments import INVOICE

WITH_TOKEN = {TOKEN_HEADER: "page-token"}


class InterfaceClient:
    """A client of the interface, in the words of a test."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        self.client = client

    async def post(self, path: str, status: int = 200, /, **body: object) -> Any:
        response = await self.client.post(f"/sandbox/{path}", json=body, headers=WITH_TOKEN)
        shape = await response.json()
        assert response.status == status, shape
        return shape

    async def get(self, path: str, status: int = 200, /) -> Any:
        response = await self.client.get(f"/sandbox/{path}", headers=WITH_TOKEN)
        shape = await response.json()
        assert response.status == status, shape
        return shape


@pytest.fixture
async def api(engine: Engine) -> AsyncIterator[InterfaceClient]:
    async with TestClient(TestServer(build_app(engine, "page-token"))) as client:
        yield InterfaceClient(client)


@pytest.fixture
async def mei(api: InterfaceClient) -> str:
    """The path of somebody who has started the bot."""
    person = await api.post("people", first_name="Mei", language_code="zh-hant")
    path = f"people/{person['id']}"
    await api.post(f"{path}/start", payload="faq-x")
    return path


async def test_a_person_is_made_and_seen(api: InterfaceClient, mei: str) -> None:
    state = await api.get("state")
    (person,) = state["people"]
    assert (person["first_name"], person["language_code"]) == ("Mei", "zh-hant")
    assert (person["chat_id"], person["has_started"]) == (person["id"], True)
    assert state["bot"]["username"] == "kaika_test_bot"
    assert state["pending_updates"] == 1


async def test_the_token_is_asked_for_everywhere(api: InterfaceClient, mei: str) -> None:
    for path in ("state", "mails", "events", "words", f"{mei}/transcript", "files/x"):
        assert (await api.client.get(f"/sandbox/{path}")).status == 403
    for path in ("people", "groups", "mails", "faults", f"{mei}/send", f"{mei}/block"):
        response = await api.client.post(f"/sandbox/{path}", json={})
        assert (response.status, (await response.json())["error"]) == (403, "bad_token")
    assert (await api.client.get("/sandbox/state?token=page-token")).status == 200
    assert (await api.client.get("/sandbox/state?token=other")).status == 403


async def test_a_conversation(api: InterfaceClient, bot: BotCaller, mei: str) -> None:
    sent = await api.post(f"{mei}/send", text="卡片鎖住了")
    person_id = sent["chat"]["id"]
    answered = await bot.call(
        "sendMessage", chat_id=person_id, text="…", reply_markup=inline_keyboard([("英文", "en")])
    )
    pressing = asyncio.create_task(
        api.post(f"{mei}/press", message_id=answered["message_id"], text="英文")
    )
    query_id = await _wait_for_query(bot)
    await bot.call("answerCallbackQuery", callback_query_id=query_id, text="OK")
    pressed = await pressing
    assert pressed == {"callback_query_id": query_id, "answer": {"text": "OK"}}
    await api.post(f"{mei}/edit", message_id=sent["message_id"], text="卡片鎖了")
    shown = await api.get(f"{mei}/transcript")
    texts = [message["text"] for message in shown["messages"]]
    assert texts == ["/start faq-x", "卡片鎖了", "…"]


async def _wait_for_query(bot: BotCaller) -> str:
    """Return the id of the next query that the bot gets."""
    while True:
        batch = await bot.call("getUpdates", timeout=5)
        await bot.call("getUpdates", offset=batch[-1]["update_id"] + 1)
        for update in batch:
            for kind in ("callback_query", "inline_query", "pre_checkout_query"):
                if kind in update:
                    return str(update[kind]["id"])


async def test_a_press_without_an_answer_says_so(
    api: InterfaceClient, bot: BotCaller, mei: str
) -> None:
    pressed = await api.post(f"{mei}/press", message_id=1, data="old", forge=True, wait=0)
    assert pressed["answer"] is None


async def test_inline_mode(api: InterfaceClient, bot: BotCaller, mei: str) -> None:
    asking = asyncio.create_task(api.post(f"{mei}/inline", query="pin"))
    query_id = await _wait_for_query(bot)
    content = {"message_text": "An answer"}
    result = {"type": "article", "id": "a", "title": "T", "input_message_content": content}
    await bot.call("answerInlineQuery", inline_query_id=query_id, results=[result])
    asked = await asking
    assert (asked["inline_query_id"], asked["answered"]) == (query_id, True)
    assert asked["results"][0]["title"] == "T"
    chosen = await api.post(f"{mei}/choose", inline_query_id=query_id, result_id="a")
    assert chosen["text"] == "An answer"
    unanswered = await api.post(f"{mei}/inline", query="pin", wait=0)
    assert (unanswered["results"], unanswered["answered"]) == ([], False)


async def test_paying(api: InterfaceClient, bot: BotCaller, mei: str) -> None:
    chat_id = int(mei.partition("/")[2])
    sent = await bot.call("sendInvoice", chat_id=chat_id, **INVOICE)
    paying = asyncio.create_task(api.post(f"{mei}/pay", message_id=sent["message_id"]))
    query_id = await _wait_for_query(bot)
    await bot.call("answerPreCheckoutQuery", pre_checkout_query_id=query_id, ok=True)
    assert await paying == {"status": "paid"}


async def test_the_other_verbs(
    api: InterfaceClient, bot: BotCaller, engine: Engine, mei: str
) -> None:
    photo = await api.post(f"{mei}/media", kind="photo", caption="my card")
    picture = await api.client.get(
        f"/sandbox/files/{photo['photo'][0]['file_id']}", headers=WITH_TOKEN
    )
    assert (picture.status, picture.content_type) == (200, "image/png")
    named = {"kind": "document", "details": {"file_name": "a.pdf"}}
    assert (await api.post(f"{mei}/media", **named))["document"]["file_name"] == "a.pdf"
    forwarded = await api.post(f"{mei}/forward", message_id=photo["message_id"])
    assert forwarded["forward_origin"]["type"] == "user"
    await api.post(f"{mei}/react", message_id=photo["message_id"], emoji="👍")
    await api.post(f"{mei}/delete", message_id=forwarded["message_id"])
    chat_id = photo["chat"]["id"]
    keys = {"keyboard": [[{"text": "A"}]]}
    await bot.call("sendMessage", chat_id=chat_id, text="x", reply_markup=keys)
    assert (await api.post(f"{mei}/press_key", text="A"))["text"] == "A"
    await api.post(f"{mei}/block")
    assert engine.world.accounts[chat_id].has_blocked
    await api.post(f"{mei}/unblock")
    assert not engine.world.accounts[chat_id].has_blocked
    shown = await api.get(f"{mei}/transcript")
    assert shown["deleted"] == [forwarded["message_id"]]
    assert shown["reactions"] == {str(photo["message_id"]): [{"user_id": chat_id, "emoji": "👍"}]}


async def test_groups(api: InterfaceClient, engine: Engine, mei: str) -> None:
    mei_id = int(mei.partition("/")[2])
    group = await api.post("groups", title="Staff", is_forum=True, members=[mei_id])
    path = f"groups/{group['id']}"
    bo = (await api.post("people", first_name="Bo"))["id"]
    await api.post(f"{path}/members", person_id=bo)
    topic = await api.post(f"{path}/topics", name="Lost card", person_id=bo)
    said = await api.post(
        f"people/{bo}/send",
        text="hello",
        chat_id=group["id"],
        message_thread_id=topic["message_thread_id"],
    )
    assert said["is_topic_message"] is True
    forwarded = await api.post(
        f"people/{bo}/forward",
        message_id=said["message_id"],
        from_chat_id=group["id"],
        chat_id=group["id"],
        message_thread_id=topic["message_thread_id"],
    )
    assert forwarded["is_topic_message"] is True
    await api.post(f"{path}/bot", status="administrator", person_id=mei_id)
    await api.post(f"{path}/leave", person_id=bo)
    (shown,) = (await api.get("state"))["groups"]
    assert {member["id"]: member["status"] for member in shown["members"]} == {
        mei_id: "creator",
        engine.world.bot.id: "administrator",
        bo: "left",
    }
    assert shown["topics"][0]["name"] == "Lost card"


async def test_topics_and_members_are_managed(api: InterfaceClient, mei: str) -> None:
    mei_id = int(mei.partition("/")[2])
    bo = (await api.post("people", first_name="Bo"))["id"]
    group = await api.post(
        "groups",
        title="Desk",
        is_forum=True,
        members=[mei_id, bo],
        bot_is_admin=True,
        bot_rights=["can_manage_topics"],
    )
    path = f"groups/{group['id']}"
    made = await api.post(f"{path}/topics", name="Lost card", person_id=mei_id)
    topic = f"{path}/topics/{made['message_thread_id']}"
    await api.post(f"{topic}/rename", name="Lost card ✓", person_id=mei_id)
    await api.post(f"{topic}/close", person_id=mei_id)
    refused = await api.post(f"{topic}/reopen", 403, person_id=bo)
    assert refused["error"] == "no_right"
    await api.post(
        f"{path}/status", person_id=bo, by=mei_id, status="administrator", is_anonymous=True
    )
    await api.post(f"{topic}/reopen", person_id=bo)
    (shown,) = (await api.get("state"))["groups"]
    members = {member["id"]: member for member in shown["members"]}
    assert members[bo]["is_anonymous"] is True
    assert members[find_bot_id(group)]["rights"] == ["can_manage_chat", "can_manage_topics"]
    assert shown["topics"][0]["name"] == "Lost card ✓"
    await api.post(f"{topic}/delete", person_id=bo)
    assert (await api.get("state"))["groups"][0]["topics"] == []
    await api.post(f"{path}/bot", status="administrator", person_id=mei_id, rights=[])
    unknown = await api.post(
        f"{path}/bot", 400, status="administrator", person_id=mei_id, rights=["can_fly"]
    )
    assert unknown["error"] == "bad_right"


def find_bot_id(group: dict[str, Any]) -> int:
    """Return the id of the administrator of a new group, which is the bot."""
    admins = [one["id"] for one in group["members"] if one["status"] == "administrator"]
    return int(admins[0])


async def test_a_group_is_shared_by_a_key(api: InterfaceClient, bot: BotCaller, mei: str) -> None:
    mei_id = int(mei.partition("/")[2])
    group = await api.post("groups", title="Desk", members=[mei_id])
    request = {"request_id": 3, "chat_is_channel": False}
    keys = {"keyboard": [[{"text": "Choose", "request_chat": request}]]}
    await bot.call("sendMessage", chat_id=mei_id, text="Which?", reply_markup=keys)
    refused = await api.post(f"{mei}/press_key", 400, text="Choose")
    assert refused["error"] == "needs_a_chat"
    shared = await api.post(f"{mei}/share_chat", text="Choose", group_id=group["id"])
    assert shared["chat_shared"] == {"request_id": 3, "chat_id": group["id"]}


async def test_options_are_switched(api: InterfaceClient, engine: Engine) -> None:
    assert (await api.get("state"))["options"]["flood_limits"] is False
    assert (await api.post("options", flood_limits=True))["flood_limits"] is True
    assert engine.world.options.flood_limits
    await api.post("options", 400, speed=3)


async def test_a_transcript_waits_for_what_is_new(
    api: InterfaceClient, bot: BotCaller, engine: Engine, mei: str
) -> None:
    version = (await api.get(f"{mei}/transcript"))["version"]
    waiting = asyncio.create_task(api.get(f"{mei}/transcript?after={version}&wait=5"))
    engine.add_person("Somebody else").send("not here")
    await bot.call("sendMessage", chat_id=int(mei.partition("/")[2]), text="here")
    shown = await waiting
    assert shown["messages"][-1]["text"] == "here"
    assert shown["version"] > version
    at_once = await api.get(f"{mei}/transcript?after=0&wait=5")
    assert at_once["messages"] == shown["messages"]


async def test_events_tell_what_changes(api: InterfaceClient, engine: Engine, mei: str) -> None:
    version = engine.world.changes.version
    account = engine.world.accounts[int(mei.partition("/")[2])]
    async with api.client.get(f"/sandbox/events?after={version}", headers=WITH_TOKEN) as stream:
        assert stream.content_type == "text/event-stream"
        TelegramClient(engine.world, account).send("x")
        engine.world.mailbox.add("a@b.tw", "Hi", "…")
        events: list[Any] = []
        async with asyncio.timeout(5):
            while len(events) < 2:
                line = await stream.content.readline()
                if line.startswith(b"data: "):
                    events.append(json.loads(line[6:]))
    assert events == [
        {"version": version + 1, "kind": "message", "chat_id": account.id},
        {"version": version + 2, "kind": "mails", "chat_id": None},
    ]


async def test_mails(api: InterfaceClient) -> None:
    mail = {"to": "mei@example.com", "subject": "Code", "text": "A code", "html": "<p>A code"}
    stored = await api.post("mails", **mail)
    assert await api.get("mails") == [{**mail, "id": 1, "date": stored["date"]}]
    plain = await api.post("mails", to="a@b.tw", subject="s", text="t")
    assert "html" not in plain


async def test_faults(api: InterfaceClient, bot: BotCaller) -> None:
    await api.post("faults", method="getMe", error_code=429, retry_after=3)
    assert await bot.call_refused("getMe") == "Too Many Requests: retry after 3"
    await bot.call("getMe")


async def test_the_words_of_the_page(api: InterfaceClient) -> None:
    assert await api.get("words?language=en") == {}


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("people/1/send", {"text": "x"}, 404, "person_not_found"),
        ("people", {"first_name": ""}, 400, "bad_body"),
        ("people", {"first_name": "A", "age": 3}, 400, "bad_body"),
        ("people", {"first_name": "A", "username": "a b"}, 400, "bad_body"),
        ("groups", {"title": "x", "members": []}, 400, "bad_body"),
        ("groups", {"title": "x", "members": [1]}, 404, "person_not_found"),
        ("groups/-5/members", {"person_id": 1}, 404, "chat_not_found"),
        ("faults", {"method": "x", "error_code": 900}, 400, "bad_body"),
    ],
)
async def test_what_is_refused(
    api: InterfaceClient, path: str, body: dict[str, object], status: int, error: str
) -> None:
    assert (await api.post(path, status, **body))["error"] == error


@pytest.mark.parametrize(
    ("verb", "body", "status", "error"),
    [
        ("send", {"text": ""}, 400, "empty_text"),
        ("send", {"text": "x", "chat_id": -5}, 404, "chat_not_found"),
        ("start", {"payload": "a b"}, 400, "bad_body"),
        ("press", {"message_id": 1, "data": "x"}, 404, "button_not_found"),
        ("press", {"message_id": 1, "forge": True}, 400, "no_data"),
        ("edit", {"message_id": 9, "text": "x"}, 404, "message_not_found"),
        ("pay", {"message_id": 1}, 400, "not_an_invoice"),
        ("inline", {"query": "x" * 257}, 400, "query_too_long"),
    ],
)
async def test_what_a_person_is_refused(
    api: InterfaceClient, mei: str, verb: str, body: dict[str, object], status: int, error: str
) -> None:
    assert (await api.post(f"{mei}/{verb}", status, **body))["error"] == error


async def test_a_blocked_bot_is_a_conflict(api: InterfaceClient, mei: str) -> None:
    await api.post(f"{mei}/block")
    assert (await api.post(f"{mei}/send", 409, text="x"))["error"] == "bot_blocked"


async def test_numbers_in_the_query_are_numbers(api: InterfaceClient, mei: str) -> None:
    assert (await api.get(f"{mei}/transcript?after=x", 400))["error"] == "bad_query"
    assert (await api.get("files/none", 404))["error"] == "file_not_found"
