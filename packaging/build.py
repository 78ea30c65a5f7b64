"""Builds the bridge app for this operating system, with everything it needs: build/package/dist.

    python packaging/build.py

Works on Linux, Windows and macOS, in a virtual environment of its own, from the pinned
requirements. The result runs without Python. It is tried out at the end.
"""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "package"
PROGRAM = WORK / "dist" / "Kaika Bridge"


def run(*command: str | Path) -> None:
    """Run a command; raises where it fails."""
    subprocess.run([str(word) for word in command], check=True, cwd=ROOT)  # noqa: S603


def python() -> Path:
    """Create the virtual environment and return its Python."""
    home = WORK / "venv"
    venv.create(home, clear=True, with_pip=True)
    return home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def sources() -> Path:
    """Copy what belongs to the bridge, so that the build leaves the tree unchanged."""
    copy = WORK / "source"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for room in ("reader_bridge", "locales"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def try_out() -> None:
    """Let the new program check this machine; fails only where the program cannot do even that."""
    name = "kaika-bridge.exe" if os.name == "nt" else "kaika-bridge"
    done = subprocess.run(  # noqa: S603
        [PROGRAM / name, "check", "--json", "--language", "zh-Hant"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    findings = json.loads(done.stdout)["findings"]
    if any(finding["code"] == "pcsc_missing" for finding in findings):
        raise SystemExit("The program was built without access to card readers.")
    sys.stdout.write(f"Built: {PROGRAM}\n")


def main() -> None:
    """Build the program and try it out."""
    WORK.mkdir(parents=True, exist_ok=True)
    interpreter = python()
    pip = (interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--require-hashes", "-r", ROOT / "requirements" / "packaging.txt")
    run(*pip, "--no-deps", "--no-build-isolation", sources())
    out = ("--distpath", WORK / "dist", "--workpath", WORK / "work")
    spec = ROOT / "packaging" / "kaika-bridge.spec"
    run(interpreter, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", *out, spec)
    try_out()


if __name__ == "__main__":
    main()
