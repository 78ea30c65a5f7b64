"""A hub on an authority. What is about records runs on each kind of database, by its own import."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.authority.conftest import (
    MakeUrl,
    _copied,
    folder,
    migrated_file,
    postgres,
)
from tests.services.authority.world import NOW, World
from tests.services.bridge.card import CertifyingIssuer
from tests.services.bridge.world import BridgeWorld

__all__ = ["folder", "migrated_file", "postgres"]


@pytest.fixture
def make_url(migrated_file: Path) -> MakeUrl:
    """Make a fresh database and give its address."""
    return lambda folder: _copied(migrated_file, folder)


@pytest.fixture
async def world(make_url: MakeUrl, folder: Path) -> AsyncIterator[BridgeWorld]:
    """A hub on an authority of its own."""
    authority = World(await make_url(folder), folder, signs_with=CertifyingIssuer())
    await authority.authority.start(NOW)
    bridge = BridgeWorld(authority)
    await bridge.hub.restore(NOW)
    yield bridge
    await bridge.hub.close()
    await authority.close()
