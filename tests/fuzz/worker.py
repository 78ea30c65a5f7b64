"""Fuzzes one boundary in this process: ``python -m tests.fuzz.worker NAME SECONDS FOLDER``.

libFuzzer grows inputs by the code that they reach. A first byte says how an input is read: as it
is, or as the choices of hypothesis, which makes something of the right shape of it. What is kept of
a find is in both cases what the boundary was fed.
"""

import asyncio
import importlib
import json
import os
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OUR_ROOMS = ("bot", "handlers", "services", "reader_bridge", "locales")
SLOW_SECONDS = 1.0
"""Of the processor, for one input of a few kilobytes."""
HANGING_SECONDS = 60
_RECENT_INPUTS = 20
_STRUCTURED = 128
"""First bytes from here on are followed by choices of hypothesis."""


@dataclass
class FuzzRun:
    """One run over one boundary.

    :ivar finds: what broke, by where it broke.
    """

    boundary: Any
    loop: asyncio.AbstractEventLoop
    folder: Path
    ends_at: float
    finds: dict[str, str] = field(default_factory=dict)
    runs: int = 0
    slowest: float = 0.0
    _recent: deque[bytes] = field(default_factory=lambda: deque(maxlen=_RECENT_INPUTS))
    _opened: AbstractAsyncContextManager[Any] | None = None
    _feed: Any = None
    _choose: Callable[[bytes], object] | None = None

    def __post_init__(self) -> None:
        if self.boundary.structured is not None:
            self._choose = _driven_by_choices(self.boundary.structured, self.feed)

    def run_one(self, data: bytes) -> None:
        """Run one input of libFuzzer."""
        if time.monotonic() > self.ends_at:
            self.finish()
        if self._opened is None or self.runs % self.boundary.renew_after == 0:
            self._renew()
        self.runs += 1
        if data and data[0] >= _STRUCTURED and self._choose is not None:
            self._choose(data[1:])
        else:
            self.feed(data[1:])

    def feed(self, data: bytes) -> None:
        """Feed the boundary, and keep what breaks it."""
        self._recent.append(data)
        before = time.process_time()
        try:
            self.loop.run_until_complete(self._feed(data))
        except Exception as error:
            self._keep(error, data)
            self._renew()
        spent = time.process_time() - before
        self.slowest = max(self.slowest, spent)
        if spent > SLOW_SECONDS:
            self._keep(TimeoutError(f"{spent:.1f} s of the processor"), data)

    def finish(self) -> None:
        """Write what was found, and end the process."""
        summary = {"runs": self.runs, "slowest": round(self.slowest, 3), "finds": self.finds}
        (self.folder / "summary.json").write_text(json.dumps(summary))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    def _renew(self) -> None:
        """Set everything up anew."""
        if self._opened is not None:
            try:
                self.loop.run_until_complete(self._opened.__aexit__(None, None, None))
            except Exception as error:
                self._keep(error, self._recent[-1] if self._recent else b"")
        self._opened = self.boundary.open()
        self._feed = self.loop.run_until_complete(self._opened.__aenter__())

    def _keep(self, error: BaseException, data: bytes) -> None:
        place = _place_of(error)
        if place in self.finds:
            return
        name = f"find-{len(self.finds) + 1}"
        self.finds[place] = name
        (self.folder / name).write_bytes(data)
        story = "".join(traceback.format_exception(error))
        before = "\n".join(repr(each) for each in self._recent)
        (self.folder / f"{name}.txt").write_text(
            f"{place}\n\n{story}\nthe last inputs:\n{before}\n"
        )
        print(f"FIND {name}: {place}", flush=True)  # noqa: T201


def _driven_by_choices(strategy: Any, feed: Callable[[bytes], None]) -> Callable[[bytes], object]:
    """Return a function that makes an input of hypothesis' choices and feeds it."""
    from hypothesis import HealthCheck, given, settings

    @settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def feed_structured(data: bytes) -> None:
        feed(data)

    fuzz_one: Callable[[bytes], object] = feed_structured.hypothesis.fuzz_one_input
    return fuzz_one


def _place_of(error: BaseException) -> str:
    """Return the type of an error and the innermost line of ours that it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    root = str(Path(__file__).parents[2])
    ours = [f for f in frames if f.filename.startswith(root) and "/.venv/" not in f.filename]
    where = ours[-1] if ours else (frames[-1] if frames else None)
    line = f"{Path(where.filename).name}:{where.lineno}" if where else str(error)
    return f"{type(error).__name__} at {line}"


def main() -> None:
    """Fuzz until the time is over."""
    name, seconds, folder = sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=list(OUR_ROOMS)):
        for room in ("bot.app", "bot.wiring.embedded", "bot.wiring.bridge", "reader_bridge"):
            importlib.import_module(room)
        boundaries = importlib.import_module("tests.fuzz.boundaries").BOUNDARIES
    boundary = boundaries[name]
    seeds, corpus = folder / "seeds", folder / "corpus"
    for place in (seeds, corpus):
        place.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(boundary.seeds()):
        (seeds / str(number)).write_bytes(b"\0" + seed)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    run = FuzzRun(boundary, loop, folder, time.monotonic() + seconds)
    options = (
        f"-max_len={boundary.max_length}",
        f"-timeout={HANGING_SECONDS}",
        "-rss_limit_mb=4096",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
    )
    atheris.Setup([sys.argv[0], *options, str(corpus), str(seeds)], run.run_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
