"""Albums, and forwarding and copying several messages."""

from typing import Any

import pytest

from sandbox.client.groups import Group
from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.errors import PersonError
from sandbox.world.file_store import UploadedFile
from sandbox.world.world import SandboxOptions
from tests.bot_api_oracle import Oracle
from tests.sandbox.conftest import TOKEN, BotCaller, ManualClock
from tests.sandbox.test_files import PNG


@pytest.fixture
async def desk(bot: BotCaller, engine: Engine, ann: TelegramClient) -> Group:
    """A forum the bot administers."""
    desk = engine.add_group("Desk", [ann], is_forum=True, bot_is_admin=True)
    await bot.take_updates()
    return desk


def album_ids(messages: list[dict[str, Any]]) -> set[str]:
    """Return the albums that messages belong to."""
    return {message.get("media_group_id", "") for message in messages}


async def test_an_album_reaches_the_bot_as_messages_with_one_id(
    bot: BotCaller, ann: TelegramClient
) -> None:
    sent = ann.send_album(["photo", "video", "photo"], "my card, both sides")
    received = [message for _, message in await bot.take_updates()][-3:]
    assert received == sent
    assert len(album_ids(sent)) == 1
    assert "" not in album_ids(sent)
    assert [message.get("caption") for message in sent] == ["my card, both sides", None, None]
    other = ann.send_album(["document", "document"])
    assert album_ids(other) != album_ids(sent)


@pytest.mark.parametrize(
    "kinds",
    [["photo"], ["photo"] * 11, ["photo", "document"], ["audio", "document"], ["sticker"] * 2],
)
def test_what_is_no_album(ann: TelegramClient, kinds: list[str]) -> None:
    with pytest.raises(PersonError, match="an album"):
        ann.send_album(kinds)


@pytest.mark.parametrize("method", ["copyMessages", "forwardMessages"])
async def test_albums_stay_albums_and_what_is_missing_is_left_out(
    bot: BotCaller, desk: Group, ann: TelegramClient, method: str
) -> None:
    album = ann.send_album(["photo", "photo"], "both sides")
    text = ann.send("and this")
    gone = ann.send("not this")["message_id"]
    ann.delete(gone)
    thread = (await bot.call("createForumTopic", chat_id=desk.id, name="Ann"))["message_thread_id"]
    ids = [album[0]["message_id"], album[1]["message_id"], text["message_id"], gone, 999]
    sent = await bot.call(
        method, chat_id=desk.id, message_thread_id=thread, from_chat_id=ann.id, message_ids=ids
    )
    shown = {message["message_id"]: message for message in ann.transcript(desk.id)["messages"]}
    copies = [shown[one["message_id"]] for one in sent]
    assert len(copies) == 3
    assert {message["message_thread_id"] for message in copies} == {thread}
    assert len(album_ids(copies[:2])) == 1
    assert album_ids(copies[:2]).isdisjoint(album_ids(album) | {""})
    assert (copies[0]["caption"], copies[2]["text"]) == ("both sides", "and this")
    assert "media_group_id" not in copies[2]
    assert ("forward_origin" in copies[0]) == (method == "forwardMessages")


async def test_one_message_of_an_album_stands_alone(
    bot: BotCaller, desk: Group, ann: TelegramClient
) -> None:
    album = ann.send_album(["photo", "photo"], "both sides")
    call = {"chat_id": desk.id, "from_chat_id": ann.id}
    await bot.call("copyMessages", **call, message_ids=[album[1]["message_id"]])
    await bot.call("copyMessage", **call, message_id=album[0]["message_id"])
    await bot.call("forwardMessage", **call, message_id=album[0]["message_id"])
    last = ann.transcript(desk.id)["messages"][-3:]
    assert album_ids(last) == {""}


async def test_copies_may_lose_their_captions_and_be_protected(
    bot: BotCaller, desk: Group, ann: TelegramClient
) -> None:
    album = ann.send_album(["photo", "photo"], "both sides")
    call = {"chat_id": desk.id, "from_chat_id": ann.id, "protect_content": True}
    ids = [message["message_id"] for message in album]
    await bot.call("copyMessages", **call, message_ids=ids, remove_caption=True)
    await bot.call("forwardMessages", **call, message_ids=ids)
    last = ann.transcript(desk.id)["messages"][-4:]
    assert ["caption" in message for message in last] == [False, False, True, False]
    assert all(message["has_protected_content"] for message in last)
    nothing = await bot.call_refused(
        "forwardMessages",
        chat_id=ann.id,
        from_chat_id=desk.id,
        message_ids=[message["message_id"] for message in last],
    )
    assert nothing == "Bad Request: messages can't be forwarded"


@pytest.mark.parametrize(
    ("message_ids", "words"),
    [
        ([], "message identifiers are not specified"),
        (list(range(1, 102)), "too many message identifiers specified"),
        ([0], "invalid message identifier specified"),
        ([2, 1], "message identifiers must be in a strictly increasing order"),
        ([1, 1], "message identifiers must be in a strictly increasing order"),
        ([998, 999], "there are no messages to forward"),
    ],
)
async def test_which_lists_are_refused(
    bot: BotCaller, desk: Group, ann: TelegramClient, message_ids: list[int], words: str
) -> None:
    call = {"chat_id": desk.id, "from_chat_id": ann.id, "message_ids": message_ids}
    for method in ("copyMessages", "forwardMessages"):
        assert await bot.call_refused(method, **call) == f"Bad Request: {words}"


