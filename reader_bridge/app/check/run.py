"""What `kaika-bridge check` walks through: reader service, reader, card, its profile, the server.

A step whose ground is missing is skipped. Nothing here spends a try or sends a PIN. The words for
every code are in :mod:`check_words`.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reader_bridge.app.profile_texts import finding_code
from reader_bridge.app.translation import foreign, masked_number
from reader_bridge.card.certificate import validity_period
from reader_bridge.card.connection import CardReaders, ReaderState
from reader_bridge.card.errors import CardError, NoCardError
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardCapability, CardProfile, CardStatus
from reader_bridge.protocol.vocabulary import KeyRole, ProfileName

ROLES = (KeyRole.AUTHENTICATION, KeyRole.SIGNATURE)
"""Whose certificate is looked at, the first that is there."""


class Step(StrEnum):
    """The steps, in their order."""

    SERVICE = "service"
    READER = "reader"
    CARD = "card"
    PROFILE = "profile"
    SERVER = "server"


class Outcome(StrEnum):
    """How a step ended."""

    OK = "ok"
    ATTENTION = "attention"
    """Nothing is broken, but there is something to know before going on."""
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one step found.

    :ivar code: stable; the words for it are looked up by it.
    :ivar values: what the words need; of foreign text only what is safe to show.
    """

    step: Step
    outcome: Outcome
    code: str
    values: Mapping[str, str | int] = field(default_factory=dict)


def skipped(*steps: Step) -> list[Finding]:
    """Give the findings of steps that could not be taken."""
    return [Finding(step, Outcome.SKIPPED, "skipped") for step in steps]


async def check_reader_and_card(readers: Callable[[], CardReaders], now: datetime) -> list[Finding]:
    """Walk from the reader service to what the card says of itself."""
    return await asyncio.to_thread(_walk, readers, now)


def _walk(readers: Callable[[], CardReaders], now: datetime) -> list[Finding]:
    try:
        access = readers()
        states = access.list_readers()
    except CardError as error:
        failed = Finding(Step.SERVICE, Outcome.FAILED, error.code)
        return [failed, *skipped(Step.READER, Step.CARD, Step.PROFILE)]
    service = Finding(Step.SERVICE, Outcome.OK, "service_running")
    if not states:
        none = Finding(Step.READER, Outcome.FAILED, "no_reader")
        return [service, none, *skipped(Step.CARD, Step.PROFILE)]
    names = ", ".join(foreign(state.name) for state in states)
    found = Finding(Step.READER, Outcome.OK, "reader_found", {"readers": names})
    return [service, found, *_cards(access, states, now)]


def _cards(access: CardReaders, states: tuple[ReaderState, ...], now: datetime) -> list[Finding]:
    """Look at every card that is there; at the first empty reader where there is none."""
    with_card = [state for state in states if state.card_present]
    if not with_card:
        reader = foreign(states[0].name)
        empty = Finding(Step.CARD, Outcome.FAILED, NoCardError.code, {"reader": reader})
        return [empty, *skipped(Step.PROFILE)]
    return [finding for state in with_card for finding in _card(access, state.name, now)]


def _card(access: CardReaders, reader: str, now: datetime) -> list[Finding]:
    where = {"reader": foreign(reader)}
    try:
        connection = access.connect(reader)
    except CardError as error:
        failed = Finding(Step.CARD, Outcome.FAILED, error.code, where)
        return [failed, *skipped(Step.PROFILE)]
    answers = Finding(Step.CARD, Outcome.OK, "card_answers", where)
    with connection:
        try:
            return [answers, *_profile(identify(connection), now)]
        except CardError as error:
            return [answers, Finding(Step.PROFILE, Outcome.FAILED, error.code, where)]


def _profile(profile: CardProfile, now: datetime) -> list[Finding]:
    status = profile.status()
    values: dict[str, str | int] = {"profile": status.profile}
    if status.card_number:
        values["card_number"] = masked_number(status.card_number)
    code = finding_code(status.profile)
    if status.profile is ProfileName.UNKNOWN:
        return [Finding(Step.PROFILE, Outcome.FAILED, code, values)]
    outcome = Outcome.OK if CardCapability.VERIFY_PIN in status.capabilities else Outcome.ATTENTION
    first = Finding(Step.PROFILE, outcome, code, values)
    return [first, *_pin(status), *_certificate(profile, status, now)]


def _pin(status: CardStatus) -> list[Finding]:
    if status.pin is None or status.pin.verified:
        return []
    left = status.pin.remaining
    if status.pin.is_blocked:
        return [Finding(Step.PROFILE, Outcome.ATTENTION, "pin_blocked")]
    if left is None:
        return [Finding(Step.PROFILE, Outcome.OK, "pin_tries_unknown")]
    outcome = Outcome.ATTENTION if status.pin.is_last_try else Outcome.OK
    code = "pin_last_try" if status.pin.is_last_try else "pin_tries"
    return [Finding(Step.PROFILE, outcome, code, {"tries_left": left})]


def _certificate(profile: CardProfile, status: CardStatus, now: datetime) -> list[Finding]:
    role = next((role for role in ROLES if role in status.certificates), None)
    if role is None:
        return [Finding(Step.PROFILE, Outcome.ATTENTION, "certificate_missing")]
    validity = validity_period(profile.read_certificate(role))
    values = {"until": f"{validity.not_after:%Y-%m-%d}", "since": f"{validity.not_before:%Y-%m-%d}"}
    if validity.contains(now):
        return [Finding(Step.PROFILE, Outcome.OK, "certificate_valid", values)]
    early = now < validity.not_before
    code = "certificate_not_yet_valid" if early else "certificate_expired"
    return [Finding(Step.PROFILE, Outcome.ATTENTION, code, values)]
