"""Security alerts: the question "was this you?" below a notice in linked chats."""

from datetime import timedelta

import pytest

from services.authority.data_types import AuthorityOperation, Proof
from services.authority.errors import GrantExpiredError
from tests import phrases
from tests.bot_harness import BotHarness, ChatUser, buttons
from tests.handlers.clock import NOW, set_time
from tests.handlers.conversations.online.cardholders import Office
from tests.handlers.conversations.online.linked_chats import link_chat, link_two_chats


async def test_one_tap_suspends_and_reveals_nothing(harness: BotHarness, office: Office) -> None:
    holder, anna, mei = await link_two_chats(harness, office)
    thief = await holder.obtain_grant(AuthorityOperation.RESUME, chat=66, now=NOW)
    count_before = len(anna.bot_messages)
    await anna.presses("Not me: suspend now")
    assert await holder.certificate_state() == "suspended"
    assert len(anna.bot_messages) == count_before, "in place of the question"
    anna.sees(phrases.CERTIFICATE_SUSPENDED, "e-mail password", "0800-080-117")
    await harness.run_due_jobs(NOW)
    mei.sees(phrases.CERTIFICATE_SUSPENDED.chinese)
    with pytest.raises(GrantExpiredError):
        async with office.database.unit_of_work() as session:
            await office.authority.certificates.resume(session, thief.id, 66, NOW)
    said = " ".join(message["text"] for person in (anna, mei) for message in person.bot_messages)
    for value in (
        holder.ui_number_text,
        holder.ui_number.mask(),
        holder.code_text,
        holder.data.name,
    ):
        assert value not in said


async def test_it_is_her_own_doing_and_nothing_happens(harness: BotHarness, office: Office) -> None:
    holder, anna, _mei = await link_two_chats(harness, office)
    await anna.presses("It was me")
    anna.sees("nothing else to do")
    assert anna.labels == []
    assert await holder.certificate_state() == "active"


async def test_the_tap_that_comes_twice_says_the_same(harness: BotHarness, office: Office) -> None:
    holder, anna, _mei = await link_two_chats(harness, office)
    question = anna.last["message_id"]
    data = _data(anna, "no")
    await anna.forges(question, data)
    await anna.forges(question, data)
    anna.sees("is suspended and stays suspended")
    assert await holder.certificate_state() == "suspended"
    await office.counter.resume(holder.ui_number, NOW)
    await anna.forges(question, data)
    anna.sees("was reactivated after this message")
    assert await holder.certificate_state() == "active"


def _data(person: ChatUser, answer: str) -> str:
    rows = person.last["reply_markup"]["inline_keyboard"]
    found = [b["callback_data"] for row in rows for b in row if f":{answer}." in b["callback_data"]]
    return str(found[0])


async def test_somebody_who_is_no_longer_linked_or_too_late_changes_nothing(
    harness: BotHarness, office: Office
) -> None:
    holder, anna, mei = await link_two_chats(harness, office)
    question, data = anna.last["message_id"], _data(anna, "no")
    await mei.starts()
    await mei.forges(mei.last["message_id"], data)
    assert "無法在這裡回答" in mei.last["text"], "another chat's question"
    set_time(harness, NOW + timedelta(days=3))
    await anna.forges(question, data)
    anna.sees("can no longer answer this here")
    set_time(harness, NOW)
    async with office.database.unit_of_work() as session:
        (person,) = await office.authority.links.list_people(session, anna.person.id)
        unlink = office.authority.links.unlink_chat
        await unlink(session, person.subscriber, anna.person.id, mei.person.id, NOW)
    await anna.forges(question, data)
    anna.sees("can no longer answer this here")
    assert await holder.certificate_state() == "active"


@pytest.mark.parametrize("data", ["v1:doubt:no", "v1:doubt:no.", "v1:doubt:perhaps.x", "v1:doubt:"])
async def test_nonsense_is_an_old_button(harness: BotHarness, office: Office, data: str) -> None:
    holder, anna, _mei = await link_two_chats(harness, office)
    await anna.forges(anna.last["message_id"], data)
    assert await holder.certificate_state() == "active"


async def test_before_the_resumption_everyone_is_told_and_can_stop_it(
    harness: BotHarness, office: Office
) -> None:
    holder, anna, mei = await link_two_chats(harness, office)
    await office.counter.suspend(holder.ui_number, NOW)
    grant = await holder.obtain_grant(AuthorityOperation.RESUME, chat=66, now=NOW)
    async with office.database.unit_of_work() as session:
        await office.authority.certificates.announce_resumption(session, grant.id, 66, NOW)
    await harness.run_due_jobs(NOW)
    mei.sees("有人即將復用憑證", "是您本人嗎")
    anna.sees("about to reactivate")
    await anna.presses("stay suspended")
    anna.sees("stays suspended")
    with pytest.raises(GrantExpiredError):
        async with office.database.unit_of_work() as session:
            await office.authority.certificates.resume(session, grant.id, 66, NOW)
    assert await holder.certificate_state() == "suspended"


async def test_whoever_did_not_suspend_is_asked_and_it_stays_suspended(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts()
    await link_chat(holder, anna)
    grant = await holder.obtain_grant(
        AuthorityOperation.SUSPEND, Proof.BIRTH_DATE, Proof.MAIL, chat=66, now=NOW
    )
    async with office.database.unit_of_work() as session:
        await office.authority.certificates.suspend(session, grant.id, 66, NOW)
    await harness.run_due_jobs(NOW)
    anna.sees("Was this you?", "may be able to read your e-mail", "Without the code, only")
    await anna.presses("stay suspended")
    anna.sees("stays suspended", "e-mail password")
    assert await holder.certificate_state() == "suspended"


async def test_what_cannot_be_suspended_offers_no_tap(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder("posted"), harness.add_user()
    await anna.starts()
    await link_chat(holder, anna)
    grant = await holder.obtain_grant(
        AuthorityOperation.RETRIEVE, Proof.BIRTH_DATE, Proof.MAIL, chat=5, now=NOW
    )
    async with office.database.unit_of_work() as session:
        code = await office.authority.credentials.reveal_code(session, grant.id, 5, NOW)
    await harness.run_due_jobs(NOW)
    anna.sees("Your subscriber code was shown in another chat", "0800-080-117")
    assert anna.labels == []
    assert code.code.reveal() not in anna.last["text"]


async def test_who_says_it_was_me_reads_that_it_was_stopped_meanwhile(
    harness: BotHarness, office: Office
) -> None:
    holder, anna, _mei = await link_two_chats(harness, office)
    question, data = anna.last["message_id"], _data(anna, "yes")
    await holder.suspends(NOW)
    await anna.forges(question, data)
    shown = next(m for m in anna.bot_messages if m["message_id"] == question)
    assert "The certificate is suspended now" in shown["text"]
    assert "Reactivate" in buttons(shown)[0]["text"]


async def test_the_tap_after_the_state_changed_says_so(harness: BotHarness, office: Office) -> None:
    holder, anna, _mei = await link_two_chats(harness, office)
    question, data = anna.last["message_id"], _data(anna, "no")
    await holder.is_revoked(NOW)
    await anna.forges(question, data)
    anna.sees("is not active", "0800-080-117")
    assert await holder.certificate_state() == "revoked"
