"""Mail: the outbox, rendering in both languages, SMTP with TLS, retries."""

from datetime import datetime, timedelta
from email.message import EmailMessage

import pytest
from aiosmtplib import SMTPException
from sqlalchemy import select

import locales
from bot.cli.counter import form
from services import jobs
from services.authority.data_types import AuthorityOperation
from services.authority.embedded.notice_outbox import notify
from services.authority.embedded.notifications import mails
from services.authority.notice_kinds import NoticeKind
from services.messaging import outbox
from services.messaging.mail import MailSender
from services.messaging.outbox import Channel, OutboxDelivery, OutboxMessage, UndeliverableError
from services.storage.models import Job
from tests.services.authority.authority_harness import CHAT, NOW, Applicant, AuthorityHarness
from tests.services.authority.test_retrieval import asks


class FailingMailTransport:
    """Takes mails instead of a server; fails as often as it is told to."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.failures: list[Exception] = []

    async def send(self, mail: EmailMessage) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.mails.append(mail)


def courier(world: AuthorityHarness, mailbox: FailingMailTransport) -> OutboxDelivery:
    sender = MailSender(world.database, world.authority.mail_composer, mailbox)
    return OutboxDelivery(world.database, {Channel.MAIL: sender})


async def deliver(
    world: AuthorityHarness, mailbox: FailingMailTransport, now: datetime = NOW
) -> None:
    """Do what is due, as the worker does."""
    async with world.database.unit_of_work() as session:
        rows = [row for row in await jobs.lease_due(session, now) if row.kind == outbox.JOB_KIND]
    for row in rows:
        try:
            await courier(world, mailbox).deliver(row.reference, now)
        except Exception:
            async with world.database.unit_of_work() as session:
                await jobs.postpone(session, row, now)
        else:
            async with world.database.unit_of_work() as session:
                await jobs.complete(session, row)


def texts(mailbox: FailingMailTransport) -> list[str]:
    return [mail.get_content() for mail in mailbox.mails]


async def waiting(world: AuthorityHarness) -> int:
    async with world.database.unit_of_work() as session:
        return len((await session.scalars(select(OutboxMessage))).all())


async def test_a_one_time_code_reaches_the_mailbox_in_both_languages(
    world: AuthorityHarness,
) -> None:
    someone, mailbox = world.person(), FailingMailTransport()
    await someone.applies()
    challenge = await asks(someone)
    await deliver(world, mailbox)
    (mail,) = mailbox.mails
    code = world.authority.one_time_codes.derive(challenge.id).reveal()
    assert mail["To"] == someone.data.mail_address
    assert mail.get_content().count(code) == 2
    assert "一次性驗證碼" in mail["Subject"]
    assert "one-time code" in mail["Subject"]
    assert code not in mail["Subject"]
    assert await waiting(world) == 0


async def test_nobodys_mail_is_dropped(world: AuthorityHarness) -> None:
    someone, mailbox = world.person(), FailingMailTransport()
    await asks(someone)
    await deliver(world, mailbox)
    assert mailbox.mails == []
    assert await waiting(world) == 0


async def test_a_one_time_code_that_is_over_is_not_mailed_any_more(world: AuthorityHarness) -> None:
    someone, mailbox = world.person(), FailingMailTransport()
    await someone.applies()
    await asks(someone)
    await deliver(world, mailbox, NOW + timedelta(minutes=11))
    assert mailbox.mails == []
    assert await waiting(world) == 0


async def test_a_mail_that_fails_goes_out_later_once(world: AuthorityHarness) -> None:
    someone, mailbox = world.person(), FailingMailTransport()
    await someone.applies()
    await someone.pays()
    mailbox.failures = [OSError("no line"), SMTPException("busy")]
    await deliver(world, mailbox)
    await deliver(world, mailbox, NOW + timedelta(seconds=5))
    assert (mailbox.mails, await waiting(world)) == ([], 1)
    for minutes in (1, 3, 5, 60):
        await deliver(world, mailbox, NOW + timedelta(minutes=minutes))
    assert len(mailbox.mails) == 1
    assert "278" in texts(mailbox)[0]


async def test_mails_to_one_person_keep_their_order(world: AuthorityHarness) -> None:
    someone, mailbox = world.person(), FailingMailTransport()
    await someone.is_active()
    mailbox.failures = [OSError("no line")]
    await deliver(world, mailbox)
    await someone.suspends()
    await deliver(world, mailbox, NOW + timedelta(minutes=5))
    subjects = [mail["Subject"].split("/")[1] for mail in mailbox.mails]
    order = ["payment received", "was posted", "is active", "is suspended"]
    assert len(subjects) == 4
    assert all(word in subject for word, subject in zip(order, subjects, strict=True))


async def test_a_refused_recipient_is_given_up_and_kept_for_the_operator(
    world: AuthorityHarness,
) -> None:
    someone, mailbox = world.person(), FailingMailTransport()
    await someone.applies()
    await someone.pays()
    mailbox.failures = [UndeliverableError()]
    await deliver(world, mailbox)
    async with world.database.unit_of_work() as session:
        (row,) = (await session.scalars(select(OutboxMessage))).all()
        assert (await session.scalars(select(Job).where(Job.kind == outbox.JOB_KIND))).all() == []
    assert row.failed == "UndeliverableError"


async def test_after_three_days_of_failing_a_mail_is_given_up(world: AuthorityHarness) -> None:
    someone, mailbox = world.person(), FailingMailTransport()
    await someone.applies()
    await someone.pays()
    mailbox.failures = [OSError("no line")]
    await deliver(world, mailbox, NOW + timedelta(days=3))
    async with world.database.unit_of_work() as session:
        (row,) = (await session.scalars(select(OutboxMessage))).all()
    assert row.failed == "OSError"


async def test_a_unit_of_work_that_fails_mails_nothing(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    grant = await someone.obtain_grant(AuthorityOperation.STATUS)

    async def fail() -> None:
        async with world.database.unit_of_work() as session:
            await world.authority.links.link_chat(session, grant.id, CHAT, NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await waiting(world) == 0


async def _everything_happens(someone: Applicant) -> None:
    """Put every kind of notice into the outbox."""
    async with someone.world.database.unit_of_work() as session:
        subscriber = await someone.world.authority.records.require(session, someone.ui_number)
        for notice in NoticeKind:
            if notice is not NoticeKind.PAID:  # which refers to a payment
                await notify(session, notice, subscriber.id, {}, NOW)


async def test_every_notice_reads_well_in_both_languages(world: AuthorityHarness) -> None:
    someone, mailbox = world.person(), FailingMailTransport()
    await someone.applies()
    await someone.pays()
    await _everything_happens(someone)
    await asks(someone)
    await deliver(world, mailbox)
    assert len(mailbox.mails) == len(NoticeKind) + 1
    for text in texts(mailbox):
        chinese, _, english = text.partition("----")
        assert "{" not in text
        assert any("\u4e00" <= character <= "\u9fff" for character in chinese)
        assert english.isascii()
        assert someone.ui_number.reveal() not in text
        assert someone.code.reveal() not in text
    assert "2026-03-02 12:00" in texts(mailbox)[1]


def test_every_word_of_the_authority_is_translated_and_used() -> None:
    said = {mails._SUBJECT, mails._FOOTER, mails._SUSPEND_HERE, form.TITLE, form._FEE}
    said |= {word for pair in mails._TEXTS.values() for word in pair}
    said |= {*form._LABELS, *form._SIGNATURES, *form.NOTES}
    assert set(locales.catalogue(mails.DOMAIN, "zh_Hant")) == said


async def test_a_message_that_meets_a_bug_is_set_aside_and_those_after_it_are_sent(
    world: AuthorityHarness,
) -> None:
    await world.person().is_active()
    mailbox = FailingMailTransport()
    mailbox.failures = [KeyError("a bug"), SMTPException("busy")]
    before = await waiting(world)
    await deliver(world, mailbox)
    assert mailbox.mails == [], "the one after it has to wait"
    await deliver(world, mailbox, NOW + timedelta(hours=1))
    assert len(mailbox.mails) == before - 1
    async with world.database.unit_of_work() as session:
        (left,) = (await session.scalars(select(OutboxMessage))).all()
        assert left.failed == "KeyError"
        for days, count in ((9, 1), (11, 0)):
            await outbox.delete_old(session, NOW + timedelta(days=days))
            left_over = (await session.scalars(select(OutboxMessage))).all()
            assert len(left_over) == count
