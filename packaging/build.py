"""Builds the bridge app for this operating system, with everything it needs: build/package/dist.

    python packaging/build.py

Works on Linux, Windows and macOS, in a virtual environment of its own, from the pinned
requirements. The result runs without Python. It is tried out at the end. On Linux it is also built
as one file, and on Debian as a package.
"""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from debian import build_package, package_version

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "package"
DIST = WORK / "dist"
PROGRAM = DIST / "Kaika Bridge"
ONE_FILE = "KAIKA_ONE_FILE"


def run(*command: str | Path, **environment: str) -> None:
    """Run a command; raises where it fails."""
    words = [str(word) for word in command]
    subprocess.run(words, check=True, cwd=ROOT, env={**os.environ, **environment})  # noqa: S603


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


def try_out(program: Path) -> None:
    """Let a program check this machine; fails only where the program cannot do even that."""
    run(program, "--version")
    done = subprocess.run(  # noqa: S603
        [program, "check", "--json", "--language", "zh-Hant"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    findings = json.loads(done.stdout)["findings"]
    if any(finding["code"] == "pcsc_missing" for finding in findings):
        raise SystemExit("The program was built without access to card readers.")
    sys.stdout.write(f"Built: {program} ({measure(program):.0f} MB)\n")


def measure(program: Path) -> float:
    """Return the size of a program with what lies beside it, in MB."""
    files = [program] if program.parent == DIST else list(program.parent.rglob("*"))
    return (
        sum(path.stat().st_size for path in files if path.is_file() and not path.is_symlink()) / 1e6
    )


def build_one_file(build: tuple[str | Path, ...]) -> None:
    """Build the program as one file, named for this system."""
    run(*build, **{ONE_FILE: "1"})
    name = f"kaika-bridge-{package_version()}-linux-{platform.machine()}"
    (DIST / "kaika-bridge").replace(DIST / name)
    try_out(DIST / name)
    check_tidiness(DIST / name)


def check_tidiness(program: Path) -> None:
    """Check that a killed program's folder is removed when the next one starts."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "TMPDIR": scratch}
        for _ in range(2):
            killed = subprocess.Popen(  # noqa: S603
                [program, "check"],
                stdout=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
            while killed.poll() is None and not list(Path(scratch).glob("*/kaika-bridge.lock")):
                time.sleep(0.01)
            os.killpg(killed.pid, signal.SIGKILL)
            killed.wait()
            if not list(Path(scratch).iterdir()):
                raise SystemExit("The program ended before it could be killed.")
        subprocess.run([program, "--version"], check=True, env=environment)  # noqa: S603
        left = [path.name for path in Path(scratch).iterdir()]
        if left:
            raise SystemExit(f"The program leaves its unpacked folders behind: {left}")


def main() -> None:
    """Build the program and try it out."""
    WORK.mkdir(parents=True, exist_ok=True)
    interpreter = python()
    pip = (interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--require-hashes", "-r", ROOT / "requirements" / "packaging.txt")
    run(*pip, "--no-deps", "--no-build-isolation", sources())
    spec = ROOT / "packaging" / "kaika-bridge.spec"
    out = ("--distpath", DIST, "--workpath", WORK / "work")
    build = (interpreter, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", *out, spec)
    run(*build)
    try_out(PROGRAM / ("kaika-bridge.exe" if os.name == "nt" else "kaika-bridge"))
    if sys.platform == "linux":
        build_one_file(build)
        if shutil.which("dpkg-shlibdeps"):
            sys.stdout.write(f"Built: {build_package(PROGRAM, DIST)}\n")


if __name__ == "__main__":
    main()
