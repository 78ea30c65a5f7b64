"""The poller confirms only what is stored, and outlives whatever it is answered."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from telegram import Bot
from telegram.error import InvalidToken, NetworkError
from telegram.request import BaseRequest

from bot.updates import poller as poller_module
from bot.updates.poller import Poller
from services import supervisor as supervisor_module
from services.messaging.inbox import update_id_of
from services.messaging.update_json import ReceivedUpdate
from services.storage.availability import DatabaseUnavailableError
from services.supervisor import Supervisor
from tests.bot_harness import TOKEN

Answer = tuple[int, bytes] | Exception


def ok(*numbers: int) -> Answer:
    return 200, orjson.dumps({"ok": True, "result": [{"update_id": n} for n in numbers]})


def error(code: int, **parameters: int) -> Answer:
    body = {"ok": False, "error_code": code, "description": "no", "parameters": parameters}
    return code, orjson.dumps(body)


class ScriptedRequest(BaseRequest):
    """Returns scripted answers to getUpdates, and stops the poller at the end."""

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

    async def accept(self, items: list[ReceivedUpdate]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.accepted += [update_id_of(item) for item in items]


async def poll(intake: FakeIntake, *answers: Answer) -> ScriptedRequest:
    """Poll as the bot does, until there are no more answers."""
    script = ScriptedRequest(*answers)
    poller = Poller(Bot(TOKEN), script, intake)  # type: ignore[arg-type]
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    script.at_end = lambda: ended.set_result(None)
    polling = Supervisor(ended.set_exception).repeating(
        "poller", poller.poll, interrupt=poller.stop, fatal=(InvalidToken,)
    )
    async with polling, asyncio.timeout(10):
        await ended
    return script


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller_module, "_MAX_BACK_OFF", 0.0)
    monkeypatch.setattr(supervisor_module, "_FIRST_BACK_OFF", 0.0)


async def test_the_next_offset_follows_what_was_stored() -> None:
    intake = FakeIntake()
    script = await poll(intake, ok(5, 6), ok(), ok(9))
    assert intake.accepted == [5, 6, 9]
    assert script.offsets == [None, "7", "7", "10"]


async def test_what_could_not_be_stored_is_asked_for_again() -> None:
    intake = FakeIntake(DatabaseUnavailableError("disk full"))
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
        (200, b'[{"update_id": 4}]'),
        (200, b'{"ok": true}'),
        (200, b'"ok"'),
        (200, b""),
        (200, b'{"ok": true, "result": [{"update_id": 4, "mess'),
        (204, b""),
        (301, b"<html>moved</html>"),
        (429, b'{"ok": false, "error_code": 429, "parameters": [7]}'),
        (404, b"<html>not here</html>"),
        (401, b'{"error": "no such tenant"}'),
        (404, b'[{"ok": false, "error_code": 404}]'),
    ],
)
async def test_it_outlives_every_bad_answer(answer: Answer) -> None:
    intake = FakeIntake()
    await poll(intake, answer, answer, ok(5))
    assert intake.accepted == [5]


@pytest.mark.parametrize("code", [401, 404])
async def test_an_unknown_token_ends_it(code: int) -> None:
    with pytest.raises(InvalidToken):
        await poll(FakeIntake(), error(code), error(401), error(404))


@pytest.mark.parametrize(
    "answers",
    [
        [NetworkError("gone")],
        [(404, b"<html>")],
        [error(401), error(500)],
        [error(401), (200, b'{"ok": true, "result": {"id": 1}}')],
    ],
)
async def test_a_token_is_unknown_only_where_get_me_says_so_twice(answers: list[Answer]) -> None:
    intake = FakeIntake()
    await poll(intake, error(401), *answers, ok(5))
    assert intake.accepted == [5]


async def test_an_update_that_no_parser_takes_comes_with_its_neighbours() -> None:
    intake = FakeIntake()
    deep = b'{"update_id": 6, "message": ' + b'{"reply_to_message": ' * 320 + b"1" + b"}" * 321
    deeper = b'{"update_id": 8, "message": ' + b"[" * 5000 + b"]" * 5000 + b"}"
    half = b'{"update_id": 9, "message": {"text": "\\ud83d"}}'
    parts = [b'{"update_id": 5}', deep, b'{"update_id": 7}', deeper, half]
    script = await poll(intake, (200, b'{"ok":true,"result":[' + b",".join(parts) + b"]}"), ok())
    assert intake.accepted == [5, 6, 7, 8, 9]
    assert script.offsets == [None, "10", "10"]


async def test_of_an_answer_that_was_cut_off_the_whole_updates_are_taken() -> None:
    intake = FakeIntake()
    cut = b'{"ok":true,"result":[{"update_id":5,"a":"]}"},{"update_id":6,"message":{"text":"a }}'
    script = await poll(intake, (200, cut), ok(6))
    assert intake.accepted == [5, 6]
    assert script.offsets == [None, "6", "7"]


async def test_it_waits_as_long_as_telegram_says(capsys: pytest.CaptureFixture[str]) -> None:
    script = ScriptedRequest(error(429, retry_after=30))
    poller = Poller(Bot(TOKEN), script, FakeIntake())  # type: ignore[arg-type]
    polling = asyncio.create_task(poller.poll())
    for _ in range(50):
        await asyncio.sleep(0)
    assert "seconds=30" in capsys.readouterr().out
    assert not polling.done()
    poller.stop()
    await asyncio.wait_for(polling, 10)
    assert script.offsets == [None]


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

    async def slowly(items: list[ReceivedUpdate]) -> None:
        started.set()
        await gate.wait()
        await accept(items)

    intake.accept = slowly  # type: ignore[method-assign]
    running = asyncio.create_task(poller.poll())
    await started.wait()
    poller.stop()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not running.done()
    gate.set()
    await asyncio.wait_for(running, 10)
    assert intake.accepted == [5, 6]
