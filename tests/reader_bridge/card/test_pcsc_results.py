"""Every result code of PC/SC and of Windows, from every function: what is made of it and said."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import locales
from handlers.card.operation_texts import failure_text
from reader_bridge.app.check.run import CheckOutcome, check_reader_and_card
from reader_bridge.app.check.texts import finding_text, remedy_text
from reader_bridge.app.notice_texts import describe_event
from reader_bridge.card.errors import CardRemovedError, UnexpectedPcscError
from reader_bridge.card.pcsc import PcscReaders
from reader_bridge.card.pcsc_results import MEANINGS, PcscResult, error_for
from reader_bridge.prompter import OperationNotDone
from reader_bridge.protocol.enums import Operation
from reader_bridge.protocol.failure_codes import FailureCode
from reader_bridge.protocol.messages import encode_frame
from reader_bridge.protocol.operation_messages import OperationFailure
from reader_bridge.protocol.operation_payloads import ChangePin
from reader_bridge.virtual_card.card import VirtualCard
from tests.reader_bridge.card.fake_pcsc import FUNCTIONS, EndingPcsc, FakePcsc
from tests.reader_bridge.operation_samples import TYPED_SECRETS
from tests.reader_bridge.operations.operation_harness import OperationHarness

HEADER = Path("/usr/include/PCSC/pcsclite.h")
UNKNOWN_CODES = (0x80100099, 0x80070057, 0xC0000022, 1, 0xFFFFFFFF)
FAILING = [result for result in PcscResult if result is not PcscResult.SUCCESS]
WAITS_FOR_READER = {("list_readers", PcscResult.NO_READERS_AVAILABLE)}
"""Not a failure."""
NOW = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.mark.skipif(not HEADER.exists(), reason="libpcsclite-dev is not installed")
def test_every_code_of_pcsc_lite_is_known() -> None:
    defined = re.findall(
        r"#define SCARD_[EWFPS]_\w+\s+\(\(LONG\)(0x[0-9A-F]+)\)", HEADER.read_text()
    )
    assert len(defined) > 55
    assert {int(code, 16) for code in defined} <= {int(result) for result in PcscResult}


def test_a_removed_card_alone_is_called_removed() -> None:
    removed = [result for result in FAILING if isinstance(error_for(result), CardRemovedError)]
    assert removed == [PcscResult.REMOVED_CARD]


@pytest.mark.parametrize("code", [*set(FAILING) - set(MEANINGS), *UNKNOWN_CODES])
def test_a_code_without_a_meaning_is_told_as_it_is(code: int) -> None:
    error = error_for(code)
    assert isinstance(error, UnexpectedPcscError)
    assert error.result == code


def test_windows_codes_are_known_in_both_forms() -> None:
    assert type(error_for(0x80070005)) is type(error_for(5))
    assert type(error_for(5)) is type(error_for(PcscResult.SECURITY_VIOLATION))


def failures() -> Iterator[tuple[str, int]]:
    for function in FUNCTIONS:
        for result in (*FAILING, *UNKNOWN_CODES):
            yield function, int(result)


async def test_the_check_names_every_failure_and_what_to_do(card: VirtualCard) -> None:
    for function, result in failures():
        pcsc = FakePcsc(card, function, result)
        findings = await check_reader_and_card(
            lambda pcsc=pcsc: PcscReaders(0, functions=pcsc),  # type: ignore[misc]
            NOW,
        )
        failed = [finding for finding in findings if finding.outcome is CheckOutcome.FAILED]
        assert failed or function == "reconnect", (function, hex(result))
        for finding in failed:
            for language in locales.LANGUAGES:
                assert finding_text(finding, language)
                for platform in ("linux", "win32", "darwin"):
                    assert remedy_text(finding, language, platform)


async def test_every_failure_of_an_operation_is_told_at_both_ends(card: VirtualCard) -> None:
    told = set()
    for function, result in failures():
        if (function, result) in WAITS_FOR_READER:
            continue
        readers = PcscReaders(0, functions=FakePcsc(card, function, result))
        harness = OperationHarness(readers, dict(TYPED_SECRETS))  # type: ignore[arg-type]
        end = await harness.run(ChangePin())
        assert isinstance(end, OperationFailure), (function, hex(result))
        assert encode_frame(end)
        told.add(end.code)
        is_unexpected = isinstance(error_for(result), UnexpectedPcscError)
        if end.code is FailureCode.PCSC_UNEXPECTED:
            assert end.values.pcsc_result == f"0x{result:08X}"
        assert (end.code is FailureCode.PCSC_UNEXPECTED) is is_unexpected
        for language in locales.LANGUAGES:
            event = OperationNotDone(Operation.CHANGE_PIN, end.code, end.values)
            notice = describe_event(event, language, "kaika.example")
            assert notice.advice
            assert not is_unexpected or f"0x{result:08X}" in notice.text
            assert failure_text(language, end.code, None)
    assert FailureCode.INTERNAL_ERROR not in told
    assert {FailureCode.READER_ACCESS_DENIED, FailureCode.CARD_CONTACT_LOST} <= told


@pytest.mark.parametrize("function", FUNCTIONS)
async def test_a_service_that_ends_is_not_called_denied_access(
    card: VirtualCard, function: str
) -> None:
    readers = PcscReaders(0, functions=EndingPcsc(card, function))
    end = await OperationHarness(readers, dict(TYPED_SECRETS)).run(ChangePin())  # type: ignore[arg-type]
    assert isinstance(end, OperationFailure)
    assert end.code is FailureCode.READER_SERVICE_STOPPED
