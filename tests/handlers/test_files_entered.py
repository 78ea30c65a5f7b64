"""The path of an update stays short.

Where a limit is exceeded, `python -m benchmarks.files_entered --files` lists the files. One more
file that is whole may be right, and then the limit is raised; a hop that only passes on is not.
"""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.files_entered import count_all

LIMITS: Mapping[str, int] = {
    "a free-text answer": 28,
    "a question inside a conversation": 41,
    "the last tap of a suspension": 37,
    "a payment": 41,
    "an unlock": 79,
}


async def test_no_action_enters_more_files_than_it_needs(tmp_path: Path) -> None:
    counts = {action: len(files) for action, files in (await count_all(tmp_path)).items()}
    assert counts.keys() == LIMITS.keys()
    exceeded = {action: count for action, count in counts.items() if count > LIMITS[action]}
    assert not exceeded
