"""An fault at every message of everything that a chat can have done on the card.

Each ends in words that say what happened and what is next, and whoever follows them is done in
the end, with the card and the record agreeing, and no try of PIN or administrator spent.
"""

import pytest

from tests import phrases
from tests.handlers.conversations.online.bridge_harness import button_keys
from tests.handlers.engine.navigation import press
from tests.reader_bridge.end_to_end.card_walk import start_card_walk
from tests.reader_bridge.end_to_end.faults import (
    AS_USUAL,
    FAULTS,
    TASKS,
    Fault,
    run_with_fault_everywhere,
    unlock,
)
from tests.reader_bridge.end_to_end.frame_proxy import Forward, FrameFault, ProxiedLink, Socket
from tests.reader_bridge.end_to_end.whole_system import WholeSystem


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: each.__name__)
async def test_it_is_explained_and_can_be_gone_on_with(system: WholeSystem, fault: Fault) -> None:
    async with start_card_walk(system) as walk:
        for work, messages in TASKS.items():
            assert await run_with_fault_everywhere(walk, work, fault) >= messages, work.__name__
        assert set(walk.explanations) <= FAULTS[fault] | AS_USUAL


async def test_after_a_try_that_was_cut_off_the_chat_says_why_it_asks_for_the_code_again(
    system: WholeSystem,
) -> None:
    async with start_card_walk(system) as walk:
        key = await unlock(walk)

        async def pull(_: ProxiedLink, __: Socket, forward: Forward) -> None:
            walk.reader.pull()
            await forward()

        walk.process.hub_counter.proxy.fault = FrameFault(
            1, pull, lambda message: message["type"] == "admin_cryptogram"
        )
        await press(walk.person, key)
        await walk.wait_idle()
        walk.person.sees(phrases.CARD_PULLED_OUT)
        assert "again" in button_keys(walk.person)
        await press(walk.person, "again")
        walk.person.sees(phrases.ONE_TRY_ON_THE_CARD, phrases.TYPE_BOTH_AGAIN)
        assert phrases.TEN_MINUTES_PASSED not in walk.person.last["text"]
