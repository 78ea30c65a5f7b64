"""Every command reports wrong keys and settings in one line each, with an exit status.

Each test begins in a folder where the program has run before.
"""

import asyncio
import io
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.cli import errors, main
from services.authority.errors import AuthorityError
from tests.bot.command_runner import CommandResult, CommandRunner

SETTINGS = {
    "KAIKA_AUTHORITY": "embedded",
    "KAIKA_BOT_TOKEN": "123456789:" + "a" * 35,
    "KAIKA_BASE_URL": "http://127.0.0.1:9/bot",
    "KAIKA_LOOPBACK_PORT": "0",
    "KAIKA_PUBLIC_URL": "http://127.0.0.1:9",
    "KAIKA_CA_PASSPHRASE": "correct horse battery",
    "KAIKA_SMTP_HOST": "127.0.0.1",
    "KAIKA_SMTP_SECURITY": "none",
    "KAIKA_MAIL_FROM": "kaika@mail.example",
}

KAIKA = (sys.executable, "-m", "bot.cli.main")


@pytest.fixture(scope="module")
def used_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders where the program has run, `ours` and `foreign`."""
    folder = tmp_path_factory.mktemp("used")
    for name in ("ours", "foreign"):
        ended = asyncio.run(CommandRunner(folder / name, SETTINGS).kaika("counter", "list"))
        assert ended.status == 0, ended
    return folder


@pytest.fixture
def machine(used_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandRunner:
    """A command runner in such a folder; this process has the same environment."""
    shutil.copytree(used_folders, tmp_path / "used")
    machine = CommandRunner(tmp_path / "used" / "ours", SETTINGS)
    for name, value in {**SETTINGS, "KAIKA_DATA_DIR": str(machine.folder / "data")}.items():
        monkeypatch.setenv(name, value)
    return machine


class InProcessCommands:
    """Runs commands within this process, which is faster than a process for each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._patch, self._capture = monkeypatch, capsys

    def run(self, *words: str) -> CommandResult:
        """Run a command."""
        self._patch.setattr(sys, "argv", ["kaika", *words])
        with pytest.raises(SystemExit) as ended:
            main.main()
        printed = self._capture.readouterr()
        assert isinstance(ended.value.code, int)
        return CommandResult(ended.value.code, printed.out, printed.err)

    def run_json(self, *words: str) -> tuple[int, Any]:
        """Run a command with --json, and return status and value."""
        ended = self.run(*words, "--json")
        assert "Traceback" not in ended.err
        return ended.status, ended.json()


