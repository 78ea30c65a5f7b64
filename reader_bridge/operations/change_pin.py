"""`change_pin`: sets a new PIN with the current one. Both are typed on this PC.

The card checks the current PIN before the new one is asked for, so that nobody thinks one up, and
types it twice, for nothing.
"""

from reader_bridge.card.profiles.base import CardCapability
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.operations.card_discovery import exclusive_access, find_card
from reader_bridge.operations.consent import (
    NewPinEntry,
    ask_consent,
    attempt_with_secret,
    ensure_reading_allowed,
)
from reader_bridge.operations.context import OperationContext
from reader_bridge.prompter import PinKind
from reader_bridge.protocol.operation_payloads import ChangePin, PinChanged


async def change_pin(context: OperationContext, parameters: ChangePin) -> PinChanged:
    """Change the PIN; see :class:`reader_bridge.protocol.operation_payloads.ChangePin`."""
    await ensure_reading_allowed(context)
    card = await find_card(context, parameters.reader, serial=parameters.card_serial)
    card.require(CardCapability.CHANGE_PIN, serial=parameters.card_serial)
    await ask_consent(context, card)
    with NewPinEntry(context, card) as entry:

        async def attempt(old: SecretBuffer, accept_last_try: bool) -> PinChanged:
            def verify() -> None:
                with exclusive_access(context.readers, context.card_calls, card) as profile:
                    profile.verify_pin(old, accept_last_try=accept_last_try)

            def change(new: SecretBuffer) -> PinChanged:
                with exclusive_access(context.readers, context.card_calls, card) as profile:
                    profile.change_pin(old, new, accept_last_try=accept_last_try)
                    return PinChanged(card.serial)

            if not entry.is_typed:
                await context.run_pin_work(verify)
            return await entry.set(change)

        return await attempt_with_secret(
            context, card, PinKind.CURRENT, card.status.pin, card.profile.pin_entry_rules, attempt
        )
