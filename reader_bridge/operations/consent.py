"""Questions to the person: their consent, and the PIN or PUK."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Self, TypeVar

from reader_bridge.card.connection import readable_name
from reader_bridge.card.errors import (
    CardError,
    InvalidPinError,
    InvalidPukError,
    LastTryError,
    NewPinRefusedError,
    PinFormatError,
)
from reader_bridge.card.profiles.base import PinRules, TryCounter
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.operations.context import OperationContext
from reader_bridge.operations.failures import operation_failure
from reader_bridge.operations.found_card import FoundCard, RecognisedCard
from reader_bridge.prompter import (
    CardChoice,
    CardOption,
    ConsentRequest,
    PinFault,
    PinKind,
    PinRequest,
)
from reader_bridge.protocol.enums import ProgressStep
from reader_bridge.protocol.failure_codes import FailureCode

MAX_ENTRIES = 10
"""Entries of one PIN in one operation, whatever card and person answer."""

_T = TypeVar("_T")


async def ensure_reading_allowed(context: OperationContext) -> None:
    """Ask, before the first operation of a session, whether cards may be read at all.

    :raises OperationFailedError: the person refused.
    """
    if context.session.reading_allowed:
        return
    await context.server.report_progress(ProgressStep.WAITING_FOR_LEAVE)
    request = ConsentRequest(context.operation, context.peer, context.purpose, for_session=True)
    await _require_consent(context, request)
    context.session.reading_allowed = True


async def ask_consent(context: OperationContext, card: FoundCard) -> None:
    """Ask whether this operation is wanted on this card. Never skipped.

    :raises OperationFailedError: the person refused.
    """
    await context.server.report_progress(ProgressStep.WAITING_FOR_PERSON)
    reader = readable_name(card.reader_state.name)
    request = ConsentRequest(context.operation, context.peer, context.purpose, reader, card.label)
    await _require_consent(context, request)


async def choose_card(
    context: OperationContext, cards: tuple[RecognisedCard, ...]
) -> RecognisedCard:
    """Ask which of several cards is meant.

    :raises OperationFailedError: the person chose none.
    """
    await context.server.report_progress(ProgressStep.WAITING_FOR_PERSON)
    context.ensure_not_stopped()
    options = tuple(CardOption(readable_name(each.state.name), each.label) for each in cards)
    choice = CardChoice(context.operation, context.peer, options)
    chosen = await context.prompter.choose_card(choice)
    if chosen is None:
        raise operation_failure(FailureCode.SEVERAL_CARDS)
    return cards[chosen]


async def _require_consent(context: OperationContext, request: ConsentRequest) -> None:
    context.ensure_not_stopped()
    if not await context.prompter.ask_consent(request):
        raise operation_failure(FailureCode.CONSENT_REFUSED)


async def ask_new_pin(
    context: OperationContext, card: FoundCard, fault: PinFault | None = None
) -> SecretBuffer:
    """Ask for the new PIN until it has a valid form.

    :param fault: what was wrong with the one before.
    :raises OperationFailedError: the person gave up, or never typed a valid one.
    """
    rules = card.profile.new_pin_rules
    request = PinRequest(PinKind.NEW, context.operation, card.label, rules, fault=fault)
    return await _ask_valid_secret(context, request, rules)


class NewPinEntry:
    """A new PIN that is typed when it is needed first, and again where the card refuses it.

    A context manager that overwrites it at the end.
    """

    def __init__(self, context: OperationContext, card: FoundCard) -> None:
        self._context, self._card = context, card
        self._pin: SecretBuffer | None = None
        self._fault: PinFault | None = None

    @property
    def is_typed(self) -> bool:
        """Whether a new PIN was typed that the card has not refused."""
        return self._pin is not None

    async def set(self, work: Callable[[SecretBuffer], _T]) -> _T:
        """Run the work that sets it.

        :raises NewPinRefusedError: the card refuses it; the next time another one is asked for.
        """
        if self._pin is None:
            self._pin = await ask_new_pin(self._context, self._card, self._fault)
        new = self._pin
        try:
            return await self._context.run_pin_work(lambda: work(new))
        except NewPinRefusedError:
            self._wipe()
            self._fault = PinFault.WRONG
            raise

    def _wipe(self) -> None:
        if self._pin is not None:
            self._pin.wipe()
            self._pin = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._wipe()


async def attempt_with_secret(
    context: OperationContext,
    card: FoundCard,
    kind: PinKind,
    counter: TryCounter | None,
    rules: PinRules,
    attempt: Callable[[SecretBuffer, bool], Awaitable[_T]],
) -> _T:
    """Ask for PIN or PUK and attempt an action with it. Each attempt is typed again.

    Where the card refuses the new PIN, another one can be chosen.

    :param counter: the tries that are left.
    :param attempt: takes what was typed, and whether the last try may be spent.
    :raises OperationFailedError: nothing was typed, or the last attempt failed.
    """
    counter = counter or TryCounter(None)
    fault: PinFault | None = None
    failed = kind
    for _ in range(MAX_ENTRIES):
        if counter.is_blocked:
            raise operation_failure(_blocked_code(kind), tries_left=0)
        request = PinRequest(
            kind,
            context.operation,
            card.label,
            rules,
            counter.remaining,
            counter.limit,
            fault,
            counter.is_last_try,
        )
        with await _ask_valid_secret(context, request, rules) as secret:
            try:
                return await attempt(secret, counter.is_last_try)
            except (InvalidPinError, InvalidPukError) as error:
                counter, fault = TryCounter(error.attempts_remaining, counter.limit), PinFault.WRONG
                failed = kind
            except NewPinRefusedError:
                failed, fault = PinKind.NEW, None
            except LastTryError as error:
                counter = TryCounter(error.attempts_remaining, counter.limit)
            except CardError as error:
                raise context.failure_for(error) from None
        if context.card_calls.is_stopped:
            break
        if fault is PinFault.WRONG:
            await context.server.report_progress(ProgressStep.WRONG_PIN, counter.remaining)
        else:
            await context.server.report_progress(ProgressStep.WAITING_FOR_PERSON)
    raise operation_failure(_WRONG_CODES[failed], tries_left=counter.remaining)


async def _ask_valid_secret(
    context: OperationContext, request: PinRequest, rules: PinRules
) -> SecretBuffer:
    for _ in range(MAX_ENTRIES):
        context.ensure_not_stopped()
        secret = await context.prompter.ask_pin(request)
        if secret is None:
            raise _no_entry_failure(request)
        try:
            rules.check(secret)
        except PinFormatError:
            secret.wipe()
            request = replace(request, fault=PinFault.FORMAT)
            continue
        return secret
    raise operation_failure(FailureCode.PIN_FORMAT)


def _no_entry_failure(request: PinRequest) -> Exception:
    if request.fault is PinFault.WRONG:
        return operation_failure(_WRONG_CODES[request.kind], tries_left=request.tries_left)
    return operation_failure(FailureCode.PIN_NOT_ENTERED, tries_left=request.tries_left)


_WRONG_CODES = {
    PinKind.CURRENT: FailureCode.PIN_WRONG,
    PinKind.NEW: FailureCode.PIN_NOT_ACCEPTED,
    PinKind.PUK: FailureCode.PUK_WRONG,
}


def _blocked_code(kind: PinKind) -> FailureCode:
    return FailureCode.PUK_BLOCKED if kind is PinKind.PUK else FailureCode.PIN_BLOCKED
