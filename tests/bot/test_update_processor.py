"""One chat's updates in sequence, chats concurrently, urgent updates first."""

import asyncio
from collections.abc import Awaitable
from contextlib import nullcontext
from datetime import datetime
from typing import Any

from telegram import Chat, InlineQuery, Message, Update, User
from telegram._utils.datetime import UTC

from bot.telegram.rate_limiter import CURRENT_TURN
from bot.updates.update_processor import (
    ClosableUpdateQueue,
    PerChatUpdateProcessor,
)
from handlers.card_events import PairingCodeAged

MAX_CHATS = 20
ANNA = User(1, "Anna", False)


def message(number: int, chat_id: int = 1) -> Update:
    sent = Message(number, datetime(2026, 11, 23, tzinfo=UTC), Chat(chat_id, "private"))
    return Update(number, message=sent)


class ProcessorBench:
    """Processes updates; each runs until it is released."""

    def __init__(self) -> None:
        self.finished: list[int] = []
        self.errors: dict[int, BaseException] = {}
        self.started: list[int] = []
        self.held: list[int] = []
        """Updates that had to show nothing."""
        self.pausing: set[int] = set()
        """Updates that let the next ones go on while they wait."""
        self.ended: list[int] = []
        self.gates: dict[int, asyncio.Event] = {}
        self.processor = PerChatUpdateProcessor(self, MAX_CHATS)
        self.tasks: list[asyncio.Task[None]] = []

    def run(self, _update_id: int, work: Awaitable[Any]) -> Awaitable[Any]:
        return work

    def hold(self, update_id: int, *, is_preceded: bool) -> bool:
        if is_preceded:
            self.held.append(update_id)
        return is_preceded

    def fail(self, update_id: int, error: BaseException) -> None:
        self.errors[update_id] = error

    def finish(self, update_id: int) -> None:
        self.finished.append(update_id)

    async def _work(self, number: int) -> None:
        self.started.append(number)
        turn = CURRENT_TURN.get()
        async with turn.pause() if turn and number in self.pausing else nullcontext():
            await self.gates[number].wait()
        self.ended.append(number)

    async def brings(self, *updates: Update) -> None:
        for update in updates:
            self.gates[update.update_id] = asyncio.Event()
            work: Any = self._work(update.update_id)
            self.tasks.append(asyncio.create_task(self.processor.process_update(update, work)))
        await self.settles()

    async def settles(self) -> None:
        for _ in range(4 * MAX_CHATS):  # they begin one by one
            await asyncio.sleep(0)

    async def releases(self, *numbers: int) -> None:
        for number in numbers:
            self.gates[number].set()
            await self.settles()


async def test_one_chat_waits_its_turn_and_another_does_not() -> None:
    bench = ProcessorBench()
    await bench.brings(message(1), message(2), message(3), message(4, chat_id=2))
    assert bench.started == [1, 4]
    await bench.releases(1)
    assert bench.started == [1, 4, 2]
    await bench.releases(4, 2, 3)
    assert bench.finished == [1, 4, 2, 3]
    assert bench.processor._chats == {}, "nothing is kept of chats at rest"


async def test_those_after_one_that_waits_for_telegram_go_on_but_show_nothing() -> None:
    bench = ProcessorBench()
    bench.pausing = {1}
    await bench.brings(message(1), message(2), message(3))
    assert (bench.started, bench.held) == ([1, 2], [2])
    await bench.releases(1)
    assert bench.ended == [], "the second has its turn now"
    await bench.releases(2, 3)
    assert (bench.ended, bench.held) == ([2, 3, 1], [2, 3])
    await bench.brings(message(4))
    await bench.releases(4)
    assert bench.held == [2, 3]
    assert bench.processor._chats == {}
    assert bench.processor._slots._value == MAX_CHATS


async def test_many_who_wait_for_telegram_keep_nobody_else_waiting() -> None:
    bench = ProcessorBench()
    many = range(1, MAX_CHATS + 1)
    bench.pausing = {*many}
    await bench.brings(*(message(n, chat_id=n) for n in many))
    await bench.brings(message(9999, chat_id=9999))
    assert bench.started[-1] == 9999
    await bench.releases(9999, *many)
    assert bench.processor._slots._value == MAX_CHATS


async def test_one_that_is_interrupted_while_it_waits_for_telegram_leaves_nothing_behind() -> None:
    bench = ProcessorBench()
    bench.pausing = {1}
    await bench.brings(message(1), message(2))
    bench.tasks[0].cancel()
    await bench.settles()
    await bench.releases(2)
    assert bench.processor._chats == {}
    assert bench.processor._slots._value == MAX_CHATS


async def test_an_inline_query_waits_for_nobody() -> None:
    bench = ProcessorBench()
    query = Update(9, inline_query=InlineQuery("q", ANNA, "pin", ""))
    await bench.brings(message(1), message(2), query)
    assert bench.started == [1, 9]
    await bench.releases(1, 2, 9)


async def test_a_busy_house_still_lets_the_urgent_in() -> None:
    bench = ProcessorBench()
    many = range(1, MAX_CHATS + 10)
    await bench.brings(*(message(n, chat_id=n) for n in many))
    assert len(bench.started) == MAX_CHATS
    await bench.brings(Update(9999, inline_query=InlineQuery("q", ANNA, "pin", "")))
    assert bench.started[-1] == 9999
    await bench.releases(9999, *many)
    assert sorted(bench.finished) == [*many, 9999]


async def test_an_update_that_fails_does_not_hold_up_its_chat() -> None:
    bench = ProcessorBench()
    processor = bench.processor

    async def fail() -> None:
        raise ValueError

    results = await asyncio.gather(
        *(processor.process_update(message(n), fail()) for n in (1, 2)), return_exceptions=True
    )
    assert [type(result) for result in results] == [ValueError, ValueError]
    assert bench.finished == [1, 2]
    assert [type(error) for error in bench.errors.values()] == [ValueError, ValueError]
    assert processor._chats == {}


async def test_an_update_that_is_interrupted_says_so() -> None:
    bench = ProcessorBench()
    await bench.brings(message(1))
    bench.tasks[0].cancel()
    await bench.settles()
    assert (bench.finished, type(bench.errors[1])) == ([1], asyncio.CancelledError)


async def test_a_closed_line_lets_nobody_in_but_ptbs_word_to_stop() -> None:
    queue = ClosableUpdateQueue()
    queue.put_nowait(message(1))
    queue.close()
    queue.put_nowait(message(2))
    queue.put_nowait(PairingCodeAged(7))
    await queue.put(word := object())
    assert [(await queue.get()).update_id, await queue.get()] == [1, word]  # type: ignore[attr-defined]
    for _ in range(2):
        queue.task_done()
    await asyncio.wait_for(queue.join(), 10)
