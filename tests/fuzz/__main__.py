"""Fuzzes the boundaries one after the other: ``python -m tests.fuzz [NAME ...] --minutes 5``.

What was found lies in ``build/fuzz/NAME/find-*``, with its story beside it. Put such a file into
``tests/fuzz/finds/NAME/`` and `tests/fuzz/test_boundaries.py` fails until it is mended. The corpus
stays in ``build/fuzz/NAME/corpus``, and the next run goes on from there.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.boundaries import BOUNDARIES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "fuzz"
_GRACE_SECONDS = 180.0
"""For imports, the last input, and what hypothesis makes of it."""
_PROGRESS = re.compile(rb"cov: (\d+) .*corp: (\d+)")


@dataclass
class Report:
    """How a run over one boundary went."""

    name: str
    runs: int
    coverage: int
    corpus: int
    slowest: float
    finds: list[str]

    def __str__(self) -> str:
        line = (
            f"{self.name:14} {self.runs:>9} inputs  {self.coverage:>6} places  "
            f"{self.corpus:>5} kept  slowest {self.slowest * 1000:.0f} ms"
        )
        return "\n".join([line, *(f"    {find}" for find in self.finds)])


def fuzz(name: str, seconds: float) -> Report:
    """Fuzz one boundary in a process of its own."""
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("*-*"), *folder.glob("summary.json")):
        old.unlink()
    command = (sys.executable, "-m", "tests.fuzz.worker", name, str(seconds), str(folder))
    log = folder / "log"
    with log.open("wb") as opened:
        started = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            stdout=opened,
            stderr=subprocess.STDOUT,
            timeout=seconds + _GRACE_SECONDS,
            check=False,
        )
    return _read_report(name, folder, started.returncode)


def _read_report(name: str, folder: Path, status: int) -> Report:
    progress = _PROGRESS.findall((folder / "log").read_bytes())
    coverage, corpus = map(int, progress[-1]) if progress else (0, 0)
    summary = folder / "summary.json"
    if not summary.exists():
        broken = [f"ended with status {status}: see {folder / 'log'}"]
        return Report(name, 0, coverage, corpus, 0, broken)
    found = json.loads(summary.read_text())
    finds = [f"{file}: {place}" for place, file in found["finds"].items()]
    return Report(name, found["runs"], coverage, corpus, found["slowest"], finds)


def main() -> int:
    """Fuzz what the command line names; return 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BOUNDARIES))
    parser.add_argument("--minutes", type=float, default=5.0, help="for each boundary")
    given = parser.parse_args()
    if unknown := set(given.names) - set(BOUNDARIES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    names = given.names or list(BOUNDARIES)
    began, found = time.monotonic(), False
    for name in names:
        report = fuzz(name, given.minutes * 60)
        found = found or bool(report.finds)
        print(report, flush=True)  # noqa: T201
    print(f"{len(names)} boundaries in {(time.monotonic() - began) / 60:.1f} minutes")  # noqa: T201
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
