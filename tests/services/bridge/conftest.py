"""A hub with an authority. Tests of records run on each kind of database, by their own import."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.authority.authority_harness import NOW, AuthorityHarness
from tests.services.authority.conftest import MakeUrl, _copied, folder
from tests.services.bridge.hub_harness import HubHarness
from tests.services.bridge.reference_card import CertifyingIssuer

__all__ = ["folder"]


@pytest.fixture
def make_url(migrated_file: Path) -> MakeUrl:
    """Make a fresh database and return its URL."""
    return lambda folder: _copied(migrated_file, folder)


@pytest.fixture
async def harness(make_url: MakeUrl, folder: Path) -> AsyncIterator[HubHarness]:
    """A hub with an authority of its own."""
    authority = AuthorityHarness(await make_url(folder), folder, signs_with=CertifyingIssuer())
    await authority.authority.start(NOW)
    bridge = HubHarness(authority)
    await bridge.hub.restore(NOW)
    yield bridge
    await bridge.hub.close()
    await authority.close()
