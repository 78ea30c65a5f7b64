"""Promoted, anonymous, restricted and banned members."""

import pytest

from sandbox.client.groups import Group
from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.errors import PersonError
from sandbox.world.delivery import ANONYMOUS_ADMIN
from tests.sandbox.conftest import BotCaller, inline_keyboard

_WANTED = ["message", "edited_message", "callback_query", "chat_member", "my_chat_member"]


@pytest.fixture
async def office(
    bot: BotCaller, engine: Engine, ann: TelegramClient, stranger: TelegramClient
) -> Group:
    """A forum that the bot administers, and a bot that asks for changes of members."""
    office = engine.add_group("Office", [ann, stranger], is_forum=True, bot_is_admin=True)
    await bot.call("getUpdates", allowed_updates=[*_WANTED, "message_reaction"])
    await bot.take_updates()
    return office


async def test_a_promotion_is_told_with_its_rights(
    bot: BotCaller, office: Group, ann: TelegramClient, stranger: TelegramClient
) -> None:
    office.set_status(stranger, "administrator", ann, rights=["can_manage_topics"], title="Day")
    ((kind, change),) = await bot.take_updates()
    assert (kind, change["from"]["id"]) == ("chat_member", ann.id)
    assert change["old_chat_member"]["status"] == "member"
    new = change["new_chat_member"]
    assert (new["user"]["id"], new["status"], new["custom_title"]) == (
        stranger.id,
        "administrator",
        "Day",
    )
    assert (new["can_manage_topics"], new["can_delete_messages"]) == (True, False)
    asked = await bot.call("getChatMember", chat_id=office.id, user_id=stranger.id)
    assert asked == new
    office.set_status(stranger, "member", ann)
    assert (await bot.take_updates())[0][1]["new_chat_member"]["status"] == "member"


async def test_an_administrator_manages_what_they_have_a_right_to(
    bot: BotCaller, office: Group, ann: TelegramClient, stranger: TelegramClient
) -> None:
    topic = office.create_topic("Lost card", ann)
    said = ann.send("x", office.id)["message_id"]
    office.set_status(stranger, "administrator", ann, rights=["can_manage_topics"])
    office.close_topic(topic.id, stranger)
    stranger.send("still here", office.id, topic.id)
    with pytest.raises(PersonError, match="can_delete_messages"):
        office.delete_topic(topic.id, stranger)
    with pytest.raises(PersonError, match="Only administrators"):
        stranger.delete(said, office.id)
    office.set_status(stranger, "administrator", ann, rights=["can_delete_messages"])
    stranger.delete(said, office.id)
    with pytest.raises(PersonError, match="goes with the topic"):
        stranger.delete(topic.id, office.id)
    office.delete_topic(topic.id, stranger)


async def test_an_anonymous_administrator_writes_as_the_group(
    bot: BotCaller, office: Group, ann: TelegramClient, stranger: TelegramClient
) -> None:
    office.set_status(stranger, "administrator", ann, is_anonymous=True, title="Night")
    ((_, change),) = await bot.take_updates()
    assert change["new_chat_member"]["is_anonymous"] is True
    sent = stranger.send("hello", office.id)
    ((_, message),) = await bot.take_updates()
    assert message == sent
    assert (message["from"], message["sender_chat"]["id"]) == (ANONYMOUS_ADMIN, office.id)
    assert (message["from"]["id"], message["author_signature"]) == (1087968824, "Night")
    stranger.edit(sent["message_id"], "hello all", office.id)
    ((kind, edited),) = await bot.take_updates()
    assert (kind, edited["from"]) == ("edited_message", ANONYMOUS_ADMIN)
    topic = office.create_topic("Lost card", stranger)
    ((_, notice),) = await bot.take_updates()
    assert (notice["from"], notice["message_thread_id"]) == (ANONYMOUS_ADMIN, topic.id)
    forward = await bot.call(
        "forwardMessage", chat_id=ann.id, from_chat_id=office.id, message_id=sent["message_id"]
    )
    assert forward["forward_origin"] == {
        "type": "chat",
        "sender_chat": message["sender_chat"],
        "date": message["date"],
        "author_signature": "Night",
    }
    nobody = await bot.call("getChatMember", chat_id=office.id, user_id=ANONYMOUS_ADMIN["id"])
    assert nobody["status"] == "left"


