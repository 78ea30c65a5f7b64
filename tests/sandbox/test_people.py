"""What people do."""

import pytest

from sandbox.client.media import MEDIA_KINDS
from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.errors import PersonError
from tests.sandbox.conftest import BotCaller, ManualClock


async def test_a_person_is_shown_as_telegram_shows_them(bot: BotCaller, engine: Engine) -> None:
    mei = engine.add_person("Mei", "zh-hant", "mei_chen", "Chen")
    mei.start("faq-pin-locked")
    message = (await bot.take_updates())[0][1]
    assert message["from"] == {
        "id": mei.id,
        "is_bot": False,
        "first_name": "Mei",
        "last_name": "Chen",
        "username": "mei_chen",
        "language_code": "zh-hant",
    }
    assert message["text"] == "/start faq-pin-locked"
    assert mei.id > 2**32, "ids do not fit into 32 bits"


async def test_a_long_text_goes_in_pieces_none_of_them_lost(
    bot: BotCaller, ann: TelegramClient
) -> None:
    await bot.take_updates()
    words = " ".join(f"word{number}" for number in range(1200))
    last = ann.send(words)
    texts = [payload["text"] for _, payload in await bot.take_updates()]
    assert len(texts) == 3
    assert all(len(text) <= 4096 for text in texts)
    assert " ".join(texts) == words
    assert last["text"] == texts[-1]


async def test_a_text_without_spaces_is_cut_too(ann: TelegramClient) -> None:
    assert ann.send("開" * 5000)["text"] == "開" * 904


@pytest.mark.parametrize("text", ["", "  \n", "\u200b"])
async def test_nothing_cannot_be_sent(ann: TelegramClient, text: str) -> None:
    with pytest.raises(PersonError, match="nothing in the text"):
        ann.send(text)


async def test_an_edited_text_is_told(
    bot: BotCaller, ann: TelegramClient, clock: ManualClock
) -> None:
    await bot.take_updates()
    sent = ann.send("my pin is lockd")
    clock.advance(seconds=2)
    ann.edit(sent["message_id"], "my pin is locked")
    kind, message = (await bot.take_updates())[-1]
    assert (kind, message["text"]) == ("edited_message", "my pin is locked")
    assert message["edit_date"] == sent["date"] + 2


async def test_an_edited_caption_is_told(bot: BotCaller, ann: TelegramClient) -> None:
    photo = ann.send_media("photo", "/old")
    ann.edit(photo["message_id"], "new")
    message = (await bot.take_updates())[-1][1]
    assert message["caption"] == "new"
    assert "caption_entities" not in message


async def test_what_a_person_cannot_edit(
    bot: BotCaller, ann: TelegramClient, clock: ManualClock
) -> None:
    theirs = (await bot.send(ann, "x"))["message_id"]
    with pytest.raises(PersonError, match="Only own texts"):
        ann.edit(theirs, "y")
    with pytest.raises(PersonError, match="the same as before"):
        ann.edit(1, "/start")
    with pytest.raises(PersonError, match="empty or too long"):
        ann.edit(1, "x" * 4097)
    clock.advance(hours=48)
    with pytest.raises(PersonError, match="older than 48 hours"):
        ann.edit(1, "y")


async def test_a_deleted_message_is_never_told(bot: BotCaller, ann: TelegramClient) -> None:
    sent = ann.send("oops")
    await bot.take_updates()
    ann.delete(sent["message_id"])
    assert await bot.take_updates() == []
    refusal = await bot.call_refused("deleteMessage", chat_id=ann.id, message_id=sent["message_id"])
    assert refusal == "Bad Request: message to delete not found"


async def test_in_a_group_people_delete_their_own_and_administrators_any(
    bot: BotCaller, engine: Engine, ann: TelegramClient, stranger: TelegramClient
) -> None:
    group = engine.add_group("Staff", [ann, stranger])
    sent = await bot.call("sendMessage", chat_id=group.id, text="x")
    await bot.take_updates()
    with pytest.raises(PersonError, match="Only administrators"):
        stranger.delete(sent["message_id"], group.id)
    ann.delete(sent["message_id"], group.id)
    assert await bot.take_updates() == []


@pytest.mark.parametrize("kind", sorted(MEDIA_KINDS))
async def test_every_kind_of_media_reaches_the_bot(
    bot: BotCaller, ann: TelegramClient, kind: str
) -> None:
    sent = ann.send_media(kind)
    assert kind in sent
    assert (await bot.take_updates())[-1] == ("message", sent)


