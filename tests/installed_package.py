"""The project as people install it: a wheel, in an environment that has nothing else of ours."""

import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
ROOMS = ("bot", "handlers", "locales", "reader_bridge", "sandbox", "services")
PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command that has to end well."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def build(folder: Path) -> Path:
    """Build the wheel from a copy, so that the tree stays as it is."""
    copy = folder / "source"
    copy.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for room in ROOMS:
        left_out = shutil.ignore_patterns("__pycache__", "index.npz")  # the build learns by itself
        shutil.copytree(ROOT / room, copy / room, ignore=left_out)
    run(sys.executable, *PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, copy)
    (built,) = folder.glob("kaika-*.whl")
    return built


def installed(wheel: Path, home: Path, extra: str = "") -> Path:
    """Install the wheel with an extra into a clean environment; return its folder of commands.

    What it requires, and no more, is lent by the environment of the tests, which is quicker than
    fetching it. That it is enough is for pip to say, which may not look elsewhere.
    """
    venv.create(home)
    lent = home / "lent"
    lent.mkdir()
    for name in _required("kaika", frozenset({extra})):
        _lend(name, lent)
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "lent.pth").write_text(f"{lent}\n")
    python = home / "bin" / "python"
    wanted = f"{wheel}[{extra}]" if extra else str(wheel)
    run(sys.executable, *PIP, "--python", python, "install", "--no-compile", "--no-index", wanted)
    return python.parent


def _required(name: str, extras: frozenset[str]) -> set[str]:
    """Return the names of all that a distribution requires with some extras."""
    found, left = set[str](), [(name, extras)]
    seen = set[tuple[str, frozenset[str]]]()
    while left:
        each = left.pop()
        if each not in seen:
            seen.add(each)
            left += [(_plain(r.name), frozenset(r.extras)) for r in _requirements(*each)]
            found.add(each[0])
    return found - {name}


def _requirements(name: str, extras: frozenset[str]) -> Iterator[Requirement]:
    for line in distribution(name).requires or ():
        wanted = Requirement(line)
        if any(not wanted.marker or wanted.marker.evaluate({"extra": e}) for e in extras or {""}):
            yield wanted


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _lend(name: str, folder: Path) -> None:
    lender = distribution(name)
    tops = {file.parts[0] for file in lender.files or ()} - {"..", "__pycache__"}
    for top in tops:
        if not (folder / top).exists():
            (folder / top).symlink_to(Path(str(lender.locate_file(top))))
