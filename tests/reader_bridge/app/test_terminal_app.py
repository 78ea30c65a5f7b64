"""A person at a terminal: from the pairing code to the new PIN, and everything that goes wrong."""

import asyncio
import signal
from pathlib import Path

import pytest

from reader_bridge.protocol import FailureCode, PairRefusal, UnpairReason
from reader_bridge.protocol.operation_messages import (
    Bye,
    CancelOperation,
    OperationFailure,
    OperationResult,
)
from reader_bridge.protocol.operation_payloads import (
    CardReport,
    ChangePin,
    PinChanged,
    ReadCardStatus,
)
from reader_bridge.protocol.pairing_messages import (
    Pair,
    PairAnswer,
    Paired,
)
from reader_bridge.virtual_card.card import VirtualCard
from tests import phrases
from tests.reader_bridge.app.conftest import NEW_PIN, PIN, StartTerminalUser
from tests.reader_bridge.app.terminal_steps import ends, pair, sees
from tests.reader_bridge.app.terminal_user import TerminalUser
from tests.reader_bridge.card.card_issuer import CardTestAuthority
from tests.reader_bridge.card.fake_cards import PivCard
from tests.reader_bridge.card.pcsc_sandbox import READER, SECOND_READER, PcscSandbox
from tests.reader_bridge.conftest import InsertCard
from tests.reader_bridge.scripted_server import CODE, NAME, BridgeLink, ScriptedServer

WRONG = "wrong111"


async def change_pin(line: BridgeLink, person: TerminalUser) -> None:
    """Start a change of the PIN, and allow it."""
    await line.start(ChangePin())
    await sees(person, phrases.MAY_CHAT_LOOK, "[y/n]")
    person.types("y")
    await sees(person, phrases.MAY_PIN_CHANGE, "[y/n]")
    person.types("y")


async def test_the_whole_way_to_a_new_pin(server: ScriptedServer, person: TerminalUser) -> None:
    line = await server.accept()
    await line.welcome()
    await sees(person, phrases.PAIRING_CODE, phrases.ONLY_IF_YOU_STARTED, phrases.CODE_LABEL)
    person.types("abcd-2345")
    sent = await line.receive(Pair)
    assert sent.code == CODE
    await line.offer()
    words = line.words_for(sent)
    await sees(person, words[0].english, words[1].english, words[0].chinese)
    await sees(person, "127.0.0.1", NAME, phrases.NOT_CHECKED, "[y/n]")
    person.types("y")
    assert (await line.receive(PairAnswer)).accepted
    await line.send(Paired(line.memory.secret, 12 * 3600, NAME))
    await sees(person, phrases.PAIRED_WITH, NAME, "12 h", phrases.GO_ON_IN_CHAT)

    await line.start(ChangePin())
    await sees(person, phrases.MAY_CHAT_LOOK, NAME, phrases.NOT_CHECKED, "[y/n]")
    person.types("y")
    await sees(person, phrases.MAY_PIN_CHANGE, NAME, phrases.NOT_CHECKED, "GP****3456", "[y/n]")
    person.types("y")
    await sees(person, phrases.TYPE_PIN, "GP****3456", "Attempts left", "3 of 3", "PIN:")
    person.types(PIN)
    await sees(person, phrases.CHOOSE_NEW_PIN, "6 to 8 letters and digits", "New PIN:")
    person.types(NEW_PIN)
    await sees(person, "New PIN again:")
    person.types(NEW_PIN)
    result = await line.receive_end()
    assert isinstance(result, OperationResult)
    assert isinstance(result.value, PinChanged)
    await sees(person, "The new PIN is set", phrases.TAKE_CARD_OUT)

    person.interrupts()
    await line.receive(Bye)
    assert await ends(person) == 0
    assert "Stopped. The card can be taken out." in person.everything
    assert PIN not in person.everything
    assert NEW_PIN not in person.everything
    assert "Traceback" not in person.everything
    assert person.echoes, "the terminal is as it was"


async def test_all_of_it_is_there_in_chinese(
    server: ScriptedServer, start_user: StartTerminalUser, card_file: Path
) -> None:
    person = start_user("--server", server.url, "--virtual-card", card_file, LANG="zh_TW.UTF-8")
    line = await server.accept()
    pairing = asyncio.ensure_future(line.pair())
    await sees(person, "配對碼", phrases.ONLY_IF_YOU_STARTED.chinese, phrases.CODE_LABEL.chinese)
    person.types(CODE)
    await sees(
        person, phrases.COMPARE_WITH_TELEGRAM.chinese, "伺服器", "未經查證", "全部都相同嗎？"
    )
    person.types("y")
    await pairing
    await sees(person, "已和", NAME, "配對")
    await line.start(ReadCardStatus())
    await sees(person, phrases.MAY_CHAT_LOOK.chinese, "不需要PIN碼", "允許嗎？")
    person.types("y")
    result = await line.receive_end()
    assert isinstance(result, OperationResult)
    assert isinstance(result.value, CardReport)
    await sees(person, "已讀取卡片。PIN碼剩餘次數：3。")
    person.interrupts()
    assert await ends(person) == 0
    assert line.hello
    assert line.hello.language == "zh-Hant"


