"""The poller confirms only what is stored, and outlives whatever it is answered."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from sqlalchemy.exc import OperationalError
from telegram import Bot
from telegram.error import InvalidToken, NetworkError
from telegram.request import BaseRequest

from bot.updates import poller as poller_module
from bot.updates.poller import Poller
from tests.chat import TOKEN

Answer = tuple[int, bytes] | Exception


def ok(*numbers: int) -> Answer:
    return 200, orjson.dumps({"ok": True, "result": [{"update_id": n} for n in numbers]})


def error(code: int, **parameters: int) -> Answer:
    body = {"ok": False, "error_code": code, "description": "no", "parameters": parameters}
    return code, orjson.dumps(body)


class ScriptedRequest(BaseRequest):
    """Gives scripted answers to getUpdates, and stops the poller at the end."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.offsets: list[str | None] = []
        self.at_end: Callable[[], None] = lambda: None

    @property
    def read_timeout(self) -> float:
        return 1.0

    async def initialize(self) -> None: ...

    async def shutdown(self) -> None: ...

    async def do_request(self, url: str, method: str, *_: Any, **__: Any) -> tuple[int, bytes]:
        self.offsets.append(parse_qs(urlsplit(url).query).get("offset", [None])[0])
        if not self.answers:
            self.at_end()
            await asyncio.Event().wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeIntake:
    """Accepts updates, or fails."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.accepted: list[int] = []
        self.has_room = asyncio.Event()
        self.has_room.set()

    async def accept(self, items: list[dict[str, Any]]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.accepted += [item["update_id"] for item in items]


async def poll(intake: FakeIntake, *answers: Answer) -> ScriptedRequest:
    script = ScriptedRequest(*answers)
    poller = Poller(Bot(TOKEN), script, intake)  # type: ignore[arg-type]
    script.at_end = poller.stop
    await asyncio.wait_for(poller.run(), 10)
    return script


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller_module, "_MAX_BACK_OFF", 0.0)


async def test_the_next_offset_follows_what_was_stored() -> None:
    intake = FakeIntake()
    script = await poll(intake, ok(5, 6), ok(), ok(9))
    assert intake.accepted == [5, 6, 9]
    assert script.offsets == [None, "7", "7", "10"]


async def test_what_could_not_be_stored_is_asked_for_again() -> None:
    intake = FakeIntake(OperationalError("disk full", None, Exception()))
    script = await poll(intake, ok(5), ok(5))
    assert intake.accepted == [5]
    assert script.offsets == [None, None, "6"]


@pytest.mark.parametrize(
    "answer",
    [
        NetworkError("gone"),
        OSError("gone"),
        error(409),
        error(500),
        error(502),
        error(400),
        (200, b"<html>"),
        (200, b'{"ok": true, "result": 7}'),
        (200, b'{"ok": true, "result": [7]}'),
        (200, b'{"ok": true, "result": [{"update_id": "x"}, {}, null]}'),
    ],
)
async def test_it_outlives_every_bad_answer(answer: Answer) -> None:
    intake = FakeIntake()
    await poll(intake, answer, answer, ok(5))
    assert intake.accepted == [5]


async def test_an_unknown_token_ends_it() -> None:
    with pytest.raises(InvalidToken):
        await poll(FakeIntake(), error(401))


async def test_nothing_is_asked_for_while_there_is_no_room() -> None:
    intake = FakeIntake()
    intake.has_room.clear()
    asking = asyncio.create_task(poll(intake, ok(5)))
    for _ in range(20):
        await asyncio.sleep(0)
    assert intake.accepted == []
    intake.has_room.set()
    await asking
    assert intake.accepted == [5]


async def test_a_batch_in_hand_is_stored_before_it_stops() -> None:
    intake = FakeIntake()
    script = ScriptedRequest(ok(5, 6))
    poller = Poller(Bot(TOKEN), script, intake)  # type: ignore[arg-type]
    started, gate, accept = asyncio.Event(), asyncio.Event(), intake.accept

    async def slowly(items: list[dict[str, Any]]) -> None:
        started.set()
        await gate.wait()
        await accept(items)

    intake.accept = slowly  # type: ignore[method-assign]
    running = asyncio.create_task(poller.run())
    await started.wait()
    poller.stop()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not running.done()
    gate.set()
    await asyncio.wait_for(running, 10)
    assert intake.accepted == [5, 6]
