"""What the bot shows fits a phone: the text with its buttons, without scrolling.

Telegram shows a new message from its end, so that a message that is too long hides its beginning.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

import locales
from handlers.engine.model import StepContext
from handlers.engine.rendering import render_step
from handlers.engine.transitions import Conversations
from handlers.faq import answers
from handlers.screen.view import View
from sandbox.engine import Engine
from services.conversations import ConversationState
from services.faq.entries import Mode, load_entries
from tests.bot_harness import TOKEN, BotHarness
from tests.browser import PHONE
from tests.sandbox.page.conftest import PageSandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


def answer_views(language: str) -> Iterator[tuple[str, View]]:
    """Every answer in every mode."""
    entries = load_entries()
    for entry in entries.all(language):
        for mode in Mode:
            yield f"{entry.id} {mode}", answers.answer_view(entries, entry, mode)


@pytest.mark.parametrize("language", locales.LANGUAGES)
async def test_an_answer_and_its_buttons_are_seen_at_once(
    page_sandbox: PageSandbox, language: str
) -> None:
    assert await find_too_long(page_sandbox, answer_views(language)) == []


NOW = datetime(2026, 11, 29, tzinfo=UTC)


def step_views(conversations: Conversations, language: str) -> Iterator[tuple[str, View]]:
    """Every step whose text is not put together from the person's data."""
    ctx = StepContext(1, 1, language, language, NOW, {})
    for conversation in conversations.values():
        for name, step in conversation.steps.items():
            if isinstance(step.text, str):
                state = ConversationState(
                    1, 1, conversation.name, name, NOW, ("pay/ready",), version=1
                )
                yield f"{conversation.name} {name}", render_step(conversations, state, ctx)


@pytest.mark.parametrize("language", locales.LANGUAGES)
@pytest.mark.parametrize("authority", ["guide", "embedded"])
async def test_a_step_and_its_buttons_are_seen_at_once(
    page_sandbox: PageSandbox,
    tmp_path: Path,
    authority: Literal["guide", "embedded"],
    language: str,
) -> None:
    async with BotHarness.start(Engine(TOKEN), tmp_path, authority) as harness:
        conversations = harness.kaika.application.bot_data["conversations"]
        views = list(step_views(conversations, language))
    assert len(views) > 40
    assert await find_too_long(page_sandbox, iter(views)) == []


async def find_too_long(
    page_sandbox: PageSandbox, views: Iterator[tuple[str, View]]
) -> list[tuple[str, float]]:
    """Send every view to a phone; return those that do not fit, with the pixels too many."""
    person = page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(PHONE)
    await page.goes_to("Mei")
    found: list[tuple[str, float]] = []
    for number, (name, shown) in enumerate(views):
        mark = f"[{number}]"
        keyboard = shown.keyboard.to_dict() if shown.keyboard else None
        await page_sandbox.bot.call(
            "sendMessage",
            chat_id=person.id,
            text=f"{mark} {shown.texts[-1]}",
            parse_mode="HTML",
            reply_markup=keyboard,
        )
        await page.sees(mark)
        measured = await page.measures(mark)
        if measured.height > measured.room:
            found.append((name, round(measured.height - measured.room)))
    return found
