"""The bridge alone, installed as on a subscriber's PC: it runs, and brings no server with it."""

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.installed_package import PIP, ROOT, run
from tests.reader_bridge.app.terminal_user import clean_environment

PINS = ROOT / "requirements" / "bridge.txt"


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with `kaika[bridge]` in it, as pinned."""
    home = tmp_path_factory.mktemp("clean")
    venv.create(home)
    interpreter = home / "bin" / "python"
    pip = (sys.executable, *PIP, "--python", interpreter)
    run(*pip, "install", "--no-compile", "--require-hashes", "-r", PINS)
    run(*pip, "install", "--no-compile", "--no-deps", wheel)
    run(*pip, "check")
    return interpreter


def test_it_brings_no_build_tools_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        rooms = {name.split("/", 1)[0] for name in archive.namelist()}
    assert not rooms & {"tools", "tests", "benchmarks", "packaging"}


def test_it_brings_no_server(python: Path) -> None:
    look = "from importlib.util import find_spec; print([n for n in {} if find_spec(n)])"
    unwanted = ["telegram", "sqlalchemy", "alembic", "numpy", "structlog", "PySide6"]
    assert run(python, "-c", look.format(unwanted)).stdout.strip() == "[]"
    assert "smartcard" in run(python, "-c", look.format(["smartcard"])).stdout


@pytest.mark.parametrize(("language", "word"), [("en", "Reader service"), ("zh-TW", "讀卡機服務")])
def test_it_checks_this_machine(python: Path, tmp_path: Path, language: str, word: str) -> None:
    command = python.with_name("kaika-bridge")
    environment = clean_environment(tmp_path, PCSCLITE_CSOCK_NAME=str(tmp_path / "none"))
    del environment["PYTHONPATH"]
    done = subprocess.run(
        [command, "check", "--language", language],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert word in done.stdout
    done = subprocess.run(
        [command, "check", "--json"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert json.loads(done.stdout)["findings"][0]["code"] == "reader_service_stopped"


def test_without_the_window_it_says_how_to_get_it(python: Path, tmp_path: Path) -> None:
    environment = clean_environment(tmp_path, QT_QPA_PLATFORM="offscreen")
    del environment["PYTHONPATH"]
    done = subprocess.run(
        [python.with_name("kaika-bridge"), "--window"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2
    assert "Nowindowcanbeopenedhere" in "".join(done.stderr.split())
