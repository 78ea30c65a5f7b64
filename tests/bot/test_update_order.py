"""The updates of a chat are done in their order, also where one has to be processed again."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.updates import update_processor
from bot.updates.update_processor import DeferredChats
from services.faq.search import FaqSearch
from services.storage.availability import DatabaseUnavailableError
from tests.bot_harness import BotHarness, ChatUser, Json

QUESTIONS = ("how much does the card cost", "my card is lost", "where is my card reader")


class Outage:
    """The errors that questions meet, and the questions that were answered, in order."""

    def __init__(self) -> None:
        self.errors: dict[str, list[Exception]] = {}
        self.searched: list[str] = []

    def meet(self, question: str) -> None:
        """Raise the next error of a question."""
        if self.errors.get(question):
            raise self.errors[question].pop(0)
        self.searched.append(question)


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> Outage:
    """Questions may fail on the way to their answer."""
    outage, search = Outage(), FaqSearch.search

    def search_or_fail(self: FaqSearch, question: str, *arguments: Any, **named: Any) -> Any:
        outage.meet(question)
        return search(self, question, *arguments, **named)

    monkeypatch.setattr(FaqSearch, "search", search_or_fail)
    return outage


async def ask(harness: BotHarness, person: ChatUser, *questions: str) -> None:
    """Send questions, and let the bot process them."""
    for question in questions:
        person.person.send(question)
    await harness.kaika.intake.accept(await harness.updates())
    await harness.kaika.application.update_queue.join()


async def take_up_again(harness: BotHarness) -> int:
    """Let the bot process what was left undone."""
    count = await harness.kaika.intake.enqueue_unfinished()
    await harness.kaika.application.update_queue.join()
    return count


async def test_those_after_it_wait_and_another_chat_does_not(
    harness: BotHarness, outage: Outage
) -> None:
    anna, bea = harness.add_user(), harness.add_user("Bea")
    outage.errors[QUESTIONS[0]] = [DatabaseUnavailableError("away")] * 2
    await ask(harness, anna, *QUESTIONS[:2])
    await ask(harness, bea, "how do I pay")
    await ask(harness, anna, QUESTIONS[2])
    assert outage.searched == ["how do I pay"]
    assert await take_up_again(harness) == 3
    assert outage.searched == ["how do I pay"], "it is away still"
    await take_up_again(harness)
    assert outage.searched == ["how do I pay", *QUESTIONS]
    assert await take_up_again(harness) == 0


async def test_one_that_fails_for_good_lets_those_after_it_go_on(
    harness: BotHarness, outage: Outage
) -> None:
    anna = harness.add_user()
    outage.errors[QUESTIONS[0]] = [DatabaseUnavailableError("away"), KeyError("a bug")]
    await ask(harness, anna, *QUESTIONS)
    await take_up_again(harness)
    assert outage.searched == list(QUESTIONS[1:])


async def test_one_that_comes_while_the_others_are_read_waits_too(
    harness: BotHarness, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, load = harness.add_user(), harness.kaika.inbox.load_unfinished
    outage.errors[QUESTIONS[0]] = [DatabaseUnavailableError("away")]
    await ask(harness, anna, *QUESTIONS[:2])

    async def load_slowly() -> list[Json]:
        found = await load()
        await ask(harness, anna, QUESTIONS[2])
        return found

    with monkeypatch.context() as patch:
        patch.setattr(harness.kaika.inbox, "load_unfinished", load_slowly)
        assert await take_up_again(harness) == 0, "the third would be missing"
    assert await take_up_again(harness) == 3
    assert outage.searched == list(QUESTIONS)


async def test_it_is_tried_again_soon_and_then_less_often(
    harness: BotHarness, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(update_processor, "monotonic", lambda: clock[0])
    anna, waits = harness.add_user(), []
    outage.errors[QUESTIONS[0]] = [DatabaseUnavailableError("away")] * 9
    await ask(harness, anna, QUESTIONS[0])
    while not outage.searched:
        begun = clock[0]
        while not harness.kaika.intake._deferred.is_any_due:
            clock[0] += 0.5
        waits.append(clock[0] - begun)
        await harness.kaika.intake.take_up_again()
        await harness.kaika.application.update_queue.join()
    assert waits[0] <= 1.5
    assert max(waits) <= 75
    assert waits[-1] > waits[0]


@pytest.mark.parametrize(
    ("act", "is_waiting"),
    [
        (lambda chats: None, False),
        (lambda chats: chats.add_update(1), True),
        (lambda chats: chats.let_wait(1), True),
        (lambda chats: chats.defer(1), True),
    ],
)
def test_a_chat_is_released_unless_something_came_meanwhile(
    act: Callable[[DeferredChats], None], is_waiting: bool
) -> None:
    chats = DeferredChats()
    chats.defer(1)
    free = chats.begin_release(only_due=False)
    act(chats)
    assert chats.release(free) == (set() if is_waiting else {1})
    assert chats.is_waiting(1) == is_waiting
