"""The folders that the app as one file unpacks itself into."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from reader_bridge.app import unpacked_folder
from reader_bridge.app.unpacked_folder import LOCK_FILE, own_folder, tidy_up

_APP = """
import sys
from pathlib import Path
from reader_bridge.app import unpacked_folder
unpacked_folder.tidy_up(Path(sys.argv[1]))
print("running", flush=True)
sys.stdin.read()
"""


def make_folder(parent: Path, name: str) -> Path:
    """Make a folder as the one file does."""
    folder = parent / name
    (folder / "PySide6").mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    (folder / "PySide6" / "QtCore.abi3.so").write_bytes(b"library")
    return folder


@contextmanager
def running_app(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that runs from a folder."""
    command = [sys.executable, "-c", _APP, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        yield process
        process.kill()


def test_what_a_killed_app_left_is_removed_and_a_running_one_keeps_its_own(tmp_path: Path) -> None:
    killed, living, own = (make_folder(tmp_path, f"_MEI{name}") for name in ("aaa", "bbb", "ccc"))
    with ExitStack() as stack:
        stack.enter_context(running_app(living))
        process = stack.enter_context(running_app(killed))
        tidy_up(own)
        assert sorted(tmp_path.iterdir()) == [killed, living, own]
        process.send_signal(signal.SIGKILL)
        process.wait()
        tidy_up(make_folder(tmp_path, "_MEIddd"))
        assert not killed.exists()
        assert (living / "PySide6" / "QtCore.abi3.so").exists()
        assert (own / LOCK_FILE).exists()


def test_what_is_not_surely_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "letter.txt").write_text("dear")
    (tmp_path / "elsewhere" / LOCK_FILE).touch()
    of_another_program = make_folder(tmp_path, "_MEIaaa")
    still_unpacking = make_folder(tmp_path, "_MEIbbb")
    open_to_others = make_folder(tmp_path, "_MEIccc")
    (open_to_others / LOCK_FILE).touch()
    open_to_others.chmod(0o777)
    lock_elsewhere = make_folder(tmp_path, "_MEIddd")
    (lock_elsewhere / LOCK_FILE).symlink_to(tmp_path / "elsewhere" / LOCK_FILE)
    (tmp_path / "_MEIeee").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "_MEIfff").write_text("a file")
    tidy_up(make_folder(tmp_path, "_MEIggg"))
    for folder in (of_another_program, still_unpacking, open_to_others, lock_elsewhere):
        assert (folder / "PySide6" / "QtCore.abi3.so").exists()
    assert (tmp_path / "elsewhere" / "letter.txt").read_text() == "dear"
    assert (tmp_path / "_MEIfff").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to make a folder of somebody else")
def test_a_folder_of_somebody_else_stays(tmp_path: Path) -> None:
    theirs = make_folder(tmp_path, "_MEIaaa")
    (theirs / LOCK_FILE).touch()
    os.chown(theirs, 65534, 65534)
    tidy_up(make_folder(tmp_path, "_MEIbbb"))
    assert theirs.exists()


def test_what_a_link_in_a_folder_leads_to_is_not_removed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "letter.txt").write_text("dear")
    left = make_folder(tmp_path, "_MEIaaa")
    (left / LOCK_FILE).touch()
    (left / "link").symlink_to(kept)
    tidy_up(make_folder(tmp_path, "_MEIbbb"))
    assert not left.exists()
    assert (kept / "letter.txt").exists()


@pytest.mark.parametrize(
    ("place", "is_unpacked"), [(None, False), ("_internal", False), ("_MEIabc", True)]
)
def test_only_the_one_file_tidies_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str | None, is_unpacked: bool
) -> None:
    if place is not None:
        monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path / place), raising=False)
    assert (own_folder() == tmp_path / "_MEIabc") is is_unpacked


@pytest.fixture(autouse=True)
def _release_locks() -> Iterator[None]:
    yield
    for descriptor in unpacked_folder._held:
        os.close(descriptor)
    unpacked_folder._held.clear()
