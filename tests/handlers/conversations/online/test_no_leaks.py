"""Nothing secret that was typed is left anywhere: database, logs, outbox, mails, chat."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot import logs
from sandbox.engine import Engine
from sandbox.world.fault_injection import InjectedFault
from tests import phrases
from tests.bot_harness import BotHarness, ChatUser
from tests.handlers.clock import NOW, current_time, set_time
from tests.handlers.conversations.online.cardholders import (
    Office,
    is_deleted,
    read_one_time_code,
    wrong_code,
)
from tests.handlers.conversations.online.leak_detection import (
    ONE_TIME_CODE,
    LeakDetector,
    contains_secret,
)
from tests.handlers.engine.navigation import press, state


@pytest.fixture
async def harness(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[BotHarness]:
    """The whole bot with the embedded authority, logging all it can."""
    logs.configure("debug", "json", [])
    async with BotHarness.start(engine, tmp_path, "embedded") as ready:
        set_time(ready, NOW)
        yield ready


def spellings(secret: str) -> set[str]:
    """Return the spellings in which a typed secret might be stored."""
    return {secret, secret.lower(), secret.upper(), secret.replace("-", "")}


async def expect_no_leaks(
    harness: BotHarness, folder: Path, anna: ChatUser, logged: str, typed: list[str]
) -> None:
    await harness.run_due_jobs(current_time(harness) + timedelta(hours=1))
    written = b"".join(p.read_bytes() for p in folder.iterdir() if p.is_file())
    assert logged, "there is something to look through"
    said = "\0".join(m.get("text", "") for m in anna.messages)
    mails = "\0".join(f"{m.subject} {m.text}" for m in harness.engine.world.mailbox.mails)
    for secret in typed:
        kind = ONE_TIME_CODE if len(secret) == 6 and secret.isdigit() else ""
        for form in map(str.encode, spellings(secret)):
            assert not contains_secret(written, form, kind), "in a file"
            assert not contains_secret(logged.encode(), form, kind), "in the log"
            assert not contains_secret(said.encode(), form, kind), "in the chat"
            assert kind or not contains_secret(mails.encode(), form, kind), "in a mail"


async def test_suspending_and_resuming(
    harness: BotHarness, office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    card = await holder.read_card_number()
    await anna.starts("do-suspend")
    await anna.says(f"{holder.ui_number_text} {wrong_code(holder)}")
    await anna.says(holder.code_text)
    await anna.says(card)
    await press(anna, "suspend")
    await anna.starts("do-resume-who")
    await anna.says(holder.ui_number_text)
    await anna.says(holder.code_text)
    await anna.says(card)
    await press(anna, "mail")
    code = await read_one_time_code(harness, holder)
    await anna.says(code)
    await press(anna, "tell")
    await press(anna, "resume")
    assert await holder.certificate_state() == "active"
    typed = [holder.ui_number_text, holder.code_text, wrong_code(holder), card, code]
    await expect_no_leaks(harness, tmp_path, anna, capsys.readouterr().err, typed)


async def test_retrieving(
    harness: BotHarness, office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user()
    await anna.starts("do-retrieve")
    await press(anna, "gone")
    await anna.says(holder.ui_number_text)
    await anna.says(holder.birth_date)
    code = await read_one_time_code(harness, holder)
    await anna.says(code)
    await press(anna, "show")
    typed = [holder.ui_number_text, holder.code_text, holder.birth_date, code]
    await expect_no_leaks(harness, tmp_path, anna, capsys.readouterr().err, typed)


async def test_left_in_the_middle(
    harness: BotHarness, office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user()
    await anna.starts("do-suspend-by_mail")
    await anna.says(holder.ui_number_text)
    assert (await state(anna)).data["masked"] == holder.ui_number.mask()
    await expect_no_leaks(harness, tmp_path, anna, capsys.readouterr().err, [holder.ui_number_text])
    await press(anna, "cancel")
    assert not (await state(anna)).data


async def test_what_is_refused_or_misplaced(
    harness: BotHarness, office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    typed = ["A900207178", "ngA2h3O5", "482913", "GP12345678901234", "qzw7 k2x9pv"]
    for text in typed[:4]:
        assert is_deleted(anna, await anna.says(text))
    await anna.says(typed[4])
    await anna.sends("photo", caption=holder.number_and_code)
    await anna.edits(await anna.says("hello"), holder.code_text)
    await anna.says("/faq " + holder.ui_number_text)
    await anna.asks_inline(holder.number_and_code)
    secrets = [*typed[:4], holder.ui_number_text, holder.code_text]
    await expect_no_leaks(harness, tmp_path, anna, capsys.readouterr().err, secrets)
    written = b"".join(p.read_bytes() for p in tmp_path.iterdir() if p.is_file())
    assert typed[4].encode() not in written, "no unanswered question is noted at such a step"


async def test_where_it_cannot_be_deleted_they_are_told_how(
    harness: BotHarness, office: Office, leak_detector: LeakDetector
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    harness.engine.world.faults.add(
        InjectedFault("deletemessage", 400, "Bad Request: message can't be deleted")
    )
    await anna.says(holder.number_and_code)
    assert phrases.DELETE_YOURSELF in anna.bot_messages[-2]["text"]
    anna.sees(phrases.CODE_IS_RIGHT)
    there = f"chat {anna.person.id}"
    assert leak_detector.find_leaks() == [f"UI No. in {there}", f"code in {there}"]
    leak_detector.secrets.clear()  # they are in nobody's hands but Anna's


async def test_in_a_group_nothing_is_asked(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    group = harness.engine.add_group("Tea", [anna.person], bot_is_admin=True)
    there = anna.within(group.id)
    sent = await there.says(holder.number_and_code)
    assert sent not in [message["message_id"] for message in there.messages]
    there.sees(phrases.DELETED_IT)
    assert (await state(anna)).step == "who"
