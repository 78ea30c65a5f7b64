"""A person at a terminal: from the pairing code to the new PIN, and everything that goes wrong."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reader_bridge.protocol import FailureCode, Operation, PairRefusal, UnpairReason
from reader_bridge.protocol.operation_messages import Bye, Cancel, Failure, Progress, Result
from reader_bridge.protocol.operations import CardReport, ChangePin, PinChanged, ReadCardStatus
from reader_bridge.protocol.pairing import pairing_words
from reader_bridge.protocol.pairing_messages import (
    Pair,
    PairAnswer,
    Paired,
    PairOffer,
    PairRefused,
    Unpaired,
)
from tests.reader_bridge.app.at_terminal import PersonAtTerminal, clean_environment
from tests.reader_bridge.app.conftest import NEW_PIN, PIN, SitDown
from tests.reader_bridge.card.issuer import PASSPHRASE
from tests.reader_bridge.counterpart import CODE, NAME, Counterpart, Line

WRONG = "wrong111"


async def sees(person: PersonAtTerminal, *texts: str) -> None:
    await asyncio.to_thread(person.sees, *texts)


async def ends(person: PersonAtTerminal) -> int:
    return await asyncio.to_thread(person.ends)


async def outcome(line: Line) -> Result | Failure:
    """What comes of an operation, after whatever progress there is."""
    while True:
        message = await line.any()
        if not isinstance(message, Progress):
            assert isinstance(message, Result | Failure), message
            return message


async def pair(person: PersonAtTerminal, server: Counterpart, ask: str = "Code:") -> Line:
    """Come to be paired."""
    line = await server.next()
    pairing = asyncio.ensure_future(line.pair())
    await sees(person, ask)
    person.types(CODE)
    await sees(person, "[y/n]")
    person.types("y")
    await pairing
    await sees(person, NAME)
    return line


async def change_pin(line: Line, person: PersonAtTerminal) -> None:
    """Start a change of the PIN, and allow it."""
    await line.start(ChangePin())
    await sees(person, "Let the chat look at your card?", "[y/n]")
    person.types("y")
    await sees(person, "Change the PIN of this card?", "[y/n]")
    person.types("y")


@pytest.fixture
def person(server: Counterpart, sit_down: SitDown, card_file: Path) -> PersonAtTerminal:
    """A person who has started the app, with the virtual card in it."""
    return sit_down("--server", server.url, "--virtual-card", card_file)


async def test_the_whole_way_to_a_new_pin(server: Counterpart, person: PersonAtTerminal) -> None:
    line = await server.next()
    await line.welcome()
    await sees(person, "Pairing code", "only if you started this in your own Telegram", "Code:")
    person.types("abcd-2345")
    code = (await line.receive(Pair)).code
    assert code == CODE
    await line.send(PairOffer(NAME))
    assert line.hello
    words = pairing_words(code, line.memory.session, line.nonce, line.hello.nonce)
    await sees(person, words[0].english, words[1].english, words[0].chinese)
    await sees(person, "127.0.0.1", NAME, "not checked", "[y/n]")
    person.types("y")
    assert (await line.receive(PairAnswer)).accepted
    await line.send(Paired(line.memory.secret, 12 * 3600, NAME))
    await sees(person, "Paired with", NAME, "12 h", "Go on in the chat")

    await line.start(ChangePin())
    await sees(person, "Let the chat look at your card?", NAME, "not checked", "[y/n]")
    person.types("y")
    await sees(person, "Change the PIN of this card?", NAME, "not checked", "GP****3456", "[y/n]")
    person.types("y")
    await sees(person, "Type the PIN", "GP****3456", "Tries left", "3 of 3", "PIN:")
    person.types(PIN)
    await sees(person, "Choose a new PIN", "6 to 8 letters and digits", "New PIN:")
    person.types(NEW_PIN)
    await sees(person, "New PIN again:")
    person.types(NEW_PIN)
    result = await outcome(line)
    assert isinstance(result, Result)
    assert isinstance(result.value, PinChanged)
    await sees(person, "The new PIN is set", "Go on in the chat")

    person.interrupts()
    await line.receive(Bye)
    assert await ends(person) == 0
    assert "Stopped. The card can be taken out." in person.everything
    assert PIN not in person.everything
    assert NEW_PIN not in person.everything
    assert "Traceback" not in person.everything
    assert person.echoes, "the terminal is as it was"


async def test_all_of_it_is_there_in_chinese(
    server: Counterpart, sit_down: SitDown, card_file: Path
) -> None:
    person = sit_down("--server", server.url, "--virtual-card", card_file, LANG="zh_TW.UTF-8")
    line = await server.next()
    pairing = asyncio.ensure_future(line.pair())
    await sees(person, "配對碼", "只有您自己在 Telegram 開始操作時", "配對碼：")
    person.types(CODE)
    await sees(person, "請和您的 Telegram 比對", "伺服器", "未經查證", "全部都相同嗎？")
    person.types("y")
    await pairing
    await sees(person, "已和", NAME, "配對")
    await line.start(ReadCardStatus())
    await sees(person, "允許聊天室查看您的卡片嗎？", "不需要 PIN碼", "允許嗎？")
    person.types("y")
    result = await outcome(line)
    assert isinstance(result, Result)
    assert isinstance(result.value, CardReport)
    await sees(person, "已讀取卡片。PIN碼還可以試 3 次。")
    person.interrupts()
    assert await ends(person) == 0
    assert line.hello
    assert line.hello.language == "zh-Hant"


async def test_what_cannot_be_a_pin_is_told_before_the_card_sees_it(
    server: Counterpart, person: PersonAtTerminal
) -> None:
    line = await pair(person, server)
    await change_pin(line, person)
    await sees(person, "PIN:")
    person.types("abc")
    await sees(person, "It has to be", "The card has not seen it.", "PIN:")
    person.presses("密碼\r")
    await sees(person, "switch the keyboard to English", "PIN:")
    person.presses("x\x7f" + "first12\x1b[D\x1b[A" + "3\r")  # a slip, and arrow keys
    await sees(person, "Choose a new PIN", "New PIN:")
    for nonsense in ("short", "waytoolong", "with sp", "dash-es"):
        person.types(nonsense)
        await sees(person, "It has to be: 6 to 8 letters and digits", "New PIN:")
    person.types(NEW_PIN)
    await sees(person, "New PIN again:")
    person.types("second46")
    await sees(person, "The two new PINs were different", "New PIN:")
    person.types(NEW_PIN)
    await sees(person, "New PIN again:")
    person.types(NEW_PIN)
    assert isinstance(await outcome(line), Result)


async def test_the_last_try_is_spent_only_by_a_person_who_wants_to(
    server: Counterpart, person: PersonAtTerminal
) -> None:
    line = await pair(person, server)
    await change_pin(line, person)
    await sees(person, "3 of 3", "PIN:")
    person.types(WRONG)
    await sees(person, "New PIN:")
    person.types(NEW_PIN)
    await sees(person, "again:")
    person.types(NEW_PIN)
    await sees(person, "The PIN was wrong.", "2 of 3", "PIN:")
    person.types(WRONG)
    await sees(person, "This is the last try", "The PIN was wrong.")
    await sees(person, "the card is locked", "Are you sure of it? [y/n]")
    person.types("n")
    failure = await outcome(line)
    assert isinstance(failure, Failure)
    assert failure.code is FailureCode.PIN_WRONG
    assert failure.values.tries_left == 1
    await sees(person, "Tries left: 1", "do not guess")
    assert WRONG not in person.everything


async def test_what_is_typed_before_a_question_is_no_answer_to_it(
    server: Counterpart, person: PersonAtTerminal
) -> None:
    line = await pair(person, server)
    person.types("y")
    person.types("y")
    await line.start(ChangePin())
    await sees(person, "Let the chat look at your card?", "Allow it? [y/n]")
    person.types("maybe")
    await sees(person, "Please type y for yes or n for no.", "Allow it? [y/n]")
    person.types("n")
    failure = await outcome(line)
    assert isinstance(failure, Failure)
    assert failure.code is FailureCode.CONSENT_REFUSED
    await sees(person, "You refused, so nothing was done.")
    assert "Type the PIN" not in person.everything


async def test_a_question_is_taken_back_with_what_was_typed(
    server: Counterpart, person: PersonAtTerminal
) -> None:
    line = await pair(person, server)
    await change_pin(line, person)
    await sees(person, "PIN:")
    person.presses("first")
    await sees(person, "*****")
    await line.send(Cancel("op1"))
    failure = await outcome(line)
    assert isinstance(failure, Failure)
    assert failure.code is FailureCode.CANCELLED
    await sees(person, "It was cancelled.", "The PIN is as it was.")
    await line.start(ReadCardStatus(), "op2")
    assert isinstance(await outcome(line), Result)


async def test_escape_leaves_a_pin_unanswered(
    server: Counterpart, person: PersonAtTerminal
) -> None:
    line = await pair(person, server)
    await change_pin(line, person)
    await sees(person, "PIN:")
    person.presses("first\x1b")
    failure = await outcome(line)
    assert isinstance(failure, Failure)
    assert failure.code is FailureCode.PIN_NOT_ENTERED


async def test_a_wrong_code_is_asked_again_with_the_tries_that_are_left(
    server: Counterpart, person: PersonAtTerminal
) -> None:
    line = await server.next()
    await line.welcome()
    await sees(person, "Code:")
    person.types("no")
    await sees(person, "8 letters and digits", "Code:")
    person.types(CODE)
    await line.receive(Pair)
    await line.send(PairRefused(PairRefusal.WRONG_CODE, 4))
    await sees(person, "This code was not right.", "Tries left: 4.", "Code:")
    person.types(CODE)
    await line.receive(Pair)
    await line.send(PairRefused(PairRefusal.TOO_MANY_TRIES, 0, 900))
    await sees(person, "Too many wrong codes.", "15 min", "Code:")
    person.presses("\x1b")
    assert await ends(person) == 0
    assert "Closed. The card can be taken out." in person.everything


async def test_words_that_differ_end_the_pairing(
    server: Counterpart, person: PersonAtTerminal
) -> None:
    line = await server.next()
    await line.welcome()
    await sees(person, "Code:")
    person.types(CODE)
    await line.receive(Pair)
    await line.send(PairOffer("Evil\x1b[2J\u202egnp.exe".replace("\x1b[2J", " ")))
    await sees(person, "[y/n]")
    person.types("n")
    assert not (await line.receive(PairAnswer)).accepted
    assert "\u202e" not in person.everything


async def test_the_end_of_a_pairing_says_how_to_go_on(
    server: Counterpart, person: PersonAtTerminal
) -> None:
    line = await pair(person, server)
    await line.send(Unpaired(UnpairReason.REPLACED))
    await sees(person, "Another PC was paired with your chat", "pair again", "Code:")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_in_the_middle_of_a_pin_ends_it_in_order(
    server: Counterpart, person: PersonAtTerminal, number: signal.Signals
) -> None:
    line = await pair(person, server)
    await change_pin(line, person)
    await sees(person, "PIN:")
    person.presses("first")
    await sees(person, "*****")
    person.signals(number)
    assert await ends(person) == 0
    assert "Traceback" not in person.everything
    assert person.echoes


async def test_nothing_listens_and_no_memory_is_dumped(
    server: Counterpart, person: PersonAtTerminal
) -> None:
    await pair(person, server)
    process = person.process.pid
    listening = await asyncio.to_thread(subprocess.check_output, ["ss", "-Hltnup"], text=True)
    assert f"pid={process}," not in listening
    limits = Path(f"/proc/{process}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]


async def test_only_the_address_and_the_language_are_kept(
    server: Counterpart, sit_down: SitDown, card_file: Path, tmp_path: Path
) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    person = sit_down("--server", server.url, "--virtual-card", card_file, "--language", "zh-TW")
    await pair(person, server, "配對碼：")
    person.interrupts()
    assert await ends(person) == 0
    new = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path.name for path in new} <= {"settings.json", "card.json.lock"}
    kept = json.loads((tmp_path / ".config" / "kaika-bridge" / "settings.json").read_text())
    assert kept == {"server": server.url, "language": "zh_Hant"}
    again = sit_down("--virtual-card", card_file)
    line = await server.next()
    await line.welcome()
    await sees(again, "配對碼：")


async def test_a_server_that_is_not_reached_is_told_and_not_kept(
    sit_down: SitDown, card_file: Path, tmp_path: Path
) -> None:
    person = sit_down("--server", "ws://127.0.0.1:9", "--virtual-card", card_file)
    await sees(person, "127.0.0.1:9 cannot be reached", "Trying again in")
    person.interrupts()
    assert await ends(person) == 0
    assert not (tmp_path / ".config").exists()


async def test_an_address_is_asked_for_until_it_is_one(
    server: Counterpart, sit_down: SitDown, card_file: Path
) -> None:
    person = sit_down("--virtual-card", card_file)
    await sees(person, "The chat shows you the server's address.", "Address:")
    person.types("ws://kaika.example")
    await sees(person, "everybody on the way could read along", "Use wss://.", "Address:")
    person.types(server.url)
    line = await server.next()
    await line.welcome()
    await sees(person, "Code:")


async def test_a_passphrase_is_asked_for_unseen(
    server: Counterpart, sit_down: SitDown, card_file: Path, tmp_path: Path
) -> None:
    with PersonAtTerminal(
        tmp_path, "--server", server.url, "--virtual-card", str(card_file)
    ) as person:
        await sees(person, "Passphrase of the virtual card:")
        person.types(PASSPHRASE)
        await (await server.next()).welcome()
        await sees(person, "Code:")
        assert PASSPHRASE not in person.everything


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--server", "ws://kaika.example"], "everybody on the way could read along"),
        (["--server", "my card is locked"], "This is not an address."),
        (["--server", "wss://a:b@kaika.example"], "before an @"),
        (["--server", "wss://kaika.example", "--ca", "/nowhere.pem"], "cannot be read"),
        (["--server", "wss://kaika.example", "--ca", "/etc/hostname"], "holds no certificate"),
        (["--server", "wss://kaika.example", "--ca", "/dev/null"], "holds no certificate"),
        (["--virtual-card", "/nowhere.json"], "missing, broken, or not a virtual card"),
        (["--virtual-card", "/etc/hostname"], "missing, broken, or not a virtual card"),
    ],
)
@pytest.mark.parametrize("command", [[], ["check"]])
async def test_what_cannot_be_used_is_refused_in_one_sentence(
    sit_down: SitDown, command: list[str], arguments: list[str], told: str
) -> None:
    person = sit_down(*command, *arguments)
    assert await ends(person) == 2
    flat = " ".join(person.everything.split())
    assert told in flat
    assert "Traceback" not in flat


async def test_a_wrong_passphrase_and_a_damaged_card_are_told_apart(
    sit_down: SitDown, card_file: Path
) -> None:
    person = sit_down("check", "--virtual-card", card_file, KAIKA_CARD_PASSPHRASE="guess")
    assert await ends(person) == 2
    assert "The passphrase of the virtual card is wrong." in person.everything
    values = json.loads(card_file.read_text())
    card_file.write_text(json.dumps({**values, "state": "AAAA"}))
    person = sit_down("check", "--virtual-card", card_file)
    assert await ends(person) == 2
    assert "missing, broken, or not a virtual card" in person.everything


async def test_one_card_is_in_one_reader(
    server: Counterpart, person: PersonAtTerminal, sit_down: SitDown, card_file: Path
) -> None:
    await pair(person, server)
    second = sit_down("check", "--virtual-card", card_file)
    assert await ends(second) == 2
    assert "in use by another program" in second.everything


def test_without_a_terminal_it_says_so(server: Counterpart, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reader_bridge.app", "--server", "ws://127.0.0.1:9"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=clean_environment(tmp_path),
        check=False,
    )
    assert done.returncode == 2
    assert "Start this in a terminal window" in " ".join(done.stderr.split())


def test_every_operation_has_words() -> None:
    from reader_bridge.app import events

    assert set(events._DONE) | {Operation.SET_PIN} == set(Operation)
    assert set(events.FAILURES) == set(FailureCode)
    assert set(events._UNPAIRED) == set(UnpairReason)
