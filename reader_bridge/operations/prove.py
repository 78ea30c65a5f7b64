"""`prove_possession`: the statement of possession, signed by the card, after the person's PIN."""

import os

from reader_bridge.card.profiles.base import CardProfile, Verb
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.operations.card_discovery import exclusively, find_card
from reader_bridge.operations.consent import allow_reading, consent, with_secret
from reader_bridge.operations.context import Errand
from reader_bridge.operations.failures import failed
from reader_bridge.prompter import PinKind
from reader_bridge.protocol.failures import FailureCode
from reader_bridge.protocol.limits import NONCE_BYTES
from reader_bridge.protocol.operations import ProvePossession, Receipt
from reader_bridge.protocol.statement import possession_statement
from reader_bridge.protocol.vocabulary import Operation, SignatureAlgorithm


async def prove_possession(errand: Errand, wanted: ProvePossession) -> Receipt:
    """Have the card sign that it is here, for this server, now."""
    await allow_reading(errand)
    found = await find_card(errand, wanted.reader)
    found.require(Verb.SIGN, serial=wanted.card_serial)
    serial = required_serial(found.serial)
    await consent(errand, found)

    async def attempt(pin: SecretBuffer, accept_last_try: bool) -> Receipt:
        def work() -> Receipt:
            with exclusively(errand.readers, errand.calls, found) as profile:
                profile.verify_pin(pin, accept_last_try=accept_last_try)
                return sign_receipt(
                    profile, errand.origin, errand.operation, wanted.server_nonce, serial
                )

        return await errand.carry_out(work)

    return await with_secret(
        errand, found, PinKind.CURRENT, found.status.pin, found.kind.entry_rules, attempt
    )


def required_serial(serial: str | None) -> str:
    """Give a card's serial, without which nothing can be proved of it.

    :raises OperationFailedError: where it has none, and no certificate to make one of.
    """
    if serial is None:
        raise failed(FailureCode.CERTIFICATE_MISSING)
    return serial


def sign_receipt(
    profile: CardProfile, origin: str, operation: Operation, server_nonce: bytes, serial: str
) -> Receipt:
    """Have a card whose PIN was verified sign the statement; nothing else is ever signed.

    Half of what makes it fresh is drawn here, so that no server can choose what is signed.
    """
    bridge_nonce = os.urandom(NONCE_BYTES)
    statement = possession_statement(
        origin, operation, server_nonce=server_nonce, bridge_nonce=bridge_nonce, card_serial=serial
    )
    signature = profile.sign(statement)
    return Receipt(
        card_serial=serial,
        bridge_nonce=bridge_nonce,
        algorithm=SignatureAlgorithm(signature.algorithm.value),
        signature=signature.value,
        certificate=profile.read_certificate(),
    )
