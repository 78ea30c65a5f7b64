"""A crash after any commit or send of a whole conversation: nothing is lost or done twice.

In the n-th run the process crashes right after its n-th effect for each person; then the bot is
restarted on the same folder, takes up what was left, and everybody goes on to the end.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.handlers.conversations.online.crash_runs import (
    Baseline,
    PreparedData,
    check_crash_point,
    open_run,
    prepare,
    run_baselines,
)
from tests.handlers.conversations.online.scenarios import SCENARIOS
from tests.services.authority.authority_harness import fast_folder

MOST_EFFECTS = 70
"""More effects than any scenario has."""
STRIDE = 7
"""Every seventh crash point is tested here, and all of them by `crash_runs`."""
Ready = tuple[PreparedData, Mapping[str, Baseline]]


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    """The prepared records, and what each scenario does without a crash."""
    folder = Path(tempfile.mkdtemp(dir=fast_folder()))
    yield asyncio.run(_prepare_baselines(folder))
    shutil.rmtree(folder)


async def _prepare_baselines(folder: Path) -> Ready:
    prepared = await prepare(folder / "prepared")
    async with open_run(prepared, folder / "baseline") as run:
        return prepared, await run_baselines(run)


def test_without_a_crash_everybody_comes_to_their_end(ready: Ready) -> None:
    _, baselines = ready
    assert {name for name, each in baselines.items() if 20 < each.effect_count < MOST_EFFECTS} == {
        scenario.name for scenario in SCENARIOS
    }
    changes = {fact for each in baselines.values() for fact, times in each.changes.items() if times}
    done = {fact[2] for fact in changes if fact[0] == "audit"}
    assert done >= {
        "suspended", "resumed", "paid", "address_changed", "chat_linked", "denied",
        "code_revealed", "code_wrong",
    }  # fmt: skip
    assert not {fact for fact in changes if fact[0] in ("update", "to be sent")}, "nothing is left"


async def test_after_a_crash_at_any_effect_nothing_is_lost_or_done_twice(ready: Ready) -> None:
    prepared, baselines = ready
    most = max(each.effect_count for each in baselines.values())
    crashes = [
        await check_crash_point(prepared, baselines, effect)
        for effect in range(1, most + 1, STRIDE)
    ]
    assert sum(crashes) > 30
