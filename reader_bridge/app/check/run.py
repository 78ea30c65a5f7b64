"""The steps of `kaika-bridge check`: reader service, reader, card, what is on it, server.

A step is skipped where the one before it failed. Nothing here spends a try or sends a PIN. The
texts for the codes are in :mod:`reader_bridge.app.check.texts`.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reader_bridge.app.translation import mask_card_number
from reader_bridge.card.certificate import validity_period
from reader_bridge.card.connection import CardReaders, ReaderState, readable_name
from reader_bridge.card.errors import CardError, NoCardError, UnexpectedPcscError
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardCapability, CardProfile, CardStatus
from reader_bridge.protocol.enums import KeyRole, ProfileName

CHECKED_ROLES = (KeyRole.AUTHENTICATION, KeyRole.SIGNATURE)
"""Whose certificate is checked: the first one that the card has."""


class CheckStep(StrEnum):
    """The steps, in their order."""

    SERVICE = "service"
    READER = "reader"
    CARD = "card"
    PROFILE = "profile"
    SERVER = "server"


class CheckOutcome(StrEnum):
    """How a step ended."""

    OK = "ok"
    ATTENTION = "attention"
    """Nothing is broken, but there is something to know before going on."""
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a step found.

    :ivar code: stable; its text is looked up by it.
    :ivar values: for the placeholders of the text; foreign text is sanitised.
    """

    step: CheckStep
    outcome: CheckOutcome
    code: str
    values: Mapping[str, str | int] = field(default_factory=dict)


def skip_steps(*steps: CheckStep) -> list[Finding]:
    """Return the findings of steps that were skipped."""
    return [Finding(step, CheckOutcome.SKIPPED, "skipped") for step in steps]


async def check_reader_and_card(readers: Callable[[], CardReaders], now: datetime) -> list[Finding]:
    """Run the steps from the reader service to what the card says of itself."""
    return await asyncio.to_thread(_check_service, readers, now)


def _check_service(readers: Callable[[], CardReaders], now: datetime) -> list[Finding]:
    try:
        access = readers()
        states = access.list_readers()
    except CardError as error:
        failed = _failed_finding(CheckStep.SERVICE, error)
        return [failed, *skip_steps(CheckStep.READER, CheckStep.CARD, CheckStep.PROFILE)]
    service = Finding(CheckStep.SERVICE, CheckOutcome.OK, "service_running")
    if not states:
        none = Finding(CheckStep.READER, CheckOutcome.FAILED, "no_reader")
        return [service, none, *skip_steps(CheckStep.CARD, CheckStep.PROFILE)]
    names = ", ".join(readable_name(state.name) for state in states)
    found = Finding(CheckStep.READER, CheckOutcome.OK, "reader_found", {"readers": names})
    return [service, found, *_check_cards(access, states, now)]


def _check_cards(
    access: CardReaders, states: tuple[ReaderState, ...], now: datetime
) -> list[Finding]:
    """Check every card that is there; without one, report the first empty reader."""
    with_card = [state for state in states if state.card_present]
    if not with_card:
        reader = readable_name(states[0].name)
        empty = Finding(CheckStep.CARD, CheckOutcome.FAILED, NoCardError.code, {"reader": reader})
        return [empty, *skip_steps(CheckStep.PROFILE)]
    return [finding for state in with_card for finding in _check_card(access, state.name, now)]


def _check_card(access: CardReaders, reader: str, now: datetime) -> list[Finding]:
    where = {"reader": readable_name(reader)}
    try:
        connection = access.connect(reader)
    except CardError as error:
        failed = _failed_finding(CheckStep.CARD, error, reader)
        return [failed, *skip_steps(CheckStep.PROFILE)]
    answers = Finding(CheckStep.CARD, CheckOutcome.OK, "card_answers", where)
    with connection:
        try:
            return [answers, *_check_profile(identify(connection), now)]
        except CardError as error:
            return [answers, _failed_finding(CheckStep.PROFILE, error, reader)]


def _failed_finding(step: CheckStep, error: CardError, reader: str = "") -> Finding:
    values = {"reader": readable_name(reader)}
    if isinstance(error, UnexpectedPcscError):
        values["result"] = f"0x{error.result:08X}"
    return Finding(step, CheckOutcome.FAILED, error.code, values)


def _check_profile(profile: CardProfile, now: datetime) -> list[Finding]:
    status = profile.status()
    values: dict[str, str | int] = {"profile": status.profile}
    if status.card_number:
        values["card_number"] = mask_card_number(status.card_number)
    code = finding_code(status.profile)
    if status.profile is ProfileName.UNKNOWN:
        return [Finding(CheckStep.PROFILE, CheckOutcome.FAILED, code, values)]
    outcome = (
        CheckOutcome.OK
        if CardCapability.VERIFY_PIN in status.capabilities
        else CheckOutcome.ATTENTION
    )
    first = Finding(CheckStep.PROFILE, outcome, code, values)
    return [first, *_check_pin(status), *_check_certificate(profile, status, now)]


def finding_code(profile: ProfileName) -> str:
    """Return the stable code of the finding that a card is of this kind."""
    return "card_unknown" if profile is ProfileName.UNKNOWN else f"card_is_{profile}"


def _check_pin(status: CardStatus) -> list[Finding]:
    if status.pin is None or status.pin.verified:
        return []
    left = status.pin.remaining
    if status.pin.is_blocked:
        return [Finding(CheckStep.PROFILE, CheckOutcome.ATTENTION, "pin_blocked")]
    if left is None:
        return [Finding(CheckStep.PROFILE, CheckOutcome.OK, "pin_tries_unknown")]
    outcome = CheckOutcome.ATTENTION if status.pin.is_last_try else CheckOutcome.OK
    code = "pin_last_try" if status.pin.is_last_try else "pin_tries"
    return [Finding(CheckStep.PROFILE, outcome, code, {"tries_left": left})]


def _check_certificate(profile: CardProfile, status: CardStatus, now: datetime) -> list[Finding]:
    role = next((role for role in CHECKED_ROLES if role in status.certificates), None)
    if role is None:
        return [Finding(CheckStep.PROFILE, CheckOutcome.ATTENTION, "certificate_missing")]
    validity = validity_period(profile.read_certificate(role))
    values = {"until": f"{validity.not_after:%Y-%m-%d}", "since": f"{validity.not_before:%Y-%m-%d}"}
    if validity.contains(now):
        return [Finding(CheckStep.PROFILE, CheckOutcome.OK, "certificate_valid", values)]
    early = now < validity.not_before
    code = "certificate_not_yet_valid" if early else "certificate_expired"
    return [Finding(CheckStep.PROFILE, CheckOutcome.ATTENTION, code, values)]
