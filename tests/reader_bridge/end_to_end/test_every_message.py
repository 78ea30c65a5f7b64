"""An fault at every message of everything that a chat can have done on the card.

Each ends in words that say what happened and what is next, and whoever follows them is done in
the end, with the card and the record agreeing, and no try of PIN or administrator spent.
"""

import pytest

from tests.reader_bridge.end_to_end.card_walk import start_card_walk
from tests.reader_bridge.end_to_end.faults import (
    AS_USUAL,
    FAULTS,
    TASKS,
    Fault,
    run_with_fault_everywhere,
)
from tests.reader_bridge.end_to_end.whole_system import WholeSystem


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: each.__name__)
async def test_it_is_explained_and_can_be_gone_on_with(system: WholeSystem, fault: Fault) -> None:
    async with start_card_walk(system) as walk:
        for work, messages in TASKS.items():
            assert await run_with_fault_everywhere(walk, work, fault) >= messages, work.__name__
        assert set(walk.explanations) <= FAULTS[fault] | AS_USUAL
