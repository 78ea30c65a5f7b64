"""Whatever comes at whatever moment of whatever operation: the last word counts.

Once a stop was read nothing is asked and the card gets nothing; the card is reset and released;
what the chat says is true of the card; nobody is stuck, and the next operation can start. What does
not belong changes nothing. The suite runs a sample; `make interleaving`
runs everything.
"""

import traceback

import pytest

from reader_bridge.protocol.messages import BRIDGE_MESSAGES, SERVER_MESSAGES
from services.bridge.operations.card_task import CardTask
from tests.reader_bridge.end_to_end.crossing import (
    CrossingCase,
    cross_everything,
    draw_sample,
    find_moments,
)
from tests.reader_bridge.end_to_end.interleaving import start_interleaved_walk
from tests.reader_bridge.end_to_end.interventions import FROM_BRIDGE, FROM_SERVER
from tests.reader_bridge.end_to_end.whole_system import WholeSystem

SEED = 1


def test_every_message_of_the_protocol_comes_between() -> None:
    assert FROM_SERVER.keys() == SERVER_MESSAGES.keys()
    assert FROM_BRIDGE.keys() == BRIDGE_MESSAGES.keys()


async def test_the_last_word_counts_at_every_moment(system: WholeSystem) -> None:
    async with start_interleaved_walk(system) as walk:
        for case in draw_sample(await find_moments(walk), SEED):
            try:
                await case.run(walk)
            except BaseException as error:
                error.add_note(str(case))
                raise


@pytest.mark.slow_interleaving
@pytest.mark.parametrize("task", list(CardTask))
async def test_the_whole_crossing(system: WholeSystem, task: CardTask) -> None:
    wrong: list[tuple[CrossingCase, AssertionError]] = []
    count = 0
    async with start_interleaved_walk(system) as walk:
        for case in cross_everything(await find_moments(walk), [task]):
            count += 1
            try:
                await case.run(walk)
            except AssertionError as error:
                print(case)  # noqa: T201 - the run takes long
                traceback.print_exception(error)
                wrong.append((case, error))
    print(f"{count} runs of {task}")  # noqa: T201 - for the record
    assert not wrong
