"""The bot as a wheel in an environment of its own: complete, and it says what it lacks."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from subprocess import PIPE, CompletedProcess, Popen
from types import MappingProxyType
from zipfile import ZipFile

import pytest

from tests.bot_harness import TOKEN
from tests.installed_package import ROOMS, ROOT, installed, run
from tests.reader_bridge.app.terminal_user import clean_environment

SETTINGS = {
    "KAIKA_BOT_TOKEN": TOKEN,
    "KAIKA_BASE_URL": "http://127.0.0.1:9/bot",
    "KAIKA_LOOPBACK_PORT": "0",
}


@pytest.fixture(scope="module")
def server(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of `pip install 'kaika[server]'`."""
    return installed(wheel, tmp_path_factory.mktemp("server"), "server")


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of `pip install kaika`."""
    return installed(wheel, tmp_path_factory.mktemp("bare"))


def surroundings(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    environment = {**clean_environment(folder), **settings}
    del environment["PYTHONPATH"], environment["PYTHONWARNINGS"]
    return environment


def given(
    commands: Path, folder: Path, *words: str, settings: Mapping[str, str] = MappingProxyType({})
) -> CompletedProcess[str]:
    """Run a command in an empty folder, as nobody in particular."""
    return subprocess.run(
        [commands / words[0], *words[1:]],
        capture_output=True,
        text=True,
        env=surroundings(folder, settings),
        cwd=folder,
        check=False,
    )


def test_every_file_of_ours_is_in_the_wheel(wheel: Path) -> None:
    tracked = set(run("git", "-C", ROOT, "ls-files", *ROOMS).stdout.split())
    assert any(name.endswith("vague_complaints.txt") for name in tracked)
    packed = ZipFile(wheel).namelist()
    assert tracked - set(packed) == set()
    assert not [name for name in packed if "__pycache__" in name]
    assert {Path(name).parts[0] for name in packed if ".dist-info/" not in name} == set(ROOMS)


def test_the_server_answers_far_from_its_source(server: Path, tmp_path: Path) -> None:
    look = given(server, tmp_path, "python", "-c", "import bot; print(bot.__file__)")
    assert "site-packages" in look.stdout
    helped = given(server, tmp_path, "kaika", "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "Run the bot" in helped.stdout
    found = given(server, tmp_path, "kaika", "faq", "search", "PIN locked")
    assert (found.returncode, found.stderr) == (0, "")
    assert "pin-tries" in found.stdout


def test_the_server_learns_nothing_at_its_start(server: Path, tmp_path: Path) -> None:
    program = (
        "from services.faq import entries, index\n"
        "index.learn = None\n"
        "print(len(index.load_index(entries.load_entries()).ids))"
    )
    asked = given(server, tmp_path, "python", "-c", program)
    assert asked.stderr == ""
    assert int(asked.stdout) > 40


def test_the_server_starts_far_from_its_source(server: Path, tmp_path: Path) -> None:
    with Popen(
        [server / "kaika", "run"],
        stderr=PIPE,
        text=True,
        env=surroundings(tmp_path, SETTINGS),
        cwd=tmp_path,
    ) as process:
        assert process.stderr is not None
        seen = next((line for line in process.stderr if "healthz" in line), "it ended before")
        process.kill()
    assert "http://127.0.0.1" in seen
    assert (tmp_path / "data" / "kaika.db").exists()


@pytest.mark.parametrize("words", [(), ("--help",), ("run",)])
def test_without_the_server_it_says_what_to_install(
    bare: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    ended = given(bare, tmp_path, "kaika", *words)
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.endswith("Run: pip install 'kaika[server]'")


def test_a_program_is_told_what_to_install(bare: Path, tmp_path: Path) -> None:
    ended = given(bare, tmp_path, "kaika", "counter", "list", "--json")
    assert (ended.returncode, ended.stderr) == (2, "")
    answer = json.loads(ended.stdout)
    assert answer["error"] == "not_installed"
    assert "pip install 'kaika[server]'" in answer["message"]


@pytest.mark.parametrize("asked", [(), ("--json",)])
def test_without_the_driver_of_postgresql_it_says_what_to_install(
    server: Path, tmp_path: Path, asked: tuple[str, ...]
) -> None:
    url = {"KAIKA_DATABASE_URL": "postgresql+asyncpg://kaika@127.0.0.1:9/kaika"}
    ended = given(server, tmp_path, "kaika", "faq", "votes", *asked, settings=url)
    assert ended.returncode == 2
    (line,) = (ended.stdout + ended.stderr).splitlines()
    assert "Run: pip install 'kaika[server,postgresql]'" in line


@pytest.mark.parametrize(
    ("words", "status", "extra"), [(("check",), 1, "bridge"), (("--window",), 2, "bridge-gui")]
)
def test_the_bridge_says_what_to_install(
    bare: Path, tmp_path: Path, words: tuple[str, ...], status: int, extra: str
) -> None:
    ended = given(bare, tmp_path, "kaika-bridge", *words)
    assert ended.returncode == status
    assert f"pip install 'kaika[{extra}]'" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
