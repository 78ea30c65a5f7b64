"""Starting the app in a terminal: the address, the card file, and what cannot be used."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from reader_bridge.protocol import FailureCode, Operation, UnpairReason
from tests import phrases
from tests.reader_bridge.app.conftest import StartTerminalUser
from tests.reader_bridge.app.terminal_steps import ends, pair, sees
from tests.reader_bridge.app.terminal_user import TerminalUser, clean_environment
from tests.reader_bridge.card.card_issuer import PASSPHRASE
from tests.reader_bridge.scripted_server import CutError, ScriptedServer


async def test_nothing_listens_and_no_memory_is_dumped(
    server: ScriptedServer, person: TerminalUser
) -> None:
    await pair(person, server)
    process = person.process.pid
    listening = await asyncio.to_thread(subprocess.check_output, ["ss", "-Hltnup"], text=True)
    assert f"pid={process}," not in listening
    limits = Path(f"/proc/{process}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]


async def test_only_the_address_and_the_language_are_kept(
    server: ScriptedServer, start_user: StartTerminalUser, card_file: Path, tmp_path: Path
) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    person = start_user("--server", server.url, "--virtual-card", card_file, "--language", "zh-TW")
    await pair(person, server, phrases.CODE_LABEL.chinese)
    person.interrupts()
    assert await ends(person) == 0
    new = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path.name for path in new} <= {"settings.json", "card.json.lock"}
    kept = json.loads((tmp_path / ".config" / "kaika-bridge" / "settings.json").read_text())
    assert kept == {"server": server.url, "language": "zh_Hant"}
    again = start_user("--virtual-card", card_file)
    line = await server.accept()
    await line.welcome()
    await sees(again, phrases.CODE_LABEL.chinese)


async def test_a_server_that_is_not_reached_is_told_and_not_kept(
    start_user: StartTerminalUser, card_file: Path, tmp_path: Path
) -> None:
    person = start_user("--server", "ws://127.0.0.1:9", "--virtual-card", card_file)
    await sees(person, "127.0.0.1:9 cannot be reached", "Trying again in")
    person.interrupts()
    assert await ends(person) == 0
    kept = [path for path in (tmp_path / ".config").rglob("*") if path.is_file()]
    assert kept == []


async def test_an_address_is_asked_for_until_a_server_answers_there(
    server: ScriptedServer, start_user: StartTerminalUser, card_file: Path, tmp_path: Path
) -> None:
    person = start_user("--virtual-card", card_file)
    await sees(person, phrases.ADDRESS_IN_CHAT, "Address:")
    person.types("ws://kaika.example")
    await sees(person, phrases.ADDRESS_NOT_ENCRYPTED, "Use wss://.", "Address:")
    person.types("ws：//127.0.0.1:9")  # a full-width colon, which an input method types
    await sees(person, phrases.SWITCH_KEYBOARD, "Address:")
    person.types("ws://127.0.0.1:9")
    await sees(person, "Looking for 127.0.0.1:9", phrases.CHECK_CONNECTION, "Address:")
    assert not (tmp_path / ".config").exists()
    person.types(server.url)
    looked_at = await server.accept()
    with pytest.raises(CutError):
        await looked_at.greet()
    line = await server.accept()
    await line.welcome()
    await sees(person, phrases.CODE_LABEL)


async def test_a_passphrase_is_asked_for_unseen(
    server: ScriptedServer, start_user: StartTerminalUser, card_file: Path, tmp_path: Path
) -> None:
    with TerminalUser(tmp_path, "--server", server.url, "--virtual-card", str(card_file)) as person:
        await sees(person, "Passphrase of the virtual card:")
        person.types(PASSPHRASE)
        await (await server.accept()).welcome()
        await sees(person, phrases.CODE_LABEL)
        assert PASSPHRASE not in person.everything


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--server", "ws://kaika.example"], phrases.ADDRESS_NOT_ENCRYPTED),
        (["--server", "my card is locked"], "This is not an address."),
        (["--server", "wss://a:b@kaika.example"], "before an @"),
        (["--server", "wss://kaika.example", "--ca", "/nowhere.pem"], phrases.CANNOT_BE_READ),
        (["--server", "wss://kaika.example", "--ca", "/etc/hostname"], "holds no certificate"),
        (["--server", "wss://kaika.example", "--ca", "/dev/null"], "holds no certificate"),
        (["--virtual-card", "/nowhere.json"], phrases.NOT_A_VIRTUAL_CARD),
        (["--virtual-card", "/etc/hostname"], phrases.NOT_A_VIRTUAL_CARD),
    ],
)
@pytest.mark.parametrize("command", [[], ["check"]])
async def test_what_cannot_be_used_is_refused_in_one_sentence(
    start_user: StartTerminalUser, command: list[str], arguments: list[str], told: str
) -> None:
    person = start_user(*command, *arguments)
    assert await ends(person) == 2
    flat = " ".join(person.everything.split())
    assert told in flat
    assert "Traceback" not in flat


async def test_a_wrong_passphrase_and_a_damaged_card_are_told_apart(
    start_user: StartTerminalUser, card_file: Path
) -> None:
    person = start_user("check", "--virtual-card", card_file, KAIKA_CARD_PASSPHRASE="guess")
    assert await ends(person) == 2
    assert phrases.PASSPHRASE_WRONG in person.everything
    values = json.loads(card_file.read_text())
    card_file.write_text(json.dumps({**values, "state": "AAAA"}))
    person = start_user("check", "--virtual-card", card_file)
    assert await ends(person) == 2
    assert phrases.NOT_A_VIRTUAL_CARD in person.everything


async def test_one_card_is_in_one_reader(
    server: ScriptedServer, person: TerminalUser, start_user: StartTerminalUser, card_file: Path
) -> None:
    await pair(person, server)
    second = start_user("check", "--virtual-card", card_file)
    assert await ends(second) == 2
    assert "in use by another program" in second.everything


def test_without_a_terminal_it_says_so(server: ScriptedServer, tmp_path: Path) -> None:
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
    from reader_bridge.app import notice_texts

    assert set(notice_texts._DONE_TEXTS) | {Operation.SET_PIN} == set(Operation)
    assert set(notice_texts.FAILURE_TEXTS) == set(FailureCode)
    assert set(notice_texts._UNPAIR_TEXTS) == set(UnpairReason)
