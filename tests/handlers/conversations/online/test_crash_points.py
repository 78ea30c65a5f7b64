"""Every commit and every send of whole conversations, cut once: nothing is lost or done twice.

In the n-th round each person's process dies right after the n-th effect it had for them; then the
bot is started anew on the same folder, takes up what was left, and everybody goes on to the end.
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
from tests.services.authority.world import fast_folder

MOST = 70
"""More effects than any life has."""
SPREAD = 3
"""Every third round is cut here, and each on demand (`cutting`)."""
Ready = tuple[PreparedData, Mapping[str, Baseline]]


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    """Everybody's records, and what comes of each life where nobody dies."""
    folder = Path(tempfile.mkdtemp(dir=fast_folder()))
    yield asyncio.run(_made_ready(folder))
    shutil.rmtree(folder)


async def _made_ready(folder: Path) -> Ready:
    prepared = await prepare(folder / "prepared")
    async with open_run(prepared, folder / "uncut") as one_round:
        return prepared, await run_baselines(one_round)


def test_uncut_everybody_comes_to_their_end(ready: Ready) -> None:
    _, uncut = ready
    assert {name for name, each in uncut.items() if 20 < each.effect_count < MOST} == {
        life.name for life in SCENARIOS
    }
    changes = {fact for each in uncut.values() for fact, times in each.changes.items() if times}
    done = {fact[2] for fact in changes if fact[0] == "audit"}
    assert done >= {
        "suspended", "resumed", "paid", "address_changed", "chat_linked", "denied",
        "code_revealed", "code_wrong",
    }  # fmt: skip
    assert not {fact for fact in changes if fact[0] in ("update", "to be sent")}, "nothing is left"


async def test_dead_after_any_effect_nothing_is_lost_or_done_twice(ready: Ready) -> None:
    prepared, uncut = ready
    longest = max(each.effect_count for each in uncut.values())
    deaths = [await check_crash_point(prepared, uncut, n) for n in range(1, longest + 1, SPREAD)]
    assert sum(deaths) > 80
