"""The subscriber's PC in a measurement, as a process of its own: one card, a bridge, a script.

    python -m benchmarks.bridge_pc

Reads lines of JSON. The first says what to dial and with which card; each later one names an
operation, which is then done on the same card directly and answered with its milliseconds.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks import card as card_layer
from benchmarks.card import PIN
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardProfile
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.pin_store import PinStore
from reader_bridge.virtual_card.reader import READER_NAME, VirtualReader
from services.bridge.operations import admin_authentication
from services.bridge.operations.card_task import CardTask
from tests.reader_bridge.scripted_prompter import ScriptedPrompter
from tests.services.bridge.real_bridge import run_bridge, scripted_person

LEAST_COST = 2


class Directly:
    """The operations, done through the card layer alone, in the order a card needs them.

    :param admin_key: of the card, which is the issuer's to know.
    """

    def __init__(self, readers: VirtualReader, admin_key: bytes) -> None:
        self._readers, self._admin_key = readers, admin_key
        self._operations: dict[CardTask, tuple[bool, Callable[[CardProfile], object]]] = {
            CardTask.CARD_STATUS: (False, card_layer.card_status),
            CardTask.PROVE_POSSESSION: (True, card_layer.prove_possession),
            CardTask.CHANGE_PIN: (True, card_layer.change_pin),
            CardTask.ACTIVATE: (True, self._set_pin),
            CardTask.UNLOCK: (True, self._set_pin),
        }

    def milliseconds(self, work: CardTask) -> float:
        """Do something, and tell how long it took."""
        exclusive, operation = self._operations[work]
        begun = perf_counter()
        with self._readers.connect(READER_NAME, exclusive=exclusive) as connection:
            operation(identify(connection))
        return 1000 * (perf_counter() - begun)

    def _set_pin(self, profile: CardProfile) -> None:
        """Be the issuer and the subscriber at once."""
        drawn = profile.begin_admin_authentication()
        challenge = admin_authentication.AuthenticationChallenge(drawn.host, drawn.card)
        cryptogram = admin_authentication.make_cryptogram(self._admin_key, challenge)
        answer = profile.complete_admin_authentication(cryptogram)
        assert admin_authentication.verify_answer(self._admin_key, challenge, answer)
        with SecretBuffer(PIN) as new:
            profile.reset_retry_counter(new)
        card_layer.prove_possession(profile)


async def _read() -> dict[str, Any] | None:
    line = await asyncio.to_thread(sys.stdin.readline)
    return json.loads(line) if line else None


async def _answer(directly: Directly, person: ScriptedPrompter) -> None:
    while (wanted := await _read()) is not None:
        print(json.dumps(directly.milliseconds(CardTask(wanted["work"]))), flush=True)
        for memory in (person.asked, person.shown, person.handed_out):
            memory.clear()


async def _be_there() -> None:
    settings = await _read()
    assert settings is not None
    card = VirtualCard.insert(Path(settings["card"]), settings["passphrase"])
    # A chip hashes a PIN itself, if at all, and not in the cache that the PC's program works from.
    card._pin = PinStore(card.file.state, card.file.save, cost=LEAST_COST)
    readers = VirtualReader(card)
    person = scripted_person(settings["code"], PIN)
    dialling = asyncio.create_task(run_bridge(settings["url"], readers, person))
    await _answer(Directly(readers, bytes.fromhex(settings["admin_key"])), person)
    dialling.cancel()
    with suppress(asyncio.CancelledError):
        await dialling
    card.close()


if __name__ == "__main__":
    asyncio.run(_be_there())
