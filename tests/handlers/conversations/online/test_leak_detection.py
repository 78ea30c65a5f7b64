"""Leak detection finds a secret wherever it is put."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from services.storage.models import DatabaseFact
from tests.bot_harness import BotHarness
from tests.handlers.conversations.online.cardholders import Office, read_one_time_code
from tests.handlers.conversations.online.leak_detection import (
    CARD_NUMBER,
    CODE,
    ONE_TIME_CODE,
    PIN,
    PINS,
    UI_NUMBER,
    LeakDetector,
)

Plant = Callable[[LeakDetector, str], None]
KINDS = (UI_NUMBER, CARD_NUMBER, CODE, ONE_TIME_CODE, PIN)


def into_a_file(leak_detector: LeakDetector, secret: str) -> None:
    (leak_detector.folder / "kaika.db-wal").write_bytes(b"\x00" + secret.encode() + b"\x00")


def into_a_line_of_json(leak_detector: LeakDetector, secret: str) -> None:
    (leak_detector.folder / "kaika.db").write_text('{"text":"so\\n' + secret.lower() + '"}')


def into_the_log(_leak_detector: LeakDetector, secret: str) -> None:
    structlog.get_logger().debug("received", text=f"it is\n{secret}.")


def into_a_librarys_log(_leak_detector: LeakDetector, secret: str) -> None:
    logging.getLogger("some.library").debug("sent %s", secret.upper())


def into_a_chat(leak_detector: LeakDetector, secret: str) -> None:
    world = leak_detector.engine.world
    account = next(iter(world.accounts.values()))
    TelegramClient(world, account).send(f"my code is\n{secret}")


PLACES: tuple[Plant, ...] = (
    into_a_file, into_a_line_of_json, into_the_log, into_a_librarys_log, into_a_chat,
)  # fmt: skip


@pytest.fixture
def planted_secrets(engine: Engine, tmp_path: Path, leak_detector: LeakDetector) -> dict[str, str]:
    """One secret of each kind."""
    engine.add_person("Anna")
    secrets = dict(zip(KINDS, ("A900207177", "GP12345678901234", "ngA2h345", "482913", PINS[0]),
                       strict=True))  # fmt: skip
    for kind, secret in secrets.items():
        leak_detector.add_secret(kind, secret)
    return secrets


@pytest.mark.parametrize("plant", PLACES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_found(
    leak_detector: LeakDetector, planted_secrets: dict[str, str], plant: Plant, kind: str
) -> None:
    assert leak_detector.find_leaks() == []
    plant(leak_detector, planted_secrets[kind])
    (found,) = leak_detector.find_leaks()
    assert found.startswith(f"{kind} in ")
    assert planted_secrets[kind] not in found
    leak_detector.secrets.clear()  # or the fixture finds them


@pytest.mark.parametrize("kind", KINDS)
def test_in_a_mail_only_the_one_time_code_may_be(
    leak_detector: LeakDetector, planted_secrets: dict[str, str], kind: str
) -> None:
    leak_detector.engine.world.mailbox.add(
        "anna@mail.example", "Hello", f"Your code:\n{planted_secrets[kind]}\n"
    )
    assert leak_detector.find_leaks() == ([] if kind == ONE_TIME_CODE else [f"{kind} in mail 1"])
    leak_detector.secrets.clear()  # or the fixture finds them


def test_digits_that_are_part_of_something_else_are_none(
    leak_detector: LeakDetector, planted_secrets: dict[str, str]
) -> None:
    (leak_detector.folder / "kaika.db").write_text(
        f"04:00:00.{planted_secrets[ONE_TIME_CODE]} 9482913 4829130"
    )
    assert leak_detector.find_leaks() == []


async def test_what_a_holder_has_is_learnt_and_found(
    harness: BotHarness, office: Office, leak_detector: LeakDetector
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    card = await holder.read_card_number()
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    await anna.presses("✉️")
    one_time = await read_one_time_code(harness, holder)
    secrets = {holder.ui_number_text, holder.code_text, card, one_time}
    assert secrets <= set(leak_detector.secrets)
    assert leak_detector.find_leaks() == []
    for secret in sorted(secrets):
        async with harness.kaika.database.unit_of_work() as session:
            session.add(DatabaseFact(name=leak_detector.secrets[secret], value=f"is it {secret} ?"))
        (found, *_) = leak_detector.find_leaks()
        assert found.startswith(leak_detector.secrets[secret])
        assert "kaika.db" in found
        del leak_detector.secrets[secret]
    leak_detector.secrets.clear()  # or the fixture finds them
