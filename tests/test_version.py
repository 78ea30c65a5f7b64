"""The version is in pyproject.toml; the changelog and both commands agree with it."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_newest_release_in_the_changelog_is_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(re.escape(project["version"]) + r" - \d{4}-\d\d-\d\d", headings[1])


@pytest.mark.parametrize(
    ("module", "command"), [("bot.cli.main", "kaika"), ("reader_bridge.app", "kaika-bridge")]
)
def test_both_commands_print_the_installed_version(module: str, command: str) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", module, "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert printed.stdout == f"{command} {version('kaika')}\n"
