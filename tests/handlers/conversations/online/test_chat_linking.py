"""A chat linked to a person: offered once after a right code, and known the next time."""

from datetime import timedelta

import pytest

from tests import phrases
from tests.bot_harness import BotHarness
from tests.handlers.clock import current_time, set_time
from tests.handlers.conversations.online.cardholders import (
    Office,
    is_deleted,
    read_newest_mail,
    wrong_code,
)
from tests.handlers.engine.navigation import press, state, step_keys


@pytest.mark.parametrize(
    ("language", "offer", "linked", "known"),
    [
        ("en", "Get alerts here?", "You now get alerts in this chat", "Is this for"),
        ("zh-hant", "要在這裡接收通知嗎", "已開始接收通知", "要辦理"),
    ],
)
async def test_linked_with_their_yes_and_known_next_time(
    harness: BotHarness, office: Office, language: str, offer: str, linked: str, known: str
) -> None:
    holder, anna = await office.cardholder(), harness.add_user(language=language)
    await anna.starts("do-status")
    await anna.says(holder.number_and_code)
    anna.sees(offer)
    await press(anna, "yes")
    anna.sees(linked)
    assert "linked" in await read_newest_mail(harness, holder)
    await anna.starts("do-suspend")
    anna.sees(known, holder.ui_number.mask())
    assert holder.ui_number_text not in anna.last["text"]
    sent = await anna.says(holder.code_text)
    assert is_deleted(anna, sent)
    assert (await state(anna)).step == "proof"


async def test_it_is_offered_to_who_is_not_linked_only(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await holder.links(anna.person.id, current_time(harness))
    await anna.starts("do-status")
    await anna.says(holder.code_text)
    assert (await state(anna)).step == "done"
    await anna.starts("do-status")
    await anna.says(holder.number_and_code)
    assert (await state(anna)).step == "done", "typed in full, and linked all the same"


async def test_no_means_no(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-status")
    await anna.says(holder.number_and_code)
    await press(anna, "no")
    async with harness.kaika.database.unit_of_work() as session:
        assert not await harness.authority.links.list_people(session, anna.person.id)
    await anna.starts("do-status")
    anna.sees(phrases.WHO_ARE_YOU)


async def test_a_chat_of_two_people_is_asked_whom(harness: BotHarness, office: Office) -> None:
    first, second = await office.cardholder(), await office.cardholder("submitted", seed=2)
    anna = harness.add_user()
    for holder in (first, second):
        await holder.links(anna.person.id, current_time(harness))
    await anna.starts("do-status")
    anna.sees("Who is this for?")
    assert {"known0", "known1"} <= set(step_keys(anna))
    await anna.says(second.code_text)
    anna.sees("Who is this for?")
    assert "This looks like a subscriber code" in anna.bot_messages[-2]["text"]
    await press(anna, "known1")
    anna.sees("Now type the subscriber code", second.ui_number.mask())
    await anna.says(second.code_text)
    anna.sees("👉 Payment")


async def test_somebody_else_may_be_meant(harness: BotHarness, office: Office) -> None:
    linked, meant = await office.cardholder(), await office.cardholder("submitted", seed=2)
    anna = harness.add_user()
    await linked.links(anna.person.id, current_time(harness))
    await anna.starts("do-status")
    await anna.says(meant.number_and_code)
    anna.sees("👉 Payment", "Get alerts here?")


async def test_the_fourth_chat_is_told_that_three_are_the_most(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    for chat in (11, 12, 13):
        await holder.links(chat, current_time(harness))
    await anna.starts("do-status")
    await anna.says(holder.number_and_code)
    await press(anna, "yes")
    anna.sees("You already get alerts in 3 chats", "/privacy", phrases.STATUS_TITLE)


async def test_a_yes_after_ten_minutes_links_nothing(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-status")
    await anna.says(holder.number_and_code)
    set_time(harness, current_time(harness) + timedelta(minutes=11))
    await press(anna, "yes")
    anna.sees(phrases.TEN_MINUTES_PASSED, phrases.STATUS_TITLE)
    async with harness.kaika.database.unit_of_work() as session:
        assert not await harness.authority.links.list_people(session, anna.person.id)


async def test_unlinked_meanwhile_it_asks_anew(harness: BotHarness, office: Office) -> None:
    first, second = await office.cardholder(), await office.cardholder("submitted", seed=2)
    anna = harness.add_user()
    for holder in (first, second):
        await holder.links(anna.person.id, current_time(harness))
    await anna.starts("do-status")
    chat = anna.person.id
    async with harness.kaika.database.unit_of_work() as session:
        people = await harness.authority.links.list_people(session, chat)
        for person in people:
            await harness.authority.links.unlink_chat(
                session, person.subscriber, chat, chat, current_time(harness)
            )
    await press(anna, "known0")
    anna.sees(phrases.WHO_ARE_YOU)


async def test_a_wrong_code_for_a_known_person_keeps_the_person(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await holder.links(anna.person.id, current_time(harness))
    await anna.starts("do-status")
    await anna.says(wrong_code(holder))
    anna.sees("Attempts left: 3", "Type the subscriber code", holder.ui_number.mask())
    await anna.says(holder.code_text)
    anna.sees(phrases.STATUS_TITLE)