async def test_one_of_two_cards_is_chosen_by_its_number(
    server: ScriptedServer,
    start_user: StartTerminalUser,
    pcsc_sandbox: PcscSandbox,
    insert: InsertCard,
    card: VirtualCard,
    issuer: CardTestAuthority,
) -> None:
    """In the slots of a real pcscd."""
    insert(PivCard(issuer.keys["authentication"], issuer.certify("authentication")))
    insert(card, 1)
    socket = str(pcsc_sandbox.socket_path)
    person = start_user("--server", server.url, PCSCLITE_CSOCK_NAME=socket)
    line = await pair(person, server)
    await line.start(ReadCardStatus())
    await sees(person, phrases.MAY_CHAT_LOOK, "[y/n]")
    person.types("y")
    await sees(
        person, "Which card do you want to use?", READER, SECOND_READER, "0  None", "Number:"
    )
    person.types("2")
    result = await line.receive_end()
    assert isinstance(result, OperationResult)
    assert isinstance(result.value, CardReport)
    assert result.value.reader == SECOND_READER
    await line.start(ReadCardStatus(), "op2")
    await sees(person, "Which card do you want to use?", "Number:")
    person.types("0")
    assert (await line.receive_end()).code is FailureCode.SEVERAL_CARDS  # type: ignore[union-attr]
    await sees(person, "none was chosen")


async def test_what_cannot_be_a_pin_is_told_before_the_card_sees_it(
    server: ScriptedServer, person: TerminalUser
) -> None:
    line = await pair(person, server)
    await change_pin(line, person)
    await sees(person, "PIN:")
    person.types("abc")
    await sees(person, "It has to be", "The card has not seen it.", "PIN:")
    person.presses("密碼\r")
    await sees(person, phrases.SWITCH_KEYBOARD, "PIN:")
    person.presses("x\x7f" + "first12\x1b[D\x1b[A" + "3\r")  # a slip, and arrow keys
    await sees(person, phrases.CHOOSE_NEW_PIN, "New PIN:")
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
    assert isinstance(await line.receive_end(), OperationResult)


async def test_the_last_try_is_spent_only_by_a_person_who_wants_to(
    server: ScriptedServer, person: TerminalUser
) -> None:
    line = await pair(person, server)
    await change_pin(line, person)
    await sees(person, "3 of 3", "PIN:")
    person.types(WRONG)
    await sees(person, phrases.PIN_WAS_WRONG, "2 of 3", "PIN:")
    person.types(WRONG)
    await sees(person, "This is the last try", phrases.PIN_WAS_WRONG)
    await sees(person, "the card is locked", "Are you sure of it? [y/n]")
    person.types("n")
    failure = await line.receive_end()
    assert isinstance(failure, OperationFailure)
    assert failure.code is FailureCode.PIN_WRONG
    assert failure.values.tries_left == 1
    await sees(person, "Attempts left: 1", "do not guess")
    assert WRONG not in person.everything


async def test_what_is_typed_before_a_question_is_no_answer_to_it(
    server: ScriptedServer, person: TerminalUser
) -> None:
    line = await pair(person, server)
    person.types("y")
    person.types("y")
    await line.start(ChangePin())
    await sees(person, phrases.MAY_CHAT_LOOK, "Allow it? [y/n]")
    person.types("maybe")
    await sees(person, "Please type y for yes or n for no.", "Allow it? [y/n]")
    person.types("n")
    failure = await line.receive_end()
    assert isinstance(failure, OperationFailure)
    assert failure.code is FailureCode.CONSENT_REFUSED
    await sees(person, "You refused, so nothing was done.")
    assert phrases.TYPE_PIN not in person.everything


async def test_a_question_is_taken_back_with_what_was_typed(
    server: ScriptedServer, person: TerminalUser
) -> None:
    line = await pair(person, server)
    await change_pin(line, person)
    await sees(person, "PIN:")
    person.presses("first")
    await sees(person, "*****")
    await line.send(CancelOperation("op1"))
    failure = await line.receive_end()
    assert isinstance(failure, OperationFailure)
    assert failure.code is FailureCode.CANCELLED
    await sees(person, phrases.OPERATION_CANCELLED, "Your PIN has not changed.")
    await line.start(ReadCardStatus(), "op2")
    assert isinstance(await line.receive_end(), OperationResult)


