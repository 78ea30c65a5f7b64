"""What holds in every test of the conversations."""

from collections.abc import Iterator

import pytest

from sandbox.engine import Engine
from tests.message_lengths import LengthGuard


@pytest.fixture(autouse=True)
def messages_fit_a_phone(engine: Engine) -> Iterator[None]:
    """Expects that no message was too long."""
    guard = LengthGuard()
    engine.observe(guard)
    yield
    assert guard.too_long == []