async def test_the_bot_sends_an_album(bot: BotCaller, ann: TelegramClient) -> None:
    photo, video = ann.send_album(["photo", "video"])
    media = [
        {"type": "photo", "media": photo["photo"][-1]["file_id"], "has_spoiler": True},
        {"type": "video", "media": video["video"]["file_id"], "caption": "<b>x</b>"},
        {"type": "photo", "media": "attach://fresh"},
    ]
    media[1]["parse_mode"] = "HTML"
    files = {"fresh": UploadedFile("a.png", PNG, "image/png")}
    sent = await bot.call("sendMediaGroup", files, chat_id=ann.id, media=media)
    assert len(album_ids(sent)) == 1
    assert ann.transcript()["messages"][-3:] == sent
    assert (sent[0]["has_media_spoiler"], sent[1]["caption"]) == (True, "x")
    assert sent[1]["video"]["duration"] == video["video"]["duration"]


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ([], "there are no messages to send"),
        (["photo"] * 11, "too many messages to send as an album"),
        (["photo", "document"], "document can't be mixed with other media types"),
        (
            ["animation"],
            "can't parse InputMedia: type \"animation\" can't be used in sendMediaGroup",
        ),
        (["photo"], "wrong file identifier/HTTP URL specified"),
    ],
)
async def test_which_albums_are_refused(
    bot: BotCaller, ann: TelegramClient, kinds: list[str], words: str
) -> None:
    media = [{"type": kind, "media": "nothing"} for kind in kinds]
    refusal = await bot.call_refused("sendMediaGroup", chat_id=ann.id, media=media)
    assert refusal == f"Bad Request: {words}"


@pytest.mark.parametrize(
    ("method", "kind"), [("sendVideo", "video"), ("sendVoice", "voice"), ("sendPhoto", "photo")]
)
async def test_what_a_person_sent_is_sent_on_by_its_id(
    bot: BotCaller, desk: Group, ann: TelegramClient, method: str, kind: str
) -> None:
    theirs = ann.send_media(kind)[kind]
    file_id = (theirs[-1] if kind == "photo" else theirs)["file_id"]
    sent = await bot.call(method, chat_id=desk.id, **{kind: file_id, "caption": "from Ann"})
    assert sent["caption"] == "from Ann"
    size = theirs[-1] if kind == "photo" else theirs
    copy = sent[kind][-1] if kind == "photo" else sent[kind]
    for measure in {"width", "height", "duration"} & set(size):
        assert copy[measure] == size[measure]
    refusal = await bot.call_refused("sendDocument", chat_id=desk.id, document=file_id)
    assert refusal == f"Bad Request: can't use file of type {kind.title()} as Document"


async def test_an_album_counts_as_its_messages(clock: ManualClock) -> None:
    engine = Engine(TOKEN, now=clock, options=SandboxOptions(flood_limits=True))
    oracle = Oracle.attach(engine)
    bot, ann = BotCaller(engine), engine.add_person("Ann")
    group = engine.add_group("Desk", [ann], bot_is_admin=True)
    ids = [ann.send("x")["message_id"] for _ in range(11)]
    call = {"chat_id": group.id, "from_chat_id": ann.id}
    await bot.call("copyMessages", **call, message_ids=ids)
    assert "retry after" in await bot.call_refused("copyMessages", **call, message_ids=ids)
    await bot.call("copyMessages", **call, message_ids=ids[:9])
    assert "retry after" in await bot.call_refused("sendMessage", chat_id=group.id, text="x")
    oracle.verify()


async def test_people_pin_and_the_bot_hears(
    bot: BotCaller, engine: Engine, desk: Group, ann: TelegramClient, stranger: TelegramClient
) -> None:
    desk.add(stranger)
    topic = desk.create_topic("Lost card", ann)
    said = ann.send("first", desk.id, topic.id)["message_id"]
    await bot.take_updates()
    ann.pin(said, desk.id)
    ((_, notice),) = await bot.take_updates()
    assert notice["pinned_message"]["message_id"] == said
    assert (notice["from"]["id"], notice["message_thread_id"]) == (ann.id, topic.id)
    with pytest.raises(PersonError, match="is pinned"):
        ann.pin(said, desk.id)
    with pytest.raises(PersonError, match="can_pin_messages"):
        stranger.unpin(said, desk.id)
    with pytest.raises(PersonError, match="service message"):
        ann.pin(topic.id, desk.id)
    ann.unpin(said, desk.id)
    with pytest.raises(PersonError, match="not pinned"):
        ann.unpin(said, desk.id)
    assert await bot.take_updates() == []


async def test_media_may_reply(bot: BotCaller, desk: Group, ann: TelegramClient) -> None:
    topic = desk.create_topic("Lost card", ann)
    said = ann.send("first", desk.id, topic.id)
    answer = ann.send_media("photo", None, desk.id, reply_to_message_id=said["message_id"])
    assert answer["message_thread_id"] == topic.id
    assert answer["reply_to_message"]["text"] == "first"
