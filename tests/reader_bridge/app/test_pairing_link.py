"""Links with a pairing code: what counts as one, and how the app that runs already gets it."""

import asyncio
import os
import socket
import stat
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from reader_bridge.app.link_inbox import LinkAnswer, LinkInbox
from reader_bridge.app.pairing_link import PairingLinkError, parse_pairing_link
from reader_bridge.app.running_app import accept_links, hand_over, socket_path
from reader_bridge.client.pairing_flow import PairingLinks
from reader_bridge.prompter import LinkProblem
from reader_bridge.protocol.enums import SessionState

LINK = "kaika://pair?code=ABCD2345"
NO_LINKS = (
    "",
    "kaika://pair",
    "kaika://pair?code=",
    "kaika://pair?code=abcd2345",
    "kaika://pair?code=ABCD234",
    "kaika://pair?code=ABCD23456",
    "kaika://pair?code=ABCD0345",
    "kaika://pair?code=ABCD2345&server=wss://evil.example",
    "kaika://pair?server=wss://evil.example&code=ABCD2345",
    "kaika://pair?code=ABCD2345#x",
    "kaika://pair?code=ABCD2345\n",
    " kaika://pair?code=ABCD2345",
    "kaika://user@pair?code=ABCD2345",
    "kaika://pair:80?code=ABCD2345",
    "kaika://pair/../x?code=ABCD2345",
    "KAIKA://pair?code=ABCD2345",
    "https://pair?code=ABCD2345",
    "--server=evil",
    "kaika://pair?code=" + "A" * 100_000,
    "kaika://pair?code=ＡＢＣＤ２３４５",
)


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


@dataclass
class RunningApp:
    """An app that runs already.

    :ivar codes: those that it got by links.
    :ivar told: why links were not used, as the person hears it.
    :ivar now: seconds that only grow.
    """

    links: PairingLinks = field(default_factory=PairingLinks)
    codes: list[str] = field(default_factory=list)
    told: list[LinkProblem] = field(default_factory=list)
    now: float = 1000.0

    async def ask_codes(self) -> None:
        while True:
            self.codes.append(await self.links.wait())


@asynccontextmanager
async def running_app(*, is_asking: bool = True) -> AsyncIterator[RunningApp]:
    """An app that asks for codes, or for something else."""
    app = RunningApp()
    inbox = LinkInbox(app.links, lambda event: app.told.append(event.problem), lambda: app.now)
    asking = asyncio.ensure_future(app.ask_codes()) if is_asking else None
    await asyncio.sleep(0)
    async with accept_links(inbox.take):
        yield app
    if asking is not None:
        asking.cancel()


def test_a_link_carries_a_code_and_nothing_else() -> None:
    assert parse_pairing_link(LINK) == "ABCD2345"
    assert parse_pairing_link("kaika://pair/?code=ABCD2345") == "ABCD2345", "as some systems write"
    assert parse_pairing_link("kaika://pair?code=ABCD2345XY") == "ABCD2345XY"
    for text in NO_LINKS:
        with pytest.raises(PairingLinkError):
            parse_pairing_link(text)


@given(some.text())
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(PairingLinkError):
        parse_pairing_link(text)


async def test_a_second_process_hands_its_link_over() -> None:
    async with running_app() as app:
        assert await asyncio.to_thread(hand_over, LINK) is LinkAnswer.ACCEPTED
        assert (app.codes, app.told) == (["ABCD2345"], [])
    assert hand_over(LINK) is None, "nothing runs any more"
    assert not socket_path().exists()


async def test_why_a_link_is_not_used_is_told_where_the_person_is() -> None:
    async with running_app(is_asking=False) as app:
        assert await asyncio.to_thread(hand_over, LINK) is LinkAnswer.NOT_USED
        app.now += 1000
        for state in (SessionState.PAIRED, SessionState.WORKING):
            app.links.session_state = state
            assert await asyncio.to_thread(hand_over, LINK) is LinkAnswer.NOT_USED
            app.now += 1000
        for link in NO_LINKS:
            assert await asyncio.to_thread(hand_over, link) is LinkAnswer.NO_CODE
            app.now += 1000
    problems = (LinkProblem.NOT_ASKED, LinkProblem.PAIRED, LinkProblem.PAIRED)
    assert app.told == [*problems, *[LinkProblem.NO_CODE] * len(NO_LINKS)]


