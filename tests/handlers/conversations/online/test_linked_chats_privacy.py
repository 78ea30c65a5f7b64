"""/privacy with the embedded authority: what is stored, and removing linked chats."""

import pytest
from sqlalchemy import select

from sandbox.engine import Engine
from services.authority.embedded.models import LinkedChat
from tests.bot_harness import BotHarness
from tests.handlers.clock import NOW, set_time
from tests.handlers.conversations.online.cardholders import Office
from tests.handlers.conversations.online.linked_chats import link_chat


async def linked_chat_ids(harness: BotHarness) -> set[int]:
    async with harness.kaika.database.unit_of_work() as session:
        return set(await session.scalars(select(LinkedChat.chat_id)))


async def test_a_linked_chat_sees_what_is_kept_and_never_the_values(
    harness: BotHarness, office: Office
) -> None:
    holder, anna, mei = await office.cardholder(), harness.add_user(), harness.add_user("Mei")
    await link_chat(holder, anna)
    await link_chat(holder, mei)
    await anna.says("/privacy")
    anna.sees(
        holder.ui_number.mask(),
        "name, UI No., birth date",
        "no one can give the code back",
        "Alerts: this chat, since 2027-03-01 12:00",
        "Alerts: another chat, since 2027-03-01 12:00",
        "at the counter",
    )
    data = holder.data
    values = [
        holder.ui_number_text, data.name, data.mail_address, data.postal_address, holder.birth_date,
        holder.code_text, await holder.read_card_number(), str(mei.person.id),
    ]  # fmt: skip
    shown = anna.last["text"] + str(anna.last["reply_markup"])
    assert not [value for value in values if value in shown]


async def test_before_activation_the_code_is_kept_and_that_is_said(
    harness: BotHarness, office: Office
) -> None:
    holder, mei = await office.cardholder("posted"), harness.add_user("阿美", "zh-hant")
    await link_chat(holder, mei)
    await mei.says("/privacy")
    mei.sees(holder.ui_number.mask(), "用戶代碼：加密保存到開卡為止", "接收通知：這個聊天室")


async def test_another_chat_is_removed_after_a_yes_and_is_told(
    harness: BotHarness, office: Office
) -> None:
    holder, anna, mei = await office.cardholder(), harness.add_user(), harness.add_user("Mei")
    await mei.starts()
    await link_chat(holder, mei)
    set_time(harness, NOW.replace(hour=6))
    await link_chat(holder, anna, NOW.replace(hour=6))
    await anna.says("/privacy")
    await anna.presses("Remove chat of 2027-03-01 12:00")
    anna.sees("Remove the other chat?", "need the subscriber code")
    await anna.presses("‹ Back")
    anna.sees("Your data")
    assert len(await linked_chat_ids(harness)) == 2
    await anna.presses("Remove chat of 2027-03-01 12:00")
    await anna.presses("Yes, remove it")
    assert anna.toast == "Removed."
    anna.sees("this chat")
    assert await linked_chat_ids(harness) == {anna.person.id}
    await harness.run_due_jobs(NOW.replace(hour=7))
    mei.sees("no longer get alerts")
    mails = [
        mail.text
        for mail in harness.engine.world.mailbox.mails
        if mail.to == holder.data.mail_address
    ]
    assert any("was removed. It gets no more alerts" in text for text in mails)


async def test_this_chat_is_removed_and_says_so(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await link_chat(holder, anna)
    await anna.says("/privacy")
    await anna.presses("Remove this chat")
    anna.sees("Remove this chat?")
    before = anna.last["message_id"], _removal_data(anna.last)
    await anna.presses("Yes, remove it")
    anna.sees("don't get alerts in this chat")
    assert holder.ui_number.mask() not in anna.last["text"]
    assert await linked_chat_ids(harness) == set()
    await anna.forges(*before)
    assert anna.toast == "This link no longer exists."


def _removal_data(message: dict[str, object]) -> str:
    rows = message["reply_markup"]["inline_keyboard"]  # type: ignore[index]
    return str(rows[0][0]["callback_data"])


async def test_nobody_removes_what_is_not_theirs(harness: BotHarness, office: Office) -> None:
    holder, anna, eve = await office.cardholder(), harness.add_user(), harness.add_user("Eve")
    await link_chat(holder, anna)
    await anna.says("/privacy")
    await anna.presses("Remove this chat")
    stolen = _removal_data(anna.last)
    await eve.says("/privacy")
    await eve.forges(eve.last["message_id"], stolen)
    assert eve.toast == "This link no longer exists."
    assert await linked_chat_ids(harness) == {anna.person.id}


async def test_who_is_linked_to_nobody_learns_nothing_about_anybody(
    harness: BotHarness, office: Office
) -> None:
    holder, eve = await office.cardholder(), harness.add_user("Eve")
    await eve.says("/privacy")
    eve.sees("don't get alerts in this chat", "verify your identity first")
    assert holder.ui_number.mask() not in eve.last["text"]
    assert eve.labels == []


async def test_two_people_are_told_apart(harness: BotHarness, office: Office) -> None:
    first, second = await office.cardholder(seed=1), await office.cardholder(seed=2)
    anna = harness.add_user()
    for holder in (first, second):
        await link_chat(holder, anna)
    await anna.says("/privacy")
    assert anna.labels == [
        f"✂️ Remove this chat ({holder.ui_number.mask()})" for holder in (first, second)
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
async def test_nonsense_changes_nothing(harness: BotHarness, office: Office, data: str) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await link_chat(holder, anna)
    await anna.says("/privacy")
    await anna.forges(anna.last["message_id"], data)
    assert anna.toast
    assert await linked_chat_ids(harness) == {anna.person.id}


async def test_in_a_group_only_the_way_to_the_private_chat_is_shown(
    harness: BotHarness, office: Office, engine: Engine
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await link_chat(holder, anna)
    group = engine.add_group("New in Taiwan", [anna.person])
    there = anna.within(group.id)
    await there.says("/privacy")
    there.sees("private chat")
    assert holder.ui_number.mask() not in there.last["text"]
    assert "url" in there.last["reply_markup"]["inline_keyboard"][0][0]
