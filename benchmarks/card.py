"""The time of card operations through the card layer alone.

    python -m benchmarks.card [rounds]

On one virtual card, in this process and behind a real pcscd: card status, proof of possession and
change of PIN, each with identifying the card before and resetting it after, as the bridge does. The
fixed costs of the virtual card are shown separately: hashing the PIN, and writing the tries.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from rich.console import Console

from benchmarks.results import merge
from reader_bridge.card.connection import CardReaders
from reader_bridge.card.pcsc import PcscReaders
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardProfile
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.passphrase_encryption import derive_key
from reader_bridge.virtual_card.pin_store import PIN_COST
from reader_bridge.virtual_card.reader import READER_NAME, VirtualReader
from tests.reader_bridge.card.card_issuer import CardTestAuthority
from tests.reader_bridge.card.pcsc_sandbox import READER, PcscSandbox
from tests.reader_bridge.card.snapshot_recorder import SnapshotRecorder, has_card
from tests.reader_bridge.virtual_card.vpcd import VpcdReader

PIN = b"first123"
ROUNDS = 100
_console = Console(soft_wrap=True)


def card_status(profile: CardProfile) -> None:
    profile.status()


def repeat_prove_possession(profile: CardProfile) -> None:
    with SecretBuffer(PIN) as pin:
        profile.verify_pin(pin)
        profile.sign(b"statement")


def repeat_change_pin(profile: CardProfile) -> None:
    with SecretBuffer(PIN) as old, SecretBuffer(PIN) as new:
        profile.change_pin(old, new)


OPERATIONS: dict[str, tuple[bool, Callable[[CardProfile], None]]] = {
    "card status": (False, card_status),
    "proof of possession": (True, repeat_prove_possession),
    "change PIN": (True, repeat_change_pin),
}
"""Each with whether it needs the card for itself."""


def time_rounds(work: Callable[[], object], rounds: int) -> list[float]:
    """Return the sorted times of the rounds in milliseconds, after a warm-up round."""
    work()
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - begun))
    return sorted(taken)


def measure_operation(readers: CardReaders, reader: str, name: str, rounds: int) -> list[float]:
    """Return the times of an operation on the card in a reader."""
    exclusive, operation = OPERATIONS[name]

    def work() -> None:
        with readers.connect(reader, exclusive=exclusive) as connection:
            operation(identify(connection))

    return time_rounds(work, rounds)


@contextmanager
def behind_pcscd(card: VirtualCard) -> Iterator[PcscReaders]:
    """Run a pcscd with the card in its reader."""
    with tempfile.TemporaryDirectory() as directory, PcscSandbox(Path(directory)) as room:
        os.environ["PCSCLITE_CSOCK_NAME"] = str(room.socket_path)
        readers, snapshots = PcscReaders(), SnapshotRecorder()
        watch = readers.watch(snapshots)
        vpcd = VpcdReader(room.connect)
        vpcd.insert(card)
        snapshots.wait_until(has_card(READER))
        yield readers
        vpcd.pull()
        watch.close()


def summarize_times(taken: list[float]) -> dict[str, float]:
    """Return median and 95th percentile."""
    return {"median_ms": round(median(taken), 2), "p95_ms": round(taken[len(taken) * 95 // 100], 2)}


def measure_all(rounds: int) -> dict[str, dict[str, float]]:
    """Measure everything on one card."""
    found = {}
    with tempfile.TemporaryDirectory() as directory:
        card = CardTestAuthority().issue(Path(directory) / "card.json", PIN)
        hashing = time_rounds(lambda: derive_key(PIN, PIN, PIN_COST), rounds)
        found["card itself: hash of the PIN"] = summarize_times(hashing)
        found["card itself: tries to the disk"] = summarize_times(
            time_rounds(card.file.save, rounds)
        )
        here = VirtualReader(card)
        for name in OPERATIONS:
            taken = measure_operation(here, READER_NAME, name, rounds)
            found[f"in process: {name}"] = summarize_times(taken)
        with behind_pcscd(card) as readers:
            for name in OPERATIONS:
                found[f"pcscd: {name}"] = summarize_times(
                    measure_operation(readers, READER, name, rounds)
                )
        card.close()
    return found


def main() -> int:
    """Measure, print and write the figures."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    found = measure_all(rounds)
    merge("card_layer", {"rounds": rounds, **found})
    for what, taken in found.items():
        _console.print(f"{what:<32} {taken['median_ms']:8.2f} ms median {taken['p95_ms']:8.2f} p95")
    return 0


if __name__ == "__main__":
    sys.exit(main())
