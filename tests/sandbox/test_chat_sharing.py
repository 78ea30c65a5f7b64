"""Buttons that ask for a group."""

from typing import Any

import pytest

from sandbox.client.groups import Group
from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.errors import PersonError
from sandbox.world.membership import ADMIN_RIGHTS
from tests.sandbox.conftest import BotCaller

_RIGHTS = ("can_manage_topics", "can_delete_messages", "can_pin_messages")


def rights(*given: str) -> dict[str, bool]:
    """Return a ChatAdministratorRights object."""
    known = (*ADMIN_RIGHTS, "is_anonymous")
    return {right: right in given for right in known if right != "can_send_welcome_messages"}


_FORUM = {
    "request_id": 7,
    "chat_is_channel": False,
    "chat_is_forum": True,
    "chat_has_username": False,
    "user_administrator_rights": rights(*_RIGHTS, "can_promote_members"),
    "bot_administrator_rights": rights(*_RIGHTS),
    "request_title": True,
}


def keyboard(**request: object) -> dict[str, Any]:
    """Return a keyboard with one key that asks for a group."""
    return {
        "keyboard": [[{"text": "Choose", "request_chat": {**_FORUM, **request}}]],
        "one_time_keyboard": True,
    }


@pytest.fixture
async def desk(
    bot: BotCaller, engine: Engine, ann: TelegramClient, stranger: TelegramClient
) -> Group:
    """A forum in which the bot is a mere member."""
    desk = engine.add_group("Desk", [ann, stranger], is_forum=True)
    await bot.take_updates()
    return desk


async def test_a_shared_group_makes_the_bot_its_administrator(
    bot: BotCaller, desk: Group, ann: TelegramClient
) -> None:
    await bot.send(ann, "Which group?", reply_markup=keyboard())
    sent = ann.share_chat("Choose", desk.id)
    (first, change), (second, message) = await bot.take_updates()
    assert (first, second) == ("my_chat_member", "message")
    new = change["new_chat_member"]
    assert (new["status"], change["from"]["id"]) == ("administrator", ann.id)
    assert {right for right, given in new.items() if given is True} == {
        "can_manage_chat",
        *_RIGHTS,
    }
    assert message == sent
    assert message["chat_shared"] == {"request_id": 7, "chat_id": desk.id, "title": "Desk"}
    assert ann.transcript()["keyboard"] is None, "it was for one press"


async def test_rights_that_are_there_stay(bot: BotCaller, desk: Group, ann: TelegramClient) -> None:
    desk.set_bot_status("administrator", ann.user, rights=["can_invite_users", *_RIGHTS])
    await bot.take_updates()
    await bot.send(ann, "Which group?", reply_markup=keyboard())
    ann.share_chat("Choose", desk.id)
    assert [kind for kind, _ in await bot.take_updates()] == ["message"]


async def test_a_group_without_the_bot_takes_it_in(
    bot: BotCaller, desk: Group, ann: TelegramClient
) -> None:
    desk.set_bot_status("left", ann.user)
    await bot.take_updates()
    await bot.send(ann, "Which group?", reply_markup=keyboard(request_title=False))
    ann.share_chat("Choose", desk.id)
    kinds = [
        next(iter({*_SERVICE} & set(payload)), kind) for kind, payload in await bot.take_updates()
    ]
    assert kinds == ["my_chat_member", "new_chat_members", "chat_shared"]


_SERVICE = ("new_chat_members", "chat_shared")


@pytest.mark.parametrize(
    ("request_", "offered"),
    [
        ({"chat_is_channel": True}, "channels only"),
        ({"chat_is_forum": False}, "with topics, or without"),
        ({"chat_has_username": True}, "public groups, or private ones"),
        ({"bot_is_member": True}, "that the bot is in"),
    ],
)
async def test_a_group_that_does_not_fit_is_not_offered(
    bot: BotCaller, desk: Group, ann: TelegramClient, request_: dict[str, object], offered: str
) -> None:
    desk.set_bot_status("left", ann.user)
    await bot.send(ann, "Which group?", reply_markup=keyboard(**request_))
    with pytest.raises(PersonError, match=offered):
        ann.share_chat("Choose", desk.id)


async def test_a_public_group_is_known_by_its_name(
    bot: BotCaller, engine: Engine, ann: TelegramClient
) -> None:
    public = engine.add_group("Open desk", [ann], is_forum=True, username="open_desk")
    assert (await bot.call("getChat", chat_id="@Open_Desk"))["id"] == public.id
    await bot.send(ann, "Which group?", reply_markup=keyboard())
    with pytest.raises(PersonError, match="public groups, or private ones"):
        ann.share_chat("Choose", public.id)
    open_to_all = keyboard(chat_has_username=True, request_username=True)
    await bot.send(ann, "Which group?", reply_markup=open_to_all)
    shared = ann.share_chat("Choose", public.id)["chat_shared"]
    assert shared["username"] == "open_desk"


async def test_only_who_has_the_rights_may_share(
    bot: BotCaller, desk: Group, ann: TelegramClient, stranger: TelegramClient
) -> None:
    stranger.start()
    await bot.send(stranger, "Which group?", reply_markup=keyboard())
    with pytest.raises(PersonError, match="where they have the rights"):
        stranger.share_chat("Choose", desk.id)
    desk.set_status(stranger, "administrator", ann, rights=sorted(_RIGHTS))
    modest = keyboard(user_administrator_rights=rights(*_RIGHTS))
    await bot.send(stranger, "Which group?", reply_markup=modest)
    with pytest.raises(PersonError, match="where they may promote the bot"):
        stranger.share_chat("Choose", desk.id)
    own = keyboard(user_administrator_rights=rights(*_RIGHTS), chat_is_created=True)
    await bot.send(stranger, "Which group?", reply_markup=own)
    with pytest.raises(PersonError, match="groups of their own"):
        stranger.share_chat("Choose", desk.id)


async def test_what_is_no_request_and_what_needs_a_group(
    bot: BotCaller, desk: Group, ann: TelegramClient
) -> None:
    keys = {"keyboard": [[{"text": "Yes"}, *keyboard()["keyboard"][0]]]}
    await bot.send(ann, "Which group?", reply_markup=keys)
    with pytest.raises(PersonError, match="asks for no group"):
        ann.share_chat("Yes", desk.id)
    with pytest.raises(PersonError, match="say which"):
        ann.press_key("Choose")
    with pytest.raises(PersonError, match="No key"):
        ann.share_chat("Pick", desk.id)


@pytest.mark.parametrize(
    ("place", "request_", "words"),
    [
        ("group", {}, "chats can be requested in private chats only"),
        (
            "private",
            {"user_administrator_rights": rights("can_pin_messages")},
            "bot_administrator_rights must be a subset of user_administrator_rights",
        ),
        (
            "private",
            {"colour": "red"},
            'can\'t parse reply keyboard markup: unknown field "colour"',
        ),
        (
            "private",
            {"request_id": None},
            "can't parse reply keyboard markup: can't find field \"request_id\"",
        ),
    ],
)
async def test_requests_that_are_refused(
    bot: BotCaller,
    desk: Group,
    ann: TelegramClient,
    place: str,
    request_: dict[str, object],
    words: str,
) -> None:
    chat_id = desk.id if place == "group" else ann.id
    refusal = await bot.call_refused(
        "sendMessage", chat_id=chat_id, text="x", reply_markup=keyboard(**request_)
    )
    assert refusal.lower() == f"bad request: {words}"
