"""Every card profile has its place in recognition, operations, texts and documents."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from rich.console import Console

import locales
from handlers.conversations.card_check.online import REPORT, report_text
from handlers.engine.model import StepContext
from locales.card_profiles import CARD_PROFILE_TEXTS
from reader_bridge.app import notice_texts, prompt_texts
from reader_bridge.app.check import report, texts
from reader_bridge.app.check.run import CheckStep, check_reader_and_card, finding_code
from reader_bridge.card.profiles import PROFILES
from reader_bridge.prompter import CardLabel, ConsentRequest, OperationNotDone, PinKind
from reader_bridge.protocol import ProfileName
from reader_bridge.protocol.operation_messages import OperationFailure, OperationResult
from reader_bridge.protocol.operation_payloads import (
    CardReport,
    Parameters,
    ReadCardStatus,
    operation_of,
)
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import InsertableCard, VirtualReader
from tests.reader_bridge.card.card_issuer import NOW, CardTestAuthority
from tests.reader_bridge.card.fake_cards import MoicaCard, PivCard, UnknownCard
from tests.reader_bridge.operation_samples import ALL_OPERATIONS, NEW_PIN
from tests.reader_bridge.operations.operation_harness import PEER, OperationHarness

DOCS = Path(__file__).parents[2] / "docs"
CARDS: dict[ProfileName, Callable[[CardTestAuthority, VirtualCard], InsertableCard]] = {
    ProfileName.GIDS: lambda _, card: card,
    ProfileName.PIV: lambda issuer, _: PivCard(
        issuer.keys["authentication"], issuer.certify("authentication")
    ),
    ProfileName.MOICA: lambda issuer, _: MoicaCard(
        issuer.certify("encryption"), issuer.certify("signature")
    ),
    ProfileName.UNKNOWN: lambda *_: UnknownCard(),
}
each_profile = pytest.mark.parametrize("name", list(ProfileName))


def test_every_profile_is_recognised_by_a_class_of_its_own() -> None:
    assert [profile.name for profile in PROFILES] == list(ProfileName)


def test_every_profile_has_a_card_to_test_with_and_its_texts() -> None:
    assert set(CARDS) == set(CARD_PROFILE_TEXTS) == set(ProfileName)


@each_profile
@pytest.mark.parametrize("parameters", ALL_OPERATIONS)
async def test_every_operation_ends_on_every_kind_of_card(
    issuer: CardTestAuthority, card: VirtualCard, name: ProfileName, parameters: Parameters
) -> None:
    entries = {kind: [b"first123", NEW_PIN] for kind in PinKind}
    room = OperationHarness(VirtualReader(CARDS[name](issuer, card)), entries)  # type: ignore[arg-type]
    end = await room.run(parameters)
    assert isinstance(end, OperationResult | OperationFailure)
    if isinstance(end, OperationFailure):
        event = OperationNotDone(operation_of(parameters), end.code, end.values)
        for language in locales.LANGUAGES:
            assert notice_texts.describe_event(event, language, PEER.host).text
    report_of_card = await OperationHarness(room.readers).run(ReadCardStatus())
    assert isinstance(report_of_card, OperationResult)
    assert isinstance(report_of_card.value, CardReport)
    assert report_of_card.value.profile is name


@each_profile
@pytest.mark.parametrize("language", locales.LANGUAGES)
async def test_the_check_the_questions_and_the_chat_name_every_kind_of_card(
    issuer: CardTestAuthority, card: VirtualCard, name: ProfileName, language: str
) -> None:
    reader = VirtualReader(CARDS[name](issuer, card))
    findings = await check_reader_and_card(lambda: reader, NOW)
    (finding,) = (each for each in findings if each.code == finding_code(name))
    assert finding.step is CheckStep.PROFILE
    printed = io.StringIO()
    report.print_report(findings, language, Console(file=printed, width=500))
    assert texts.finding_text(finding, language) in printed.getvalue()
    request = ConsentRequest(operation_of(ALL_OPERATIONS[2]), PEER, card=CardLabel(name))
    page = prompt_texts.consent_page(request, language)
    findings_in_chat = {"reader": "R", "profile": name, "number": None, "pin": None}
    context = cast(
        StepContext,
        SimpleNamespace(language=language, now=NOW, data={REPORT: json.dumps(findings_in_chat)}),
    )
    in_chat = locales.translate(CARD_PROFILE_TEXTS[name].in_chat, language, "bridge")
    assert in_chat in report_text(context)
    assert locales.translate(CARD_PROFILE_TEXTS[name].name, language, "bridge") in {
        fact.value for fact in page.facts
    }


@each_profile
def test_the_page_of_the_protocol_lists_every_profile(name: ProfileName) -> None:
    assert f"| `{name}` |" in (DOCS / "bridge-protocol.md").read_text()
