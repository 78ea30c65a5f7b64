"""Groups, who is in them, and what the bot sees there."""

import pytest

from sandbox.client.groups import Group
from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.errors import PersonError
from tests.sandbox.conftest import BotCaller, ManualClock


@pytest.fixture
async def staff(
    bot: BotCaller, engine: Engine, ann: TelegramClient, stranger: TelegramClient
) -> Group:
    """A group in which the bot is a mere member."""
    group = engine.add_group("Staff", [ann, stranger])
    await bot.take_updates()
    return group


async def test_being_added_is_told_twice(
    bot: BotCaller, engine: Engine, ann: TelegramClient
) -> None:
    await bot.take_updates()
    group = engine.add_group("Staff", [ann], is_forum=True, bot_is_admin=True)
    (first, change), (second, message) = await bot.take_updates()
    assert (first, second) == ("my_chat_member", "message")
    assert change["old_chat_member"]["status"] == "left"
    assert change["new_chat_member"]["status"] == "administrator"
    assert message["new_chat_members"] == [engine.world.bot.user]
    assert message["chat"] == {
        "id": group.id,
        "title": "Staff",
        "type": "supergroup",
        "is_forum": True,
    }


async def test_in_privacy_mode_only_what_is_meant_for_the_bot_comes(
    bot: BotCaller, staff: Group, ann: TelegramClient, stranger: TelegramClient
) -> None:
    said = (await bot.call("sendMessage", chat_id=staff.id, text="Hi all"))["message_id"]
    ann.send("among us", staff.id)
    ann.send("to @another_bot", staff.id)
    ann.send("/help@another_bot", staff.id)
    for text in ("/help", "/help@Kaika_test_bot", "ask @kaika_test_bot"):
        stranger.send(text, staff.id)
    stranger.send("thanks", staff.id, reply_to_message_id=said)
    texts = [payload["text"] for _, payload in await bot.take_updates()]
    assert texts == ["/help", "/help@Kaika_test_bot", "ask @kaika_test_bot", "thanks"]


async def test_an_administrator_sees_everything(
    bot: BotCaller, staff: Group, ann: TelegramClient
) -> None:
    staff.set_bot_status("administrator", by=ann.user)
    await bot.take_updates()
    ann.send("among us", staff.id)
    assert (await bot.take_updates())[0][1]["text"] == "among us"


async def test_a_captioned_mention_counts(
    bot: BotCaller, staff: Group, ann: TelegramClient
) -> None:
    ann.send_media("photo", "look @kaika_test_bot", staff.id)
    ann.send_media("photo", "look", staff.id)
    assert len(await bot.take_updates()) == 1


async def test_others_messages_are_deleted_by_administrators_only(
    bot: BotCaller, staff: Group, ann: TelegramClient, clock: ManualClock
) -> None:
    theirs = ann.send("x", staff.id)["message_id"]
    own = (await bot.call("sendMessage", chat_id=staff.id, text="y"))["message_id"]
    refusal = await bot.call_refused("deleteMessage", chat_id=staff.id, message_id=theirs)
    assert refusal == "Bad Request: message can't be deleted"
    await bot.call("deleteMessage", chat_id=staff.id, message_id=own)
    staff.set_bot_status("administrator", by=ann.user)
    await bot.call("deleteMessage", chat_id=staff.id, message_id=theirs)
    late = ann.send("x", staff.id)["message_id"]
    clock.advance(hours=48)
    refusal = await bot.call_refused("deleteMessage", chat_id=staff.id, message_id=late)
    assert refusal == "Bad Request: message can't be deleted"
    refusal = await bot.call_refused("pinChatMessage", chat_id=staff.id, message_id=99)
    assert refusal == "Bad Request: message to pin not found"


async def test_pinning_needs_rights(bot: BotCaller, staff: Group, ann: TelegramClient) -> None:
    theirs = ann.send("x", staff.id)["message_id"]
    call = {"chat_id": staff.id, "message_id": theirs}
    for method in ("pinChatMessage", "unpinChatMessage"):
        refusal = await bot.call_refused(method, **call)
        assert refusal == "Bad Request: not enough rights to manage pinned messages in the chat"
    staff.set_bot_status("administrator", by=ann.user)
    await bot.call("pinChatMessage", **call)
    await bot.call("unpinChatMessage", **call)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("kicked", "Forbidden: bot was kicked from the supergroup chat"),
        ("left", "Forbidden: bot is not a member of the supergroup chat"),
    ],
)
async def test_outside_the_group_nothing_works(
    bot: BotCaller, staff: Group, ann: TelegramClient, status: str, words: str
) -> None:
    staff.set_bot_status(status, by=ann.user)
    ((kind, change),) = await bot.take_updates()
    assert (kind, change["new_chat_member"]["status"]) == ("my_chat_member", status)
    ann.send("/help", staff.id)
    assert await bot.take_updates() == []
    assert await bot.call_refused("sendMessage", chat_id=staff.id, text="x") == words
    assert await bot.call_refused("getChat", chat_id=staff.id) == words