def test_links_without_end_are_told_a_few_times() -> None:
    app = RunningApp()
    inbox = LinkInbox(app.links, lambda event: app.told.append(event.problem), lambda: app.now)
    for _ in range(36_000):
        inbox.take("kaika://evil")
        app.now += 0.1
    assert 0 < len(app.told) <= 12, "in an hour"
    app.told.clear()
    app.now += 601
    inbox.take("kaika://evil")
    assert app.told == [LinkProblem.NO_CODE], "after a quiet time it is told right away"


async def test_only_the_owner_may_use_the_socket() -> None:
    async with running_app():
        status = socket_path().stat()
        assert stat.S_ISSOCK(status.st_mode)
        assert stat.S_IMODE(status.st_mode) == 0o600
        assert stat.S_IMODE(socket_path().parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to become somebody else")
async def test_a_process_of_somebody_else_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import os, socket, sys\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "client = socket.socket(socket.AF_UNIX); client.settimeout(5)\n"
        "client.connect(sys.argv[1])\n"
        "try:\n"
        "    client.sendall(sys.argv[2].encode() + b'\\n')\n"
        "    sys.exit(len(client.recv(16)))\n"
        "except ConnectionError:\n"
        "    pass\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        async with running_app() as app:
            socket_path().chmod(0o666)  # even where the modes would let them
            for each in (socket_path().parent, socket_path().parent.parent):
                each.chmod(0o755)
            process = await asyncio.create_subprocess_exec(
                "/usr/bin/python3", "-c", script, str(socket_path()), LINK
            )
            assert await process.wait() == 0, "no answer"
            assert (app.codes, app.told) == ([], [])


async def test_nonsense_on_the_socket_ends_nothing() -> None:
    async with running_app() as app:

        def say(words: bytes) -> bytes:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10)
                client.connect(str(socket_path()))
                client.sendall(words)
                client.shutdown(socket.SHUT_WR)
                try:
                    return client.recv(32)
                except ConnectionError:
                    return b""

        for words in (b"", LINK.encode(), b"A" * 100_000 + b"\n"):
            assert await asyncio.to_thread(say, words) == b""
        for words in (b"\n", b"x\n", b"\xff\n", b"A" * 200 + b"\n", b" \x00\x1b[2J\n"):
            assert await asyncio.to_thread(say, words) == b"no_code\n"
        assert app.codes == []
        assert await asyncio.to_thread(hand_over, LINK) is LinkAnswer.ACCEPTED


async def test_a_file_that_a_crash_left_behind_is_replaced(runtime_folder: Path) -> None:
    path = socket_path()
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert hand_over(LINK) is None
    async with running_app() as app:
        assert await asyncio.to_thread(hand_over, LINK) is LinkAnswer.ACCEPTED
        assert app.codes == ["ABCD2345"]


async def test_of_two_apps_the_first_gets_the_links() -> None:
    async with running_app() as first, running_app() as second:
        assert await asyncio.to_thread(hand_over, LINK) is LinkAnswer.ACCEPTED
        assert (first.codes, second.codes) == (["ABCD2345"], [])


async def test_a_folder_of_somebody_else_is_not_used(runtime_folder: Path) -> None:
    (runtime_folder / "kaika-bridge").mkdir(mode=0o700)
    (runtime_folder / "kaika-bridge").chmod(0o777)
    async with running_app():
        assert not socket_path().exists()


async def test_a_code_is_taken_only_while_one_is_asked_for() -> None:
    links = PairingLinks()
    assert not links.offer("ABCD2345")
    waiting = asyncio.ensure_future(links.wait())
    await asyncio.sleep(0)
    assert links.offer("ABCD2345")
    assert not links.offer("EFGH2345"), "one answer to one question"
    assert await waiting == "ABCD2345"
    assert not links.offer("ABCD2345")


def test_a_silent_app_does_not_hold_up_a_second_process() -> None:
    path = socket_path()
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        answer: list[LinkAnswer | None] = []
        asking = threading.Thread(target=lambda: answer.append(hand_over(LINK)))
        asking.start()
        asking.join(30)
        assert answer == [None]
