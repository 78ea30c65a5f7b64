"""What the guide says to who has paid."""

import pytest

import locales
from tests.bot_harness import BotHarness
from tests.form_retention_text import stays_needed
from tests.handlers.engine.navigation import LANGUAGES


@pytest.mark.parametrize("client", LANGUAGES)
async def test_who_has_paid_is_told_that_the_form_stays_needed(
    harness: BotHarness, client: str
) -> None:
    hoa = harness.add_user("Hoa", client)
    await hoa.starts("do-pay-done")
    assert stays_needed(hoa.last["text"], locales.resolve(client))
