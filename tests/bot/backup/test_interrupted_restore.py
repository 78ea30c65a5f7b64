"""A restore that is cut off anywhere is repeated, or the bot starts and publishes nothing older."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.cli.backup import completion
from services.authority.embedded.audit import Audit
from services.backup import restoration
from services.storage import keys as key_rings
from services.storage import private_files
from services.storage.database import Database
from services.storage.key_fingerprints import WrongKeyFileError, open_database
from tests.bot.backup.conftest import BackupMachine
from tests.bot.backup.test_restore import Replace, replace_machine
from tests.services.authority.ca.ca_harness import crl_number

__all__ = ["replace_machine"]

STEPS: dict[str, tuple[Any, str]] = {
    "before anything": (restoration, "_copy_aside"),
    "before the key file": (private_files, "replace"),
    "before the upgrade": (completion, "upgrade"),
    "before the keys are registered": (completion, "open_database"),
    "before the audit": (Audit, "accept"),
    "before the published list": (completion, "reinstate_published"),
}


class RestoreCutOff(BaseException):
    """The process ends here."""


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """End the next restore before one of `STEPS`."""

    def cut(step: str) -> None:
        owner, name = STEPS[step]

        def end(*_: object, **__: object) -> None:
            raise RestoreCutOff

        monkeypatch.setattr(owner, name, end)

    return cut


async def _is_cut(machine: BackupMachine, monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    with pytest.raises(RestoreCutOff):
        await machine.types("backup", "restore", *words, "--yes", "--replace")
    monkeypatch.undo()


@pytest.mark.parametrize("step", list(STEPS))
async def test_it_is_repeated(
    machine: BackupMachine,
    replace_machine: Replace,
    cut: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    someone = await machine.registry.holder(1)
    before = await machine.registry.publish()
    backups = await machine.backs_up()
    new = await replace_machine()
    cut(step)
    await _is_cut(new, monkeypatch, *backups)
    done = await new.asks("backup", "restore", *backups, "--yes", "--replace")
    assert done["skipped_numbers"]
    await new.registry.start()
    assert await new.registry.state(someone) == "active"
    assert crl_number(await new.registry.publish()) > crl_number(before) + 1
    assert (await new.asks("audit", "verify"))["ok"]


@pytest.mark.parametrize("step", [step for step in STEPS if step != "before anything"])
async def test_a_start_in_between_publishes_nothing_older(
    machine: BackupMachine,
    replace_machine: Replace,
    cut: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    someone = await machine.registry.holder(1)
    await machine.registry.publish()
    backups = await machine.backs_up()
    for act in (someone.suspends, someone.resumes, someone.suspends):
        await act(machine.registry.now)
        before = await machine.registry.publish()
    new = await replace_machine()
    cut(step)
    await _is_cut(new, monkeypatch, *backups)
    if step == "before the key file":
        database = Database(new.registry.url)
        with pytest.raises(WrongKeyFileError):
            await open_database(database, key_rings.load_or_create(new.data / "keys.json"))
        await database.close()
    else:
        await new.registry.start()
        assert crl_number(await new.registry.publish()) > crl_number(before)
