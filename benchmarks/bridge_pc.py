"""The subscriber's PC of a measurement as a process: a card, a bridge and a scripted person.

    python -m benchmarks.bridge_pc

Reads lines of JSON. The first has the server's address and the card; each later one names an
operation, which is done through the card layer alone and answered with its milliseconds.
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


class DirectOperations:
    """The operations through the card layer alone, in the order in which a card needs them.

    :param admin_key: of the card; only the issuer knows it.
    """

    def __init__(self, readers: VirtualReader, admin_key: bytes) -> None:
        self._readers, self._admin_key = readers, admin_key
        self._operations: dict[CardTask, tuple[bool, Callable[[CardProfile], object]]] = {
            CardTask.CARD_STATUS: (False, card_layer.card_status),
            CardTask.PROVE_POSSESSION: (True, card_layer.repeat_prove_possession),
            CardTask.CHANGE_PIN: (True, card_layer.repeat_change_pin),
            CardTask.ACTIVATE: (True, self._set_pin),
            CardTask.UNLOCK: (True, self._set_pin),
        }

    def time_call(self, work: CardTask) -> float:
        """Do an operation, and return how long it took."""
        exclusive, operation = self._operations[work]
        begun = perf_counter()
        with self._readers.connect(READER_NAME, exclusive=exclusive) as connection:
            operation(identify(connection))
        return 1000 * (perf_counter() - begun)

    def _set_pin(self, profile: CardProfile) -> None:
        """Set the PIN as issuer and subscriber together."""
        drawn = profile.begin_admin_authentication()
        challenge = admin_authentication.AuthenticationChallenge(drawn.host, drawn.card)
        cryptogram = admin_authentication.make_cryptogram(self._admin_key, challenge)
        answer = profile.complete_admin_authentication(cryptogram)
        assert admin_authentication.verify_answer(self._admin_key, challenge, answer)
        with SecretBuffer(PIN) as new:
            profile.reset_retry_counter(new)
        card_layer.repeat_prove_possession(profile)


async def _read() -> dict[str, Any] | None:
    line = await asyncio.to_thread(sys.stdin.readline)
    return json.loads(line) if line else None


async def _answer(directly: DirectOperations, person: ScriptedPrompter) -> None:
    while (wanted := await _read()) is not None:
        print(json.dumps(directly.time_call(CardTask(wanted["work"]))), flush=True)
        for memory in (person.asked, person.shown, person.handed_out):
            memory.clear()


async def _be_there() -> None:
    settings = await _read()
    assert settings is not None
    card = VirtualCard.insert(Path(settings["card"]), settings["passphrase"])
    # A chip hashes the PIN itself, so the PC's cache must not be warm.
    card._pin = PinStore(card.file.state, card.file.save, cost=LEAST_COST)
    readers = VirtualReader(card)
    person = scripted_person(settings["code"], PIN)
    dialling = asyncio.create_task(run_bridge(settings["url"], readers, person))
    await _answer(DirectOperations(readers, bytes.fromhex(settings["admin_key"])), person)
    dialling.cancel()
    with suppress(asyncio.CancelledError):
        await dialling
    card.close()


if __name__ == "__main__":
    asyncio.run(_be_there())
