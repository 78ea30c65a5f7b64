"""`prove_possession`: the statement of possession, signed by the card, after the person's PIN."""

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
from reader_bridge.protocol.failures import FailureCode
from reader_bridge.protocol.limits import NONCE_BYTES
from reader_bridge.protocol.operations import ProvePossession, Receipt
from reader_bridge.protocol.statement import build_possession_statement
from reader_bridge.protocol.vocabulary import Operation


async def prove_possession(context: OperationContext, parameters: ProvePossession) -> Receipt:
    """Have the card sign that it is here, for this server, now."""
    await ensure_reading_allowed(context)
    found = await find_card(context, parameters.reader)
    found.require(CardCapability.SIGN, serial=parameters.card_serial)
    serial = require_serial(found.serial)
    await ask_consent(context, found)

    async def attempt(pin: SecretBuffer, accept_last_try: bool) -> Receipt:
        def work() -> Receipt:
            with exclusive_access(context.readers, context.card_calls, found) as profile:
                profile.verify_pin(pin, accept_last_try=accept_last_try)
                return sign_receipt(
                    profile, context.origin, context.operation, parameters.server_nonce, serial
                )

        return await context.run_pin_work(work)

    return await attempt_with_secret(
        context, found, PinKind.CURRENT, found.status.pin, found.kind.pin_entry_rules, attempt
    )


def require_serial(serial: str | None) -> str:
    """Give a card's serial, without which nothing can be proved of it.

    :raises OperationFailedError: where it has none, and no certificate to make one of.
    """
    if serial is None:
        raise operation_failure(FailureCode.CERTIFICATE_MISSING)
    return serial


def sign_receipt(
    profile: CardProfile, origin: str, operation: Operation, server_nonce: bytes, serial: str
) -> Receipt:
    """Have a card whose PIN was verified sign the statement; nothing else is ever signed.

    Half of what makes it fresh is drawn here, so that no server can choose what is signed.
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
