"""The bots that are measured: their number of messages, and how each is started."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.echo_bots import TOKEN

KAIKA = "kaika"


@dataclass(frozen=True)
class Contestant:
    """One bot.

    :ivar messages: how many it gets in one run, by latency in milliseconds; a slow one gets fewer,
        so that every run lasts about as long.
    :ivar rounds: how often it runs, by latency; not at all where a latency is missing.
    """

    key: str
    name: str
    messages: Mapping[int, int]
    rounds: Mapping[int, int]

    @property
    def echoes(self) -> bool:
        """Whether it echoes the text it receives."""
        return self.key != KAIKA

    def command(self, address: str) -> list[str]:
        """Return the module to run and its arguments."""
        if self.echoes:
            return ["benchmarks.echo_bots", self.key, address]
        return ["bot.cli.main", "run"]

    def environment(self, address: str, folder: Path) -> dict[str, str]:
        """Return the environment variables of the module."""
        if self.echoes:
            return {}
        return {
            "KAIKA_BOT_TOKEN": TOKEN,
            "KAIKA_BASE_URL": f"{address}/bot",
            "KAIKA_DATA_DIR": str(folder / "data"),
            "KAIKA_LOOPBACK_PORT": "0",
            "KAIKA_TEXTS_PER_MINUTE": "0",
        }


CONTESTANTS = (
    Contestant(KAIKA, "Kaika, whole FAQ turn", {0: 2000, 50: 2000}, {0: 5, 50: 3}),
    Contestant("aiogram", "aiogram echo", {0: 2000, 50: 2000}, {0: 5, 50: 2}),
    Contestant("aiogram_uvloop", "aiogram echo, uvloop", {0: 2000}, {0: 3}),
    Contestant("ptb_transport", "PTB echo, our transport", {0: 2000, 50: 2000}, {0: 3, 50: 2}),
    Contestant("ptb_transport_uvloop", "PTB echo, our transport, uvloop", {0: 2000}, {0: 2}),
    Contestant("ptb", "PTB echo, as it comes", {0: 400, 50: 40}, {0: 3, 50: 3}),
    Contestant("ptb_256", "PTB echo, concurrent_updates(256)", {0: 200, 50: 200}, {0: 2, 50: 2}),
)
