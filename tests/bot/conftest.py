"""Fixtures of the process's tests."""

import pytest

from tests.first_start import place_index


@pytest.fixture(scope="session", autouse=True)
def _index_is_learnt() -> None:
    """Let no program that tests start learn for itself what the search knows."""
    place_index()
