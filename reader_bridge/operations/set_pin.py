"""`set_pin`: a new PIN with the issuer's consent, or by the PUK of a card that has one.

The PC never learns the issuer's key, and the server never the PIN. Once the new PIN was typed
there is no pause: what authenticates the administrator stays open only for that long.
"""

import asyncio
from collections.abc import Awaitable, Callable

from reader_bridge.card.errors import (
    AdminKeyRejectedError,
    CardError,
    MalformedResponseError,
)
from reader_bridge.card.profiles.base import AdminChallenge, CardProfile, Verb
from reader_bridge.card.profiles.gids import LEAST_ADMIN_TRIES
from reader_bridge.card.profiles.piv import PivProfile
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.operations.card_discovery import FoundCard, again, exclusively, find_card
from reader_bridge.operations.consent import allow_reading, consent, new_pin, with_secret
from reader_bridge.operations.context import Errand
from reader_bridge.operations.failures import failed
from reader_bridge.operations.prove import sign_receipt
from reader_bridge.prompter import PinKind, Working
from reader_bridge.protocol.failures import FailureCode
from reader_bridge.protocol.operations import Receipt, SetPin
from reader_bridge.protocol.vocabulary import Purpose


async def set_pin(errand: Errand, wanted: SetPin) -> Receipt:
    """Set a new PIN, and have the card sign that it was this one."""
    await allow_reading(errand)
    found = await find_card(errand, wanted.reader)
    found.require()
    set_it = _way(wanted, found)
    found.require(serial=wanted.card_serial)
    return await set_it(errand, wanted, found)


def _way(wanted: SetPin, found: FoundCard) -> Callable[..., Awaitable[Receipt]]:
    """Give how the PIN of this kind of card is set.

    :raises OperationFailedError: where it is not: of a MOICA card, only the official page does.
    """
    if Verb.SET_PIN_AS_ADMIN in found.status.verbs:
        return _as_administrator
    if Verb.UNLOCK_WITH_PUK in found.status.verbs and wanted.purpose is Purpose.UNLOCK:
        return _by_puk
    raise failed(FailureCode.OPERATION_REFUSED, profile=found.profile)


async def _by_puk(errand: Errand, wanted: SetPin, found: FoundCard) -> Receipt:
    await consent(errand, found)
    new = SecretBuffer()

    async def attempt(puk: SecretBuffer, accept_last_try: bool) -> Receipt:
        nonlocal new
        if not new:
            new = await new_pin(errand, found)

        def work() -> Receipt:
            with exclusively(errand.readers, errand.calls, found) as profile:
                profile.unlock_with_puk(puk, new, accept_last_try=accept_last_try)
                return _prove(errand, wanted, profile, new)

        return await errand.carry_out(work)

    try:
        return await with_secret(
            errand, found, PinKind.PUK, found.status.puk, PivProfile.puk_rules, attempt
        )
    finally:
        new.wipe()


async def _as_administrator(errand: Errand, wanted: SetPin, found: FoundCard) -> Receipt:
    _check_admin_tries(errand, found)
    await consent(errand, found)
    with await new_pin(errand, found) as new:
        errand.prompter.show(Working(errand.operation))
        try:
            profile = await _authenticate(errand, wanted, found)
            return await errand.calls.finish(lambda: _set(errand, wanted, profile, new))
        except CardError as error:
            raise errand.failure_of(error) from None


def _check_admin_tries(errand: Errand, found: FoundCard) -> None:
    """See that an administrator's authentication can be dared at all."""
    tries = found.status.admin.remaining if found.status.admin else None
    if errand.allowances.admin_rejected:
        raise failed(FailureCode.ADMIN_KEY_REJECTED, tries_left=tries)
    if tries is None or tries < LEAST_ADMIN_TRIES:
        raise failed(FailureCode.ADMIN_TRIES_LOW, tries_left=tries, tries_needed=LEAST_ADMIN_TRIES)


async def _authenticate(errand: Errand, wanted: SetPin, found: FoundCard) -> CardProfile:
    """Relay the administrator's mutual authentication; the connection stays open after it."""
    profile, challenge = await errand.calls.call(lambda: _begin(errand, wanted, found))
    cryptogram = await errand.server.cryptogram(wanted.card_serial, challenge.host, challenge.card)
    try:
        answer = await errand.calls.finish(
            lambda: profile.complete_admin_authentication(cryptogram)
        )
    except (AdminKeyRejectedError, MalformedResponseError):
        errand.allowances.admin_rejected = True
        raise
    if errand.calls.cancelled:
        raise asyncio.CancelledError
    if not await errand.server.is_genuine(answer):
        raise failed(FailureCode.CARD_NOT_GENUINE)
    return profile


def _begin(errand: Errand, wanted: SetPin, found: FoundCard) -> tuple[CardProfile, AdminChallenge]:
    readers, calls = errand.readers, errand.calls
    connection = calls.lend(readers.connect(found.state.name, exclusive=True))
    profile = again(readers, connection, found)
    if profile.status().serial != wanted.card_serial:
        raise failed(FailureCode.WRONG_CARD)
    return profile, profile.begin_admin_authentication()


def _set(errand: Errand, wanted: SetPin, profile: CardProfile, new: SecretBuffer) -> Receipt:
    profile.reset_retry_counter(new)
    receipt = _prove(errand, wanted, profile, new)
    errand.calls.give_back()
    return receipt


def _prove(errand: Errand, wanted: SetPin, profile: CardProfile, new: SecretBuffer) -> Receipt:
    """Sign the receipt. From here on the new PIN is set, whatever happens."""
    try:
        profile.verify_pin(new)
        return sign_receipt(
            profile, errand.origin, errand.operation, wanted.server_nonce, wanted.card_serial
        )
    except CardError:
        raise failed(FailureCode.PIN_SET_UNPROVED) from None