async def test_media_can_be_told_apart(ann: TelegramClient) -> None:
    assert ann.send_media("photo", "see a.tw")["caption_entities"][0]["type"] == "url"
    assert (
        ann.send_media("contact", phone_number="886900000000")["contact"]["phone_number"][:3]
        == "886"
    )
    assert ann.send_media("document", file_name="scan.pdf")["document"]["file_name"] == "scan.pdf"
    with pytest.raises(PersonError, match="has no caption"):
        ann.send_media("sticker", "x")
    with pytest.raises(PersonError, match="One of"):
        ann.send_media("smell")
    with pytest.raises(PersonError, match="At most 1024"):
        ann.send_media("photo", "x" * 1025)


async def test_what_a_person_sends_can_be_fetched(bot: BotCaller, ann: TelegramClient) -> None:
    voice = ann.send_media("voice")["voice"]
    assert (await bot.call("getFile", file_id=voice["file_id"]))["file_path"].startswith("voices/")


async def test_blocking_is_told_and_undone_by_start(bot: BotCaller, ann: TelegramClient) -> None:
    await bot.take_updates()
    ann.block()
    ann.block()
    ((kind, change),) = await bot.take_updates()
    assert (kind, change["new_chat_member"]["status"]) == ("my_chat_member", "kicked")
    with pytest.raises(PersonError, match="Unblock the bot"):
        ann.send("x")
    ann.start()
    kinds = [kind for kind, _ in await bot.take_updates()]
    assert kinds == ["my_chat_member", "message"]


async def test_a_forward_says_who_wrote_it(
    bot: BotCaller, engine: Engine, ann: TelegramClient
) -> None:
    group = engine.add_group("Friends", [ann])
    sent = await bot.send(ann, "The answer")
    there = ann.forward(sent["message_id"], chat_id=group.id)
    assert (there["text"], there["from"]["id"]) == ("The answer", ann.id)
    assert there["forward_origin"]["sender_user"]["username"] == "kaika_test_bot"
    onward = ann.forward(there["message_id"], from_chat_id=group.id)
    assert onward["forward_origin"] == there["forward_origin"]
    with pytest.raises(PersonError, match="Only own texts"):
        ann.edit(onward["message_id"], "mine")


async def test_protected_and_service_messages_stay(
    bot: BotCaller, engine: Engine, ann: TelegramClient
) -> None:
    group = engine.add_group("Friends", [ann])
    secret = await bot.send(ann, "code", protect_content=True)
    with pytest.raises(PersonError, match="may not be forwarded"):
        ann.forward(secret["message_id"], chat_id=group.id)
    with pytest.raises(PersonError, match="service message"):
        ann.forward(1, from_chat_id=group.id)


async def test_a_reaction_shows_and_goes(engine: Engine, ann: TelegramClient) -> None:
    ann.react(1, "👍")
    assert ann.transcript()["reactions"] == {"1": [{"user_id": ann.id, "emoji": "👍"}]}
    version = engine.world.changes.version
    ann.react(1, "👍")
    assert engine.world.changes.version == version, "the same again changes nothing"
    ann.react(1, None)
    assert ann.transcript()["reactions"] == {}


async def test_the_transcript_tells_where_the_chat_stands(
    bot: BotCaller, ann: TelegramClient, stranger: TelegramClient
) -> None:
    assert stranger.transcript()["has_started"] is False
    shown = ann.transcript()
    assert (shown["has_started"], shown["has_blocked"]) == (True, False)
    before = shown["version"]
    await bot.send(ann, "x")
    assert ann.transcript()["version"] > before


async def test_a_caption_is_added_changed_and_taken_away(
    bot: BotCaller, ann: TelegramClient
) -> None:
    sent = ann.send_media("photo")["message_id"]
    await bot.take_updates()
    for words in ("my card", "my *new* card", ""):
        ann.edit(sent, words)
        ((kind, message),) = await bot.take_updates()
        assert (kind, message.get("caption", "")) == ("edited_message", words)
    with pytest.raises(PersonError, match="the same"):
        ann.edit(sent, "")
    with pytest.raises(PersonError, match="too long"):
        ann.edit(sent, "x" * 1025)


async def test_an_edit_may_have_changed_nothing(bot: BotCaller, ann: TelegramClient) -> None:
    sent = ann.send("see moica.nat.gov.tw")
    await bot.take_updates()
    ann.load_link_preview(sent["message_id"])
    assert await bot.take_updates() == [("edited_message", sent)]
