"""/privacy: what is kept, linked chats, removing and forgetting, in both modes and languages."""

import pytest
from sqlalchemy import select

from sandbox.engine import Engine
from services.authority.embedded.models import LinkedChat
from tests.chat import Stage
from tests.handlers.conversations.online.people import NOW, Office, at
from tests.handlers.conversations.online.phones import link


async def links(stage: Stage) -> set[int]:
    async with stage.kaika.database.unit_of_work() as session:
        return set(await session.scalars(select(LinkedChat.chat_id)))


async def test_a_linked_chat_sees_what_is_kept_and_never_the_values(
    stage: Stage, office: Office
) -> None:
    holder, anna, mei = await office.someone(), stage.subscriber(), stage.subscriber("Mei")
    await link(holder, anna)
    await link(holder, mei)
    await anna.says("/privacy")
    anna.sees(
        holder.ui_number.masked(),
        "name, UI No., date of birth",
        "nobody can give it back",
        "linked: this chat, since 2027-03-01 12:00",
        "linked: another chat, since 2027-03-01 12:00",
        "at the counter",
    )
    data = holder.data
    values = [
        holder.number, data.name, data.mail_address, data.postal_address, holder.born,
        holder.secret, await holder.card_number(), str(mei.person.id),
    ]  # fmt: skip
    shown = anna.last["text"] + str(anna.last["reply_markup"])
    assert not [value for value in values if value in shown]


async def test_before_activation_the_code_is_kept_and_that_is_said(
    stage: Stage, office: Office
) -> None:
    holder, mei = await office.someone("posted"), stage.subscriber("阿美", "zh-hant")
    await link(holder, mei)
    await mei.says("/privacy")
    mei.sees(holder.ui_number.masked(), "用戶代碼：加密保存到開卡為止", "已連結：這個聊天室")


async def test_another_chat_is_removed_after_a_yes_and_is_told(
    stage: Stage, office: Office
) -> None:
    holder, anna, mei = await office.someone(), stage.subscriber(), stage.subscriber("Mei")
    await mei.starts()
    await link(holder, mei)
    at(stage, NOW.replace(hour=6))
    await link(holder, anna, NOW.replace(hour=6))
    await anna.says("/privacy")
    await anna.presses("Remove the chat of 2027-03-01 12:00")
    anna.sees("Remove the other chat?", "takes the subscriber code")
    await anna.presses("‹ Back")
    anna.sees("What I keep")
    assert len(await links(stage)) == 2
    await anna.presses("Remove the chat of 2027-03-01 12:00")
    await anna.presses("Yes, remove it")
    assert anna.toast == "Removed."
    anna.sees("this chat")
    assert await links(stage) == {anna.person.id}
    await stage.works_off(NOW.replace(hour=7))
    mei.sees("no longer linked")
    mails = [
        mail.text
        for mail in stage.engine.world.mailbox.mails
        if mail.to == holder.data.mail_address
    ]
    assert any("was removed and hears nothing more" in text for text in mails)


async def test_this_chat_is_removed_and_says_so(stage: Stage, office: Office) -> None:
    holder, anna = await office.someone(), stage.subscriber()
    await link(holder, anna)
    await anna.says("/privacy")
    await anna.presses("Remove this chat")
    anna.sees("Remove this chat?")
    before = anna.last["message_id"], _remove(anna.last)
    await anna.presses("Yes, remove it")
    anna.sees("linked to nobody")
    assert holder.ui_number.masked() not in anna.last["text"]
    assert await links(stage) == set()
    await anna.forges(*before)
    assert anna.toast == "This link is not there any more."


def _remove(message: dict[str, object]) -> str:
    rows = message["reply_markup"]["inline_keyboard"]  # type: ignore[index]
    return str(rows[0][0]["callback_data"])


async def test_nobody_removes_what_is_not_theirs(stage: Stage, office: Office) -> None:
    holder, anna, eve = await office.someone(), stage.subscriber(), stage.subscriber("Eve")
    await link(holder, anna)
    await anna.says("/privacy")
    await anna.presses("Remove this chat")
    stolen = _remove(anna.last)
    await eve.says("/privacy")
    await eve.forges(eve.last["message_id"], stolen)
    assert eve.toast == "This link is not there any more."
    assert await links(stage) == {anna.person.id}


async def test_who_is_linked_to_nobody_learns_nothing_about_anybody(
    stage: Stage, office: Office
) -> None:
    holder, eve = await office.someone(), stage.subscriber("Eve")
    await eve.says("/privacy")
    eve.sees("linked to nobody", "only after a right subscriber code")
    assert holder.ui_number.masked() not in eve.last["text"]
    assert eve.labels == []


async def test_two_people_are_told_apart(stage: Stage, office: Office) -> None:
    first, second = await office.someone(seed=1), await office.someone(seed=2)
    anna = stage.subscriber()
    for holder in (first, second):
        await link(holder, anna)
    await anna.says("/privacy")
    assert anna.labels == [
        f"✂️ Remove this chat ({holder.ui_number.masked()})" for holder in (first, second)
    ]


@pytest.mark.parametrize(
    "data",
    [
        "v1:privacy:",
        "v1:privacy:nonsense",
        "v1:privacy:remove",
        "v1:privacy:remove.x.y",
        "v1:privacy:removed.x.99999999999999999999",
        "v1:privacy:erase.more",
    ],
)
async def test_nonsense_changes_nothing(stage: Stage, office: Office, data: str) -> None:
    holder, anna = await office.someone(), stage.subscriber()
    await link(holder, anna)
    await anna.says("/privacy")
    await anna.forges(anna.last["message_id"], data)
    assert anna.toast
    assert await links(stage) == {anna.person.id}


async def test_in_a_group_only_the_way_to_the_private_chat_is_shown(
    stage: Stage, office: Office, engine: Engine
) -> None:
    holder, anna = await office.someone(), stage.subscriber()
    await link(holder, anna)
    group = engine.add_group("New in Taiwan", [anna.person])
    there = anna.within(group.id)
    await there.says("/privacy")
    there.sees("in private")
    assert holder.ui_number.masked() not in there.last["text"]
    assert "url" in there.last["reply_markup"]["inline_keyboard"][0][0]
