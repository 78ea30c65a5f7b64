"""The same databases as the authority is tested on, with a hub on each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.authority.conftest import (
    MakeUrl,
    folder,
    make_url,
    migrated_file,
    postgres,
)
from tests.services.authority.world import NOW, World
from tests.services.bridge.card import CertifyingIssuer
from tests.services.bridge.world import BridgeWorld

__all__ = ["folder", "make_url", "migrated_file", "postgres"]


@pytest.fixture
async def world(make_url: MakeUrl, folder: Path) -> AsyncIterator[BridgeWorld]:
    """A hub on an authority of its own, on each kind of database."""
    authority = World(await make_url(folder), folder, signs_with=CertifyingIssuer())
    await authority.authority.start(NOW)
    bridge = BridgeWorld(authority)
    await bridge.hub.begin(NOW)
    yield bridge
    await bridge.hub.close()
    await authority.close()
