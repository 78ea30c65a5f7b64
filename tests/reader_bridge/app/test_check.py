"""`kaika-bridge check`: against nothing, a virtual card, and a real reader service."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import locales
from reader_bridge.app.check import texts
from reader_bridge.app.check.run import CheckOutcome, CheckStep, Finding, check_reader_and_card
from reader_bridge.card import errors
from reader_bridge.card.connection import CardReaders, ReaderState
from reader_bridge.card.errors import CardError, PcscMissingError, ReaderServiceError
from reader_bridge.card.pcsc import PcscReaders
from reader_bridge.card.profiles import identify
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import READER_NAME, InsertableCard, VirtualReader
from tests.reader_bridge.app.terminal_user import clean_environment
from tests.reader_bridge.card.card_issuer import CARD_NUMBER, NOW, CardTestAuthority
from tests.reader_bridge.card.fake_cards import PIN_INSTRUCTIONS, MoicaCard, RecordingCard
from tests.reader_bridge.card.pcsc_sandbox import READER, PcscSandbox
from tests.reader_bridge.card.snapshot_recorder import SnapshotRecorder, has_card
from tests.reader_bridge.virtual_card.vpcd import VpcdReader


class BrokenReaders:
    """Readers that fail in one way."""

    def __init__(self, listing: CardError | None = None, connecting: CardError | None = None):
        self._listing, self._connecting = listing, connecting

    def list_readers(self) -> tuple[ReaderState, ...]:
        if self._listing:
            raise self._listing
        return (ReaderState("Reader\x1b[2J", card_present=True),) if self._connecting else ()

    def connect(self, reader: str, *, exclusive: bool = False) -> object:
        assert self._connecting
        raise self._connecting


async def walk(readers: object, now: datetime = NOW) -> dict[str, Finding]:
    findings = await check_reader_and_card(lambda: readers, now)  # type: ignore[arg-type,return-value]
    assert [finding.step for finding in findings] == sorted(
        (finding.step for finding in findings), key=list(CheckStep).index
    )
    return {finding.code: finding for finding in findings}


def wrong_pins(reader: VirtualReader, count: int) -> None:
    with reader.connect(READER_NAME, exclusive=True) as connection:
        for _ in range(count):
            with pytest.raises(CardError):
                identify(connection).verify_pin(SecretBuffer(b"wrong111"), accept_last_try=True)


async def test_a_good_card_is_good_and_no_try_is_spent(card: VirtualCard) -> None:
    recorded = RecordingCard(card)
    found = await walk(VirtualReader(recorded))
    assert list(found) == [
        "service_running",
        "reader_found",
        "card_answers",
        "card_is_gids",
        "pin_tries",
        "certificate_valid",
    ]
    assert all(finding.outcome is CheckOutcome.OK for finding in found.values())
    assert found["pin_tries"].values == {"tries_left": 3}
    assert found["card_is_gids"].values["card_number"] == "GP****3456"
    assert CARD_NUMBER not in repr(found)
    assert not PIN_INSTRUCTIONS & set(recorded.instructions)


@pytest.mark.parametrize(
    ("wrong", "code"), [(1, "pin_tries"), (2, "pin_last_try"), (3, "pin_blocked")]
)
async def test_the_tries_that_are_left_are_told(
    reader: VirtualReader, wrong: int, code: str
) -> None:
    wrong_pins(reader, wrong)
    assert code in await walk(reader)


async def test_a_card_without_a_pin_is_told_as_not_activated(
    new_card: Callable[..., VirtualCard],
) -> None:
    found = await walk(VirtualReader(new_card(None)))
    assert "not yet activated" in texts.finding_text(found["pin_blocked"], "en")
    assert "activate it" in str(texts.remedy_text(found["pin_blocked"], "en"))


@pytest.mark.parametrize(
    ("days", "code"), [(-400, "certificate_not_yet_valid"), (3000, "certificate_expired")]
)
async def test_a_certificate_out_of_its_time_is_told(
    reader: VirtualReader, days: int, code: str
) -> None:
    assert code in await walk(reader, NOW + timedelta(days=days))


async def test_a_real_moica_card_is_recognised_and_left_alone(issuer: CardTestAuthority) -> None:
    card = MoicaCard(signature=issuer.certify("signature"))
    found = await walk(VirtualReader(card))
    finding = found["card_is_moica"]
    assert finding.outcome is CheckOutcome.ATTENTION
    assert "moica.nat.gov.tw" in str(texts.remedy_text(finding, "en"))
    assert not PIN_INSTRUCTIONS & {command[1] for command in card.commands}


async def test_an_unknown_card_is_named_so() -> None:
    class Mute:
        atr = bytes.fromhex("3b00")

        def power_on(self) -> None: ...
        def power_off(self) -> None: ...
        def reset(self) -> None: ...
        def transmit(self, apdu: bytes | bytearray) -> bytes:
            return b"\x6d\x00"

    card: InsertableCard = Mute()
    found = await walk(VirtualReader(card))
    assert found["card_unknown"].outcome is CheckOutcome.FAILED


async def test_without_a_card_the_profile_is_skipped() -> None:
    found = await walk(VirtualReader())
    assert found["no_card"].values == {"reader": READER_NAME}
    assert found["skipped"].step is CheckStep.PROFILE


async def test_without_a_reader_the_card_is_skipped() -> None:
    assert (await walk(BrokenReaders()))["no_reader"].outcome is CheckOutcome.FAILED


@pytest.mark.parametrize("error", [ReaderServiceError(), PcscMissingError()])
async def test_without_the_service_all_is_skipped(error: CardError) -> None:
    found = await walk(BrokenReaders(listing=error))
    assert found[error.code].step is CheckStep.SERVICE
    assert found[error.code].outcome is CheckOutcome.FAILED


@pytest.mark.parametrize(
    "error",
    [
        errors.CardMuteError("x"),
        errors.CardInUseError("x"),
        errors.ReaderNotFoundError("x"),
        errors.NoCardError("x"),
        errors.CardRemovedError(),
        errors.CardResetError(),
        errors.CardNotRespondingError(15),
        errors.MalformedResponseError("length"),
        errors.ApduError(0x6F00, 0xA4),
    ],
)
@pytest.mark.parametrize("language", locales.LANGUAGES)
async def test_every_trouble_with_a_card_has_its_sentence(error: CardError, language: str) -> None:
    found = (await walk(BrokenReaders(connecting=error)))[error.code]
    assert found.outcome is CheckOutcome.FAILED
    assert "\x1b" not in texts.finding_text(found, language)
    assert texts.remedy_text(found, language)


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin", "freebsd14"])
def test_how_to_start_the_service_depends_on_the_system(platform: str) -> None:
    finding = Finding(CheckStep.SERVICE, CheckOutcome.FAILED, "reader_service_stopped")
    assert "tart" in str(texts.remedy_text(finding, "en", platform))


def run_check(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "reader_bridge.app", "check", *arguments],
        capture_output=True,
        text=True,
        env=clean_environment(home, **environment),
        check=False,
    )


def test_against_nothing_it_says_where_to_begin(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    done = run_check(tmp_path, PCSCLITE_CSOCK_NAME=nowhere)
    assert done.returncode == 1
    assert "✗ Reader service: does not run" in done.stdout
    assert "Do what the first ✗ says" in done.stdout
    chinese = run_check(tmp_path, "--language", "zh-Hant", PCSCLITE_CSOCK_NAME=nowhere)
    assert "✗ 讀卡機服務：沒有執行" in chinese.stdout
    completed = run_check(tmp_path, "--json", PCSCLITE_CSOCK_NAME=nowhere)
    values = json.loads(completed.stdout)
    assert values["ok"] is False
    assert values["findings"][0]["code"] == "reader_service_stopped"
    assert [finding["step"] for finding in values["findings"]] == list(CheckStep)


@pytest.mark.parametrize("encoding", ["cp1252", "cp950", "ascii"])
def test_it_can_be_written_where_not_every_character_is_known(
    tmp_path: Path, encoding: str
) -> None:
    nowhere = str(tmp_path / "nowhere")
    environment = clean_environment(
        tmp_path, PCSCLITE_CSOCK_NAME=nowhere, PYTHONIOENCODING=encoding, PYTHONUTF8="0"
    )
    command = [sys.executable, "-m", "reader_bridge.app", "check"]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.stderr == b""
    assert "Reader service: does not run" in done.stdout.decode(encoding)
    command += ["--json", "--language", "zh-Hant"]
    completed = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert json.loads(completed.stdout)["findings"][0]["text"] == "沒有執行"
    help_ = [sys.executable, "-m", "reader_bridge.app", "--help", "--language", "zh-Hant"]
    shown = subprocess.run(help_, capture_output=True, env=environment, check=False)
    assert (shown.returncode, shown.stderr) == (0, b"")


def test_help_is_there_in_both_languages(tmp_path: Path) -> None:
    assert "Check reader service" in run_check(tmp_path, "--help").stdout
    chinese = run_check(tmp_path, "--help", LANG="zh_TW.UTF-8")
    assert "檢查讀卡機服務" in chinese.stdout


@pytest.fixture
def snapshots(pcsc_sandbox: PcscSandbox) -> SnapshotRecorder:
    return SnapshotRecorder()


def test_a_real_reader_service_with_a_card(
    pcsc_sandbox: PcscSandbox, card: VirtualCard, tmp_path: Path, snapshots: SnapshotRecorder
) -> None:
    readers: CardReaders = PcscReaders(busy_timeout=0)
    watch = readers.watch(snapshots)
    snapshots.wait_until(has_card(READER, False))
    empty = run_check(tmp_path)
    assert "✓ Reader service: runs" in empty.stdout
    assert f"✗ Card: there is none in {READER}" in empty.stdout
    vpcd = VpcdReader(pcsc_sandbox.connect)
    vpcd.insert(card)
    try:
        snapshots.wait_until(has_card(READER))
        done = run_check(tmp_path)
        assert f"✓ Card reader: {READER}" in done.stdout
        assert f"✓ Card: answers, in {READER}" in done.stdout
        assert "PIN attempts left: 3" in done.stdout
        with readers.connect(READER, exclusive=True):
            busy = run_check(tmp_path)
            assert "another program is using the card" in busy.stdout
    finally:
        vpcd.pull()
        snapshots.wait_until(has_card(READER, False))
        watch.close()
