"""`set_pin`: sets a new PIN with the issuer's consent, or with the PUK of a card that has one.

The PC never learns the issuer's key, and the server never learns the PIN. Once the new PIN was
typed there is no pause, so that the administrator's authentication stays open only that long.
"""

import asyncio
from collections.abc import Awaitable, Callable

from reader_bridge.card.errors import (
    AdminKeyRejectedError,
    CardError,
    MalformedResponseError,
)
from reader_bridge.card.profiles.base import CardCapability, CardProfile, MutualChallenge
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.operations.card_discovery import exclusive_access, find_card, reconnect
from reader_bridge.operations.consent import (
    NewPinEntry,
    ask_consent,
    ask_new_pin,
    attempt_with_secret,
    ensure_reading_allowed,
)
from reader_bridge.operations.context import OperationContext
from reader_bridge.operations.failures import operation_failure
from reader_bridge.operations.found_card import FoundCard
from reader_bridge.operations.prove_possession import sign_receipt
from reader_bridge.prompter import CardWorking, PinKind
from reader_bridge.protocol.enums import PinPurpose
from reader_bridge.protocol.failure_codes import FailureCode
from reader_bridge.protocol.operation_payloads import Receipt, SetPin


async def set_pin(context: OperationContext, parameters: SetPin) -> Receipt:
    """Set a new PIN, and have the card sign that it did."""
    await ensure_reading_allowed(context)
    card = await find_card(context, parameters.reader, serial=parameters.card_serial)
    card.require()
    set_it = _choose_method(parameters, card)
    card.require(serial=parameters.card_serial)
    return await set_it(context, parameters, card)


def _choose_method(parameters: SetPin, card: FoundCard) -> Callable[..., Awaitable[Receipt]]:
    """Return the method for this kind of card.

    :raises OperationFailedError: there is none: a MOICA card's PIN is set on the official page
        only.
    """
    if CardCapability.SET_PIN_AS_ADMIN in card.status.capabilities:
        return _set_as_administrator
    if (
        CardCapability.UNLOCK_WITH_PUK in card.status.capabilities
        and parameters.purpose is PinPurpose.UNLOCK
    ):
        return _set_with_puk
    raise operation_failure(FailureCode.OPERATION_REFUSED, profile=card.profile_name)


async def _set_with_puk(context: OperationContext, parameters: SetPin, card: FoundCard) -> Receipt:
    await ask_consent(context, card)
    with NewPinEntry(context, card) as entry:

        async def attempt(puk: SecretBuffer, accept_last_try: bool) -> Receipt:
            def work(new: SecretBuffer) -> Receipt:
                with exclusive_access(context.readers, context.card_calls, card) as profile:
                    profile.unlock_with_puk(puk, new, accept_last_try=accept_last_try)
                    return _sign_receipt(context, parameters, profile, new)

            return await entry.set(work)

        return await attempt_with_secret(
            context, card, PinKind.PUK, card.status.puk, card.profile.puk_entry_rules, attempt
        )


async def _set_as_administrator(
    context: OperationContext, parameters: SetPin, card: FoundCard
) -> Receipt:
    _check_admin_tries(context, card)
    await ask_consent(context, card)
    with await ask_new_pin(context, card) as new:
        context.prompter.show(CardWorking(context.operation))
        try:
            profile = await _authenticate(context, parameters, card)
            return await context.card_calls.call_to_end(
                lambda: _reset_pin(context, parameters, profile, new)
            )
        except CardError as error:
            raise context.failure_for(error) from None


def _check_admin_tries(context: OperationContext, card: FoundCard) -> None:
    """Check that the administrator's authentication may be attempted."""
    tries = card.status.admin.remaining if card.status.admin else None
    if context.session.admin_rejected:
        raise operation_failure(FailureCode.ADMIN_KEY_REJECTED, tries_left=tries)
    needed = card.profile.min_admin_tries
    if tries is None or tries < needed:
        raise operation_failure(FailureCode.ADMIN_TRIES_LOW, tries_left=tries, tries_needed=needed)


async def _authenticate(
    context: OperationContext, parameters: SetPin, card: FoundCard
) -> CardProfile:
    """Relay the administrator's mutual authentication. The connection stays open afterwards."""
    profile, challenge = await context.card_calls.call(
        lambda: _begin_authentication(context, parameters, card)
    )
    cryptogram = await context.server.request_cryptogram(
        parameters.card_serial, challenge.host, challenge.card
    )
    try:
        answer = await context.card_calls.call_to_end(
            lambda: profile.complete_admin_authentication(cryptogram)
        )
    except (AdminKeyRejectedError, MalformedResponseError):
        context.session.admin_rejected = True
        raise
    if context.card_calls.is_stopped:
        raise asyncio.CancelledError
    if not await context.server.verify_card_answer(answer):
        raise operation_failure(FailureCode.CARD_NOT_GENUINE)
    return profile


def _begin_authentication(
    context: OperationContext, parameters: SetPin, card: FoundCard
) -> tuple[CardProfile, MutualChallenge]:
    readers, calls = context.readers, context.card_calls
    connection = calls.make_stoppable(readers.connect(card.reader_state.name, exclusive=True))
    profile = reconnect(readers, connection, card)
    if profile.status().serial != parameters.card_serial:
        raise operation_failure(FailureCode.WRONG_CARD)
    return profile, profile.begin_admin_authentication()


def _reset_pin(
    context: OperationContext, parameters: SetPin, profile: CardProfile, new: SecretBuffer
) -> Receipt:
    profile.reset_retry_counter(new)
    receipt = _sign_receipt(context, parameters, profile, new)
    context.card_calls.release_card()
    return receipt


def _sign_receipt(
    context: OperationContext, parameters: SetPin, profile: CardProfile, new: SecretBuffer
) -> Receipt:
    """Sign the receipt. From here on the new PIN is set, whatever happens."""
    try:
        profile.verify_pin(new)
        return sign_receipt(
            profile,
            context.origin,
            context.operation,
            parameters.server_nonce,
            parameters.card_serial,
        )
    except CardError:
        raise operation_failure(FailureCode.PIN_SET_UNPROVED) from None
