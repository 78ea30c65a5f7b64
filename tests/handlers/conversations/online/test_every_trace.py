"""The search for what must be nowhere finds it, wherever it is put."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from services.storage.models import DatabaseFact
from tests.chat import Stage
from tests.handlers.conversations.online.people import Office, one_time_code
from tests.handlers.conversations.online.traces import (
    CARD_NUMBER,
    CODE,
    ONE_TIME_CODE,
    PIN,
    PINS,
    UI_NUMBER,
    Traces,
)

Plant = Callable[[Traces, str], None]
KINDS = (UI_NUMBER, CARD_NUMBER, CODE, ONE_TIME_CODE, PIN)


def into_a_file(traces: Traces, secret: str) -> None:
    (traces.folder / "kaika.db-wal").write_bytes(b"\x00" + secret.encode() + b"\x00")


def into_a_line_of_json(traces: Traces, secret: str) -> None:
    (traces.folder / "kaika.db").write_text('{"told":"so\\n' + secret.lower() + '"}')


def into_the_log(_traces: Traces, secret: str) -> None:
    structlog.get_logger().debug("heard", text=f"it is\n{secret}.")


def into_a_librarys_log(_traces: Traces, secret: str) -> None:
    logging.getLogger("some.library").debug("sent %s", secret.upper())


def into_a_chat(traces: Traces, secret: str) -> None:
    world = traces.engine.world
    account = next(iter(world.accounts.values()))
    TelegramClient(world, account).send(f"my code is\n{secret}")


PLANTS: tuple[Plant, ...] = (
    into_a_file, into_a_line_of_json, into_the_log, into_a_librarys_log, into_a_chat,
)  # fmt: skip


@pytest.fixture
def planted(engine: Engine, tmp_path: Path, traces: Traces) -> dict[str, str]:
    """One secret of each kind."""
    engine.add_person("Anna")
    secrets = dict(zip(KINDS, ("A900207177", "GP12345678901234", "ngA2h345", "482913", PINS[0]),
                       strict=True))  # fmt: skip
    for kind, secret in secrets.items():
        traces.learn(kind, secret)
    return secrets


@pytest.mark.parametrize("plant", PLANTS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_found(traces: Traces, planted: dict[str, str], plant: Plant, kind: str) -> None:
    assert traces.found() == []
    plant(traces, planted[kind])
    (found,) = traces.found()
    assert found.startswith(f"{kind} in ")
    assert planted[kind] not in found
    _forget(traces)


@pytest.mark.parametrize("kind", KINDS)
def test_in_a_mail_only_the_one_time_code_may_be(
    traces: Traces, planted: dict[str, str], kind: str
) -> None:
    traces.engine.world.mailbox.add("anna@mail.example", "Hello", f"Your code:\n{planted[kind]}\n")
    assert traces.found() == ([] if kind == ONE_TIME_CODE else [f"{kind} in mail 1"])
    _forget(traces)


def test_digits_that_are_part_of_something_else_are_none(
    traces: Traces, planted: dict[str, str]
) -> None:
    (traces.folder / "kaika.db").write_text(f"04:00:00.{planted[ONE_TIME_CODE]} 9482913 4829130")
    assert traces.found() == []


async def test_what_a_holder_has_is_learnt_and_found(
    stage: Stage, office: Office, traces: Traces
) -> None:
    holder, anna = await office.someone(), stage.subscriber()
    card = await holder.card_number()
    await anna.starts("do-suspend")
    await anna.says(holder.both)
    await anna.presses("✉️")
    one_time = await one_time_code(stage, holder)
    learnt = {holder.number, holder.secret, card, one_time}
    assert learnt <= set(traces.secrets)
    assert traces.found() == []
    for secret in sorted(learnt):
        async with stage.kaika.database.unit_of_work() as session:
            session.add(DatabaseFact(name=traces.secrets[secret], value=f"is it {secret} ?"))
        (found, *_) = traces.found()
        assert found.startswith(traces.secrets[secret])
        assert "kaika.db" in found
        del traces.secrets[secret]
    _forget(traces)


def _forget(traces: Traces) -> None:
    """Let what was planted be none."""
    traces.secrets.clear()
