"""Every boundary takes its seeds, and what was once found to break it."""

from pathlib import Path

import pytest
import structlog

from tests.fuzz.boundaries import BOUNDARIES

FINDS = Path(__file__).with_name("finds")


@pytest.mark.parametrize("name", BOUNDARIES)
async def test_a_boundary_takes_its_seeds_and_every_find(name: str) -> None:
    boundary = BOUNDARIES[name]
    try:
        async with boundary.open() as feed:
            for data in (b"", *boundary.seeds()):
                await feed(data)
            for path in sorted((FINDS / name).glob("*")):
                await feed(path.read_bytes())
    finally:
        structlog.reset_defaults()
