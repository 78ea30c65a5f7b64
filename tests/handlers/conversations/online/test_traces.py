"""Nothing that was typed is anywhere afterwards: database, logs, outbox, mails, chat."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot import logs
from sandbox.engine import Engine
from sandbox.world.fault_injection import InjectedFault
from tests.chat import Stage, Subscriber
from tests.handlers.conversations.online.people import (
    NOW,
    Office,
    at,
    clock,
    is_gone,
    one_time_code,
    wrong_code,
)
from tests.handlers.conversations.online.traces import ONE_TIME_CODE, Traces, holds
from tests.handlers.engine.walking import press, state


@pytest.fixture
async def stage(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Stage]:
    """The whole bot with the embedded authority, logging all it can."""
    logs.configure("debug", "json", [])
    async with Stage.set_up(engine, tmp_path, "embedded") as ready:
        at(ready, NOW)
        yield ready


def forms(secret: str) -> set[str]:
    """Give the shapes in which something typed might lie about."""
    return {secret, secret.lower(), secret.upper(), secret.replace("-", "")}


async def leaves_no_trace(
    stage: Stage, folder: Path, anna: Subscriber, logged: str, typed: list[str]
) -> None:
    await stage.works_off(clock(stage) + timedelta(hours=1))
    written = b"".join(p.read_bytes() for p in folder.iterdir() if p.is_file())
    assert logged, "there is something to look through"
    said = "\0".join(m.get("text", "") for m in anna.messages)
    mails = "\0".join(f"{m.subject} {m.text}" for m in stage.engine.world.mailbox.mails)
    for secret in typed:
        kind = ONE_TIME_CODE if len(secret) == 6 and secret.isdigit() else ""
        for form in map(str.encode, forms(secret)):
            assert not holds(written, form, kind), "in a file"
            assert not holds(logged.encode(), form, kind), "in the log"
            assert not holds(said.encode(), form, kind), "in the chat"
            assert kind or not holds(mails.encode(), form, kind), "in a mail"


async def test_suspending_and_resuming(
    stage: Stage, office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holder, anna = await office.someone(), stage.subscriber()
    card = await holder.card_number()
    await anna.starts("do-suspend")
    await anna.says(f"{holder.number} {wrong_code(holder)}")
    await anna.says(holder.secret)
    await anna.says(card)
    await press(anna, "suspend")
    await anna.starts("do-resume-who")
    await anna.says(holder.number)
    await anna.says(holder.secret)
    await anna.says(card)
    await press(anna, "mail")
    code = await one_time_code(stage, holder)
    await anna.says(code)
    await press(anna, "tell")
    await press(anna, "resume")
    assert await holder.certificate() == "active"
    typed = [holder.number, holder.secret, wrong_code(holder), card, code]
    await leaves_no_trace(stage, tmp_path, anna, capsys.readouterr().err, typed)


async def test_retrieving(
    stage: Stage, office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holder, anna = await office.someone("submitted"), stage.subscriber()
    await anna.starts("do-retrieve")
    await press(anna, "gone")
    await anna.says(holder.number)
    await anna.says(holder.born)
    code = await one_time_code(stage, holder)
    await anna.says(code)
    await press(anna, "show")
    typed = [holder.number, holder.secret, holder.born, code]
    await leaves_no_trace(stage, tmp_path, anna, capsys.readouterr().err, typed)


async def test_left_in_the_middle(
    stage: Stage, office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holder, anna = await office.someone("submitted"), stage.subscriber()
    await anna.starts("do-suspend-locked_out")
    await anna.says(holder.number)
    assert (await state(anna)).data["masked"] == holder.ui_number.masked()
    await leaves_no_trace(stage, tmp_path, anna, capsys.readouterr().err, [holder.number])
    await press(anna, "cancel")
    assert not (await state(anna)).data


async def test_what_is_refused_or_misplaced(
    stage: Stage, office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holder, anna = await office.someone(), stage.subscriber()
    await anna.starts("do-suspend")
    typed = ["A900207178", "ngA2h3O5", "482913", "GP12345678901234", "qzw7 k2x9pv"]
    for text in typed[:4]:
        assert is_gone(anna, await anna.says(text))
    await anna.says(typed[4])
    await anna.sends("photo", caption=holder.both)
    await anna.edits(await anna.says("hello"), holder.secret)
    await anna.says("/faq " + holder.number)
    await anna.asks_inline(holder.both)
    secrets = [*typed[:4], holder.number, holder.secret]
    await leaves_no_trace(stage, tmp_path, anna, capsys.readouterr().err, secrets)
    written = b"".join(p.read_bytes() for p in tmp_path.iterdir() if p.is_file())
    assert typed[4].encode() not in written, "no unanswered question is noted at such a step"


async def test_where_it_cannot_be_deleted_they_are_told_how(
    stage: Stage, office: Office, traces: Traces
) -> None:
    holder, anna = await office.someone(), stage.subscriber()
    await anna.starts("do-suspend")
    stage.engine.world.faults.add(
        InjectedFault("deletemessage", 400, "Bad Request: message can't be deleted")
    )
    await anna.says(holder.both)
    assert "Please delete it yourself" in anna.heard[-2]["text"]
    anna.sees("The code is right")
    there = f"chat {anna.person.id}"
    assert traces.found() == [f"UI No. in {there}", f"code in {there}"]
    traces.secrets.clear()  # they are in nobody's hands but Anna's


async def test_in_a_group_nothing_is_asked(stage: Stage, office: Office) -> None:
    holder, anna = await office.someone(), stage.subscriber()
    await anna.starts("do-suspend")
    group = stage.engine.add_group("Tea", [anna.person], bot_is_admin=True)
    there = anna.within(group.id)
    sent = await there.says(holder.both)
    assert sent not in [message["message_id"] for message in there.messages]
    there.sees("deleted it")
    assert (await state(anna)).step == "who"