async def test_leaving_is_told_too(bot: BotCaller, staff: Group, ann: TelegramClient) -> None:
    assert await bot.call("leaveChat", chat_id=staff.id) is True
    assert (await bot.take_updates())[0][0] == "my_chat_member"
    assert ann.transcript(staff.id)["messages"][-1]["left_chat_member"]["is_bot"]
    assert "private chats" in await bot.call_refused("leaveChat", chat_id=ann.id)


async def test_who_is_in_the_group(
    bot: BotCaller, engine: Engine, staff: Group, ann: TelegramClient, stranger: TelegramClient
) -> None:
    chat = {"chat_id": staff.id}
    assert await bot.call("getChatMemberCount", **chat) == 3
    admins = await bot.call("getChatAdministrators", **chat)
    assert [admin["user"]["id"] for admin in admins] == [ann.id]
    assert (await bot.call("getChatMember", **chat, user_id=stranger.id))["status"] == "member"
    outsider = engine.add_person("Di")
    assert (await bot.call("getChatMember", **chat, user_id=outsider.id))["status"] == "left"
    assert (
        await bot.call_refused("getChatMember", **chat, user_id=5) == "Bad Request: user not found"
    )
    assert (
        await bot.call_refused("getChatMember", **chat) == "Bad Request: invalid user_id specified"
    )
    full = await bot.call("getChat", **chat)
    assert (full["title"], full["type"]) == ("Staff", "supergroup")


async def test_the_private_chat_has_two_members(
    bot: BotCaller, ann: TelegramClient, stranger: TelegramClient
) -> None:
    chat = {"chat_id": ann.id}
    assert await bot.call("getChatMemberCount", **chat) == 2
    assert (await bot.call("getChatMember", **chat, user_id=ann.id))["status"] == "member"
    assert (await bot.call("getChatMember", **chat, user_id=stranger.id))["status"] == "left"
    assert "no administrators" in await bot.call_refused("getChatAdministrators", **chat)
    assert (await bot.call("getChat", **chat))["active_usernames"] == ["ann_lee"]


async def test_people_come_and_go(
    bot: BotCaller, engine: Engine, staff: Group, ann: TelegramClient
) -> None:
    await bot.call("getUpdates", allowed_updates=["message", "chat_member", "my_chat_member"])
    staff.set_bot_status("administrator", by=ann.user)
    await bot.take_updates()
    newcomer = engine.add_person("Di")
    with pytest.raises(PersonError, match="not in chat"):
        newcomer.send("x", staff.id)
    staff.add(newcomer)
    (_, change), (_, notice) = await bot.take_updates()
    assert change["new_chat_member"]["status"] == "member"
    assert notice["new_chat_members"] == [newcomer.user]
    staff.remove(newcomer)
    assert (await bot.take_updates())[-1][1]["left_chat_member"] == newcomer.user
    with pytest.raises(PersonError, match="is not in the group"):
        staff.remove(newcomer)


async def test_a_person_reaches_only_their_own_chats(engine: Engine, ann: TelegramClient) -> None:
    other = engine.add_person("Cy")
    for chat_id in (other.id, -5):
        with pytest.raises(PersonError, match="There is no chat"):
            ann.send("x", chat_id)


async def test_a_group_needs_somebody(engine: Engine) -> None:
    with pytest.raises(PersonError, match="needs somebody"):
        engine.add_group("Nobody", [])


async def test_a_reaction_is_told_to_administrators_only(
    bot: BotCaller, staff: Group, ann: TelegramClient
) -> None:
    await bot.call("getUpdates", allowed_updates=["message_reaction"])
    sent = ann.send("x", staff.id)["message_id"]
    ann.react(sent, "👍", staff.id)
    assert await bot.take_updates() == []
    staff.set_bot_status("administrator", by=ann.user)
    ann.react(sent, "❤", staff.id)
    ((kind, change),) = await bot.take_updates()
    assert (kind, change["old_reaction"]) == (
        "message_reaction",
        [{"type": "emoji", "emoji": "👍"}],
    )


async def test_nobody_joins_twice_and_the_bot_is_something_known(
    staff: Group, ann: TelegramClient
) -> None:
    with pytest.raises(PersonError, match="is in the group"):
        staff.add(ann)
    with pytest.raises(PersonError, match="One of"):
        staff.set_bot_status("owner", by=ann.user)
    before = staff.world.changes.version
    staff.set_bot_status("member", by=ann.user)
    assert staff.world.changes.version == before, "it is that already"
