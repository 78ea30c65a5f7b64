"""`prove_possession`: the card signs the statement of possession after its PIN was verified."""

import os

from reader_bridge.card.profiles.base import CardCapability, CardProfile
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.operations.card_discovery import exclusive_access, find_card
from reader_bridge.operations.consent import (
    ask_consent,
    attempt_with_secret,
    ensure_reading_allowed,
)
from reader_bridge.operations.context import OperationContext
from reader_bridge.operations.failures import operation_failure
from reader_bridge.prompter import PinKind
from reader_bridge.protocol.enums import Operation
from reader_bridge.protocol.failure_codes import FailureCode
from reader_bridge.protocol.limits import NONCE_BYTES
from reader_bridge.protocol.operation_payloads import ProvePossession, Receipt
from reader_bridge.protocol.possession_statement import build_possession_statement


async def prove_possession(context: OperationContext, parameters: ProvePossession) -> Receipt:
    """Have the card prove to this server that it is present now."""
    await ensure_reading_allowed(context)
    card = await find_card(context, parameters.reader, serial=parameters.card_serial)
    card.require(CardCapability.SIGN, serial=parameters.card_serial)
    serial = require_serial(card.serial)
    await ask_consent(context, card)

    async def attempt(pin: SecretBuffer, accept_last_try: bool) -> Receipt:
        def work() -> Receipt:
            with exclusive_access(context.readers, context.card_calls, card) as profile:
                profile.verify_pin(pin, accept_last_try=accept_last_try)
                return sign_receipt(
                    profile, context.origin, context.operation, parameters.server_nonce, serial
                )

        return await context.run_pin_work(work)

    return await attempt_with_secret(
        context, card, PinKind.CURRENT, card.status.pin, card.profile.pin_entry_rules, attempt
    )


def require_serial(serial: str | None) -> str:
    """Return the serial, without which nothing can be proved of a card.

    :raises OperationFailedError: the card has neither a serial nor a certificate to derive one
        from.
    """
    if serial is None:
        raise operation_failure(FailureCode.CERTIFICATE_MISSING)
    return serial


def sign_receipt(
    profile: CardProfile, origin: str, operation: Operation, server_nonce: bytes, serial: str
) -> Receipt:
    """Have a card whose PIN was verified sign the statement. Nothing else is ever signed.

    The bridge draws one of the two nonces, so that no server can choose what is signed.
    """
    bridge_nonce = os.urandom(NONCE_BYTES)
    statement = build_possession_statement(
        origin, operation, server_nonce=server_nonce, bridge_nonce=bridge_nonce, card_serial=serial
    )
    signature = profile.sign(statement)
    return Receipt(
        card_serial=serial,
        bridge_nonce=bridge_nonce,
        algorithm=signature.algorithm,
        signature=signature.value,
        certificate=profile.read_certificate(),
    )
