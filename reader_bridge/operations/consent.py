"""Asking the person: for their consent, and for what only they know."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from reader_bridge.card.errors import (
    CardError,
    InvalidPinError,
    InvalidPukError,
    LastTryError,
    PinFormatError,
)
from reader_bridge.card.profiles.base import PinRules, TryCounter
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.operations.card_discovery import FoundCard
from reader_bridge.operations.context import Errand
from reader_bridge.operations.failures import failed, shown_name
from reader_bridge.prompter import Consent, PinFault, PinKind, PinRequest
from reader_bridge.protocol.failures import FailureCode
from reader_bridge.protocol.vocabulary import Step

MOST_ENTRIES = 10
"""Of one PIN in one operation, whatever card and person say."""

_T = TypeVar("_T")


async def allow_reading(errand: Errand) -> None:
    """Ask, before the first operation of a session, whether reading is wanted at all.

    :raises OperationFailedError: where it is not.
    """
    if errand.allowances.reading_allowed:
        return
    await errand.server.progress(Step.WAITING_FOR_LEAVE)
    request = Consent(errand.operation, errand.peer, errand.purpose, for_session=True)
    if not await errand.prompter.consent(request):
        raise failed(FailureCode.CONSENT_REFUSED)
    errand.allowances.reading_allowed = True


async def consent(errand: Errand, found: FoundCard) -> None:
    """Ask whether this very operation is wanted, on this card. Never skipped.

    :raises OperationFailedError: where it is not.
    """
    await errand.server.progress(Step.WAITING_FOR_PERSON)
    reader = shown_name(found.state.name)
    request = Consent(errand.operation, errand.peer, errand.purpose, reader, found.label)
    if not await errand.prompter.consent(request):
        raise failed(FailureCode.CONSENT_REFUSED)


async def new_pin(errand: Errand, found: FoundCard) -> SecretBuffer:
    """Ask for the new PIN, until it can be one.

    :raises OperationFailedError: where the person does not want to, or never gets it right.
    """
    rules = found.kind.pin_rules
    request = PinRequest(PinKind.NEW, errand.operation, found.label, rules)
    return await _typed(errand, request, rules)


async def with_secret(
    errand: Errand,
    found: FoundCard,
    kind: PinKind,
    counter: TryCounter | None,
    rules: PinRules,
    attempt: Callable[[SecretBuffer, bool], Awaitable[_T]],
) -> _T:
    """Ask for PIN or PUK, and attempt something with it; each attempt is typed anew.

    :param counter: of its tries, as they are.
    :param attempt: gets what was typed, and whether the last try may be spent.
    :raises OperationFailedError: where it does not come to the attempt, or that fails.
    """
    counter = counter or TryCounter(None)
    fault: PinFault | None = None
    for _ in range(MOST_ENTRIES):
        if counter.blocked:
            raise failed(_blocked(kind), tries_left=0)
        request = PinRequest(
            kind,
            errand.operation,
            found.label,
            rules,
            counter.remaining,
            counter.limit,
            fault,
            counter.last,
        )
        with await _typed(errand, request, rules) as secret:
            try:
                return await attempt(secret, counter.last)
            except (InvalidPinError, InvalidPukError) as error:
                counter, fault = TryCounter(error.attempts_remaining, counter.limit), PinFault.WRONG
            except LastTryError as error:
                counter = TryCounter(error.attempts_remaining, counter.limit)
            except CardError as error:
                raise errand.failure_of(error) from None
        if errand.calls.cancelled:
            break
        if fault is PinFault.WRONG:
            await errand.server.progress(Step.WRONG_PIN, counter.remaining)
    raise failed(_wrong(kind), tries_left=counter.remaining)


async def _typed(errand: Errand, request: PinRequest, rules: PinRules) -> SecretBuffer:
    for _ in range(MOST_ENTRIES):
        secret = await errand.prompter.ask_pin(request)
        if secret is None:
            raise _not_typed(request)
        try:
            rules.check(secret)
        except PinFormatError:
            secret.wipe()
            request = replace(request, fault=PinFault.FORMAT)
            continue
        return secret
    raise failed(FailureCode.PIN_FORMAT)


def _not_typed(request: PinRequest) -> Exception:
    if request.fault is PinFault.WRONG:
        return failed(_wrong(request.kind), tries_left=request.tries_left)
    return failed(FailureCode.PIN_NOT_ENTERED, tries_left=request.tries_left)


def _wrong(kind: PinKind) -> FailureCode:
    return FailureCode.PUK_WRONG if kind is PinKind.PUK else FailureCode.PIN_WRONG


def _blocked(kind: PinKind) -> FailureCode:
    return FailureCode.PUK_BLOCKED if kind is PinKind.PUK else FailureCode.PIN_BLOCKED
