"""The bot with a meter of its event loop: ``python -m benchmarks.load.loop_delay FILE``.

The meter sleeps and records by how much it woke late; the histogram is written when the bot ends.
"""

import asyncio
import json
import sys
from array import array
from pathlib import Path
from time import monotonic

import uvloop

from bot import logs
from bot.app import run_bot
from bot.settings import load_settings

_INTERVAL = 0.02
BUCKET = 0.001
"""Seconds a bucket of the histogram."""
_BUCKETS = 20_000


class LoopDelayMeter:
    """A histogram of delays, of a constant size."""

    def __init__(self) -> None:
        self.counts = array("L", [0]) * _BUCKETS

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            before = monotonic()
            await asyncio.sleep(_INTERVAL)
            delay = monotonic() - before - _INTERVAL
            self.counts[max(0, min(int(delay / BUCKET), _BUCKETS - 1))] += 1


async def main(meter: LoopDelayMeter) -> None:
    """Run the bot as `kaika run` does, with the meter beside it."""
    settings = load_settings()
    logs.configure(settings.log_level, settings.log_format, settings.secrets())
    task = asyncio.create_task(meter.run())
    try:
        await run_bot(settings)
    finally:
        task.cancel()


if __name__ == "__main__":
    found = LoopDelayMeter()
    try:
        uvloop.run(main(found))
    finally:
        Path(sys.argv[1]).write_text(json.dumps(list(found.counts)))