async def test_an_anonymous_administrator_presses_as_themselves_and_cannot_react(
    bot: BotCaller, office: Group, ann: TelegramClient, stranger: TelegramClient
) -> None:
    office.set_status(stranger, "administrator", ann, is_anonymous=True)
    sent = await bot.call(
        "sendMessage",
        chat_id=office.id,
        text="Yours?",
        reply_markup=inline_keyboard([("Take", "take")]),
    )
    await bot.take_updates()
    stranger.press(sent["message_id"], "take", chat_id=office.id)
    ((kind, query),) = await bot.take_updates()
    assert (kind, query["from"]["id"]) == ("callback_query", stranger.id)
    with pytest.raises(PersonError, match="cannot react"):
        stranger.react(sent["message_id"], "👍", office.id)
    office.set_status(stranger, "administrator", stranger, is_anonymous=False)
    stranger.react(sent["message_id"], "👍", office.id)


async def test_a_banned_member_is_gone_and_stays_out(
    bot: BotCaller, office: Group, ann: TelegramClient, stranger: TelegramClient
) -> None:
    office.set_status(stranger, "kicked", ann)
    (_, change), (_, notice) = await bot.take_updates()
    assert change["new_chat_member"] == {
        "user": stranger.user,
        "status": "kicked",
        "until_date": 0,
    }
    assert (notice["from"]["id"], notice["left_chat_member"]["id"]) == (ann.id, stranger.id)
    with pytest.raises(PersonError, match="is banned"):
        office.add(stranger)
    office.set_status(stranger, "left", ann)
    office.add(stranger)


async def test_a_restricted_member_only_reads(
    bot: BotCaller, office: Group, ann: TelegramClient, stranger: TelegramClient
) -> None:
    office.set_status(stranger, "restricted", ann)
    ((_, change),) = await bot.take_updates()
    assert change["new_chat_member"]["can_send_messages"] is False
    with pytest.raises(PersonError, match="may only read"):
        stranger.send("x", office.id)


async def test_who_may_change_whom(
    office: Group, engine: Engine, ann: TelegramClient, stranger: TelegramClient
) -> None:
    with pytest.raises(PersonError, match="can_promote_members"):
        office.set_status(stranger, "administrator", stranger)
    with pytest.raises(PersonError, match="can_restrict_members"):
        office.set_status(stranger, "restricted", stranger)
    with pytest.raises(PersonError, match="owner"):
        office.set_status(ann, "member", ann)
    with pytest.raises(PersonError, match="One of"):
        office.set_status(stranger, "owner", ann)
    with pytest.raises(PersonError, match="can_fly"):
        office.set_status(stranger, "administrator", ann, rights=["can_fly"])


async def test_without_rights_of_its_own_the_bot_hears_of_no_member(
    bot: BotCaller, office: Group, ann: TelegramClient, stranger: TelegramClient
) -> None:
    office.set_bot_status("member", ann.user)
    await bot.take_updates()
    office.set_status(stranger, "administrator", ann)
    assert await bot.take_updates() == []
    office.set_bot_status("administrator", ann.user, rights=["can_pin_messages"])
    ((kind, change),) = await bot.take_updates()
    assert (kind, change["new_chat_member"]["can_pin_messages"]) == ("my_chat_member", True)
    office.set_bot_status("administrator", ann.user)
    ((_, change),) = await bot.take_updates()
    assert change["old_chat_member"]["can_manage_topics"] is False
    assert change["new_chat_member"]["can_manage_topics"] is True


async def test_reactions_in_private_are_told_to_nobody(
    bot: BotCaller, office: Group, ann: TelegramClient
) -> None:
    ann.react(1, "👍")
    assert await bot.take_updates() == []
    assert ann.transcript()["reactions"] == {"1": [{"user_id": ann.id, "emoji": "👍"}]}
