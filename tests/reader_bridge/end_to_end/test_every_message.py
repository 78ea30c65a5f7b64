"""An accident at every message of everything that a chat can have done on the card.

Each ends in words that say what happened and what is next, and whoever follows them is done in
the end, with the card and the record agreeing, and no try of PIN or administrator spent.
"""

import pytest

from tests.reader_bridge.end_to_end.accidents import (
    ACCIDENTS,
    AS_USUAL,
    WORKS,
    Accident,
    struck_everywhere,
)
from tests.reader_bridge.end_to_end.walking import sat_down
from tests.reader_bridge.end_to_end.whole import Whole


@pytest.mark.parametrize("accident", ACCIDENTS, ids=lambda each: each.__name__)
async def test_it_is_explained_and_can_be_gone_on_with(whole: Whole, accident: Accident) -> None:
    async with sat_down(whole) as walk:
        for work, messages in WORKS.items():
            assert await struck_everywhere(walk, work, accident) >= messages, work.__name__
        assert set(walk.told) <= ACCIDENTS[accident] | AS_USUAL
