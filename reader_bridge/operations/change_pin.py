"""`change_pin`: with the PIN it is now, both typed on this PC."""

from reader_bridge.card.profiles.base import Verb
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.operations.card_discovery import exclusively, find_card
from reader_bridge.operations.consent import allow_reading, consent, new_pin, with_secret
from reader_bridge.operations.context import Errand
from reader_bridge.prompter import PinKind
from reader_bridge.protocol.operations import ChangePin, PinChanged


async def change_pin(errand: Errand, wanted: ChangePin) -> PinChanged:
    """Change the PIN."""
    await allow_reading(errand)
    found = await find_card(errand, wanted.reader)
    found.require(Verb.CHANGE_PIN, serial=wanted.card_serial)
    await consent(errand, found)
    new = SecretBuffer()

    async def attempt(old: SecretBuffer, accept_last_try: bool) -> PinChanged:
        nonlocal new
        if not new:
            new = await new_pin(errand, found)

        def work() -> PinChanged:
            with exclusively(errand.readers, errand.calls, found) as profile:
                profile.change_pin(old, new, accept_last_try=accept_last_try)
                return PinChanged(found.serial)

        return await errand.carry_out(work)

    try:
        return await with_secret(
            errand, found, PinKind.CURRENT, found.status.pin, found.kind.entry_rules, attempt
        )
    finally:
        new.wipe()
