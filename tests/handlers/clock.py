"""The time of the whole bot, which tests set instead of waiting."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from handlers.context import Services
from tests.bot_harness import BotHarness

NOW = datetime(2027, 3, 1, 4, tzinfo=UTC)
"""Noon in Taipei; in the future, so that the bot's own worker finds nothing due meanwhile."""


def set_time(harness: BotHarness, moment: datetime) -> None:
    """Stop the bot's clock at `moment`."""
    follow_clock(harness, lambda: moment)


def follow_clock(harness: BotHarness, now: Callable[[], datetime]) -> None:
    """Let the bot read its time from `now`."""
    data = harness.kaika.application.bot_data
    data["services"] = replace(data["services"], now=now)


def current_time(harness: BotHarness) -> datetime:
    """Return what time it is for the bot."""
    services: Services = harness.kaika.application.bot_data["services"]
    return services.now()


def advance_time(harness: BotHarness, **time: Any) -> None:
    """Put the bot's clock forward, such as by ``days=3``."""
    data = harness.kaika.application.bot_data
    now = data["services"].now
    data["services"] = replace(data["services"], now=lambda: now() + timedelta(**time))