@pytest.fixture
def terminal(
    machine: CommandRunner, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> InProcessCommands:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return InProcessCommands(monkeypatch, capsys)


def _lose_the_ca(data: Path) -> None:
    (data / "ca.json").unlink()


def _take_a_foreign(name: str) -> Callable[[Path], None]:
    def take(data: Path) -> None:
        shutil.copy(data.parent.parent / "foreign" / "data" / name, data / name)

    return take


def _fill_with_nonsense(name: str) -> Callable[[Path], None]:
    def fill(data: Path) -> None:
        (data / name).write_bytes(b"nonsense \xff")

    return fill


def _show_the_ca_to_everybody(data: Path) -> None:
    (data / "ca.json").chmod(0o644)


def _lose_the_keys(data: Path) -> None:
    (data / "keys.json").unlink()


@pytest.mark.parametrize(
    ("harm", "message", "error"),
    [
        (_lose_the_ca, "ca.json, is gone", "ca_key"),
        (_take_a_foreign("ca.json"), "is not the one this database was made with", "ca_key"),
        (_fill_with_nonsense("ca.json"), "ca.json, is no key file", "ca_key"),
        (_show_the_ca_to_everybody, "chmod 600", "ca_key"),
        (_lose_the_keys, "Restore keys.json from your backup", "wrong_key_file"),
        (_take_a_foreign("keys.json"), "Restore keys.json from your backup", "wrong_key_file"),
        (_fill_with_nonsense("keys.json"), "it is not a key file", "key_file"),
        (_fill_with_nonsense("kaika.db"), "The database cannot be used", "database"),
    ],
)
def test_harmed_files_are_told_of_in_one_line(
    machine: CommandRunner,
    terminal: InProcessCommands,
    harm: Callable[[Path], None],
    message: str,
    error: str,
) -> None:
    harm(machine.folder / "data")
    _is_one_line(terminal.run("run"), message)
    status, answer = terminal.run_json("counter", "list")
    assert (status in (1, 2), answer["error"]) == (True, error)
    assert message in answer["message"]


@pytest.mark.parametrize(
    "words", [("run",), ("counter", "list"), ("audit", "verify")], ids=" ".join
)
async def test_a_folder_that_cannot_be_written_is_told_of_in_one_line(
    machine: CommandRunner, words: tuple[str, ...]
) -> None:
    ended = await machine.run(*_with_read_only(machine.folder / "data"), *KAIKA, *words)
    _is_one_line(ended, "This user has to be able to write to the file and to its folder")


async def test_a_new_folder_that_cannot_be_written_is_told_of_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    machine = CommandRunner(tmp_path, SETTINGS)
    ended = await machine.run(*_with_read_only(tmp_path / "data"), *KAIKA, "run")
    _is_one_line(ended, "keys.json: Read-only file system")


def _with_read_only(folder: Path) -> tuple[str, ...]:
    """Return a command that runs another, for which the folder is read-only, also as root."""
    rootless = () if os.geteuid() == 0 else ("--map-root-user",)
    mounted = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    return "unshare", *rootless, "--mount", "sh", "-c", mounted, str(folder)


@pytest.mark.parametrize(
    "words",
    [
        ("run",),
        ("counter", "list"),
        ("audit", "verify"),
        ("person", "export", "A800000014"),
        ("db", "rotate-key"),
        ("db", "upgrade"),
        ("faq", "votes"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("authority", ["embedded", "guide"])
def test_with_the_keys_of_another_machine_no_command_changes_anything(
    machine: CommandRunner,
    terminal: InProcessCommands,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    authority: str,
) -> None:
    monkeypatch.setenv("KAIKA_AUTHORITY", authority)
    data = machine.folder / "data"
    _take_a_foreign("keys.json")(data)
    before = _read_everything(data)
    ended = terminal.run(*words)
    assert ended.status in (1, 2)
    assert f"The key file {data / 'keys.json'} is not the one" in ended.err
    assert "key k1" in ended.err
    assert _read_everything(data) == before


def _read_everything(data: Path) -> dict[str, bytes | list[str]]:
    """Return the files of a folder by name, and of the database what is in it."""
    with closing(sqlite3.connect(data / "kaika.db")) as database:
        rows = list(database.iterdump())
    files = {path.name: path.read_bytes() for path in data.iterdir() if "kaika.db" not in path.name}
    return {**files, "database": rows}


def _is_one_line(ended: CommandResult, message: str) -> None:
    assert ended.status == 2, ended
    assert [message in line for line in ended.err.splitlines()] == [True], ended


def test_a_wrong_passphrase_is_told_of_and_mended(
    machine: CommandRunner, terminal: InProcessCommands, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {**SETTINGS, "KAIKA_CA_PASSPHRASE": "another passphrase"}
    ended = asyncio.run(CommandRunner(machine.folder, wrong).kaika("run"))
    _is_one_line(ended, "KAIKA_CA_PASSPHRASE is wrong")
    monkeypatch.setenv("KAIKA_CA_PASSPHRASE", "another passphrase")
    assert terminal.run_json("counter", "list")[1]["problem"] == "wrong_passphrase"
    monkeypatch.setenv("KAIKA_CA_PASSPHRASE", SETTINGS["KAIKA_CA_PASSPHRASE"])
    assert terminal.run_json("counter", "list") == (0, [])


async def test_every_missing_setting_is_named_at_once(tmp_path: Path) -> None:
    names = ("KAIKA_AUTHORITY", "KAIKA_BOT_TOKEN", "KAIKA_BASE_URL", "KAIKA_LOOPBACK_PORT")
    ended = await CommandRunner(tmp_path, {name: SETTINGS[name] for name in names}).kaika("run")
    assert ended.status == 2
    errors = [line for line in ended.err.splitlines() if line.startswith("✗")]
    missing = ("KAIKA_PUBLIC_URL", "KAIKA_CA_PASSPHRASE", "KAIKA_SMTP_HOST")
    assert [line.split()[1] for line in errors] == list(missing)


@pytest.mark.parametrize(
    ("words", "status", "error"),
    [
        (["counter", "apply"], 1, "aborted"),
        (["counter", "nothing"], 2, "usage"),
        (["counter", "show"], 2, "usage"),
        (["counter", "show", "nonsense"], 2, "format"),
        (["counter", "show", "A800000014"], 1, "unknown_person"),
        (["counter", "pay", "A800000014", "x", "--amount", "9" * 30], 2, "usage"),
        (["counter", "refund", "x" * 5000], 2, "usage"),
        (["counter", "issue", "A800000014", "--passphrase", ""], 2, "usage"),
        (["counter", "list", "--state", "gone"], 2, "usage"),
        (["counter", "show", "\udcff"], 2, "settings"),
        (["person", "forget", "A800000014"], 1, "aborted"),
        (["audit", "accept"], 1, "aborted"),
    ],
)
def test_a_refusal_is_one_json_value_and_nothing_else_on_standard_output(
    terminal: InProcessCommands, words: list[str], status: int, error: str
) -> None:
    ended, answer = terminal.run_json(*words)
    assert (ended, answer["error"]) == (status, error)
    assert answer["message"]


def _find_subclasses(kind: type[Exception]) -> set[type[Exception]]:
    return {kind}.union(*(_find_subclasses(each) for each in kind.__subclasses__()))


def test_every_error_of_the_authority_has_a_name_of_its_own_for_programs() -> None:
    declared = errors._CODES
    assert _find_subclasses(AuthorityError) - {AuthorityError} <= set(declared)
    assert set(errors._TEXTS) <= set(declared)
    assert len(set(declared.values())) == len(declared)