async def test_escape_leaves_a_pin_unanswered(server: ScriptedServer, person: TerminalUser) -> None:
    line = await pair(person, server)
    await change_pin(line, person)
    await sees(person, "PIN:")
    person.presses("first\x1b")
    failure = await line.receive_end()
    assert isinstance(failure, OperationFailure)
    assert failure.code is FailureCode.PIN_NOT_ENTERED


async def test_a_wrong_code_is_asked_again_with_the_tries_that_are_left(
    server: ScriptedServer, person: TerminalUser
) -> None:
    line = await server.accept()
    await line.welcome()
    await sees(person, phrases.CODE_LABEL)
    person.types("no")
    await sees(person, "8 or 10 letters and digits", phrases.CODE_LABEL)
    person.types(CODE)
    await line.receive(Pair)
    await line.refuse(PairRefusal.WRONG_CODE, 4)
    await sees(person, "This code was not right.", "Attempts left: 4.", phrases.CODE_LABEL)
    person.types(CODE)
    await line.receive(Pair)
    await line.refuse(PairRefusal.TOO_MANY_TRIES, 0, 900)
    await sees(person, "Too many wrong codes.", "15 min", phrases.CODE_LABEL)
    person.presses("\x1b")
    assert await ends(person) == 0
    assert "Closed. The card can be taken out." in person.everything


async def test_words_that_differ_end_the_pairing(
    server: ScriptedServer, person: TerminalUser
) -> None:
    line = await server.accept()
    await line.welcome()
    await sees(person, phrases.CODE_LABEL)
    person.types(CODE)
    await line.receive(Pair)
    await line.offer("Evil\x1b[2J\u202egnp.exe".replace("\x1b[2J", " "))
    await sees(person, "[y/n]")
    person.types("n")
    assert not (await line.receive(PairAnswer)).accepted
    assert "\u202e" not in person.everything


async def test_a_link_that_another_process_hands_over_is_answered_by_the_words(
    server: ScriptedServer, start_user: StartTerminalUser, card_file: Path, tmp_path: Path
) -> None:
    """From the tap on the page to the paired bridge nothing is typed but one number."""
    runtime = {"XDG_RUNTIME_DIR": str(tmp_path)}
    person = start_user("--server", server.url, "--virtual-card", card_file, **runtime)
    line = await server.accept()
    await line.welcome()
    await sees(person, phrases.CODE_LABEL)
    second = start_user("--link", f"kaika://pair?code={CODE}", **runtime)
    assert await ends(second) == 0
    assert "already open" in second.everything
    pair = await line.receive(Pair)
    assert pair.code == CODE
    await line.offer()
    await sees(person, "Which two words does your chat show?", "None of these", "Number:")
    first, other = line.words_for(pair)
    shown = person.everything.splitlines()
    (number,) = {row.split()[0] for row in shown if f"{first.english} {other.english}" in row}
    person.types(number)
    assert (await line.receive(PairAnswer)).accepted
    third = start_user("--link", "kaika://pair?code=EFGH6789", **runtime)
    assert await ends(third) == 0
    assert "takes no code now" in third.everything
    await sees(person, "no code is being asked for", "press the button on the page again")
    fourth = start_user("--link", "kaika://pair?code=nonsense", **runtime)
    assert await ends(fourth) == 2
    assert "holds no pairing code" in fourth.everything


async def test_a_link_that_is_none_is_refused(start_user: StartTerminalUser) -> None:
    for link in (
        "kaika://pair?code=abc",
        "https://kaika.example",
        "kaika://pair?code=ABCD2345&x=1",
    ):
        person = start_user("--link", link)
        assert await ends(person) == 2
        assert "holds no pairing code" in person.everything


async def test_the_app_starts_with_a_link(
    server: ScriptedServer, start_user: StartTerminalUser, card_file: Path, tmp_path: Path
) -> None:
    person = start_user(
        "--server", server.url, "--virtual-card", card_file,
        "--link", f"kaika://pair?code={CODE}", XDG_RUNTIME_DIR=str(tmp_path),
    )  # fmt: skip
    line = await server.accept()
    await line.welcome()
    await line.receive(Pair)
    await line.offer()
    await sees(person, "Which two words", "Number:")
    person.types("0")
    assert not (await line.receive(PairAnswer)).accepted
    await line.unpair(UnpairReason.REFUSED)
    await sees(person, phrases.CODE_LABEL)


async def test_the_end_of_a_pairing_says_how_to_go_on(
    server: ScriptedServer, person: TerminalUser
) -> None:
    line = await pair(person, server)
    await line.unpair(UnpairReason.REPLACED)
    await sees(person, "Another PC was paired with your chat", "pair again", phrases.CODE_LABEL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_in_the_middle_of_a_pin_ends_it_in_order(
    server: ScriptedServer, person: TerminalUser, number: signal.Signals
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
