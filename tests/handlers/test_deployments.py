"""No bot promises what its deployment cannot do: without a provider, a bridge, a desk, records."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from handlers.engine.model import Step, StepContext, resolve_target
from handlers.engine.rendering import render_text
from handlers.faq import answers
from handlers.screen.text import label
from sandbox.engine import Engine
from services.faq.entries import Mode
from tests.bot_harness import BotHarness, ChatUser, buttons
from tests.handlers.clock import NOW, set_time
from tests.handlers.conversations.online.bridge_harness import open_bridge_harness
from tests.handlers.conversations.online.cardholders import Office
from tests.handlers.engine.navigation import Conversations, declared_conversations

LANGUAGES = {"en": "en", "zh_Hant": "zh-hant"}


@dataclass(frozen=True)
class Capabilities:
    """What a deployment can do."""

    has_authority: bool = False
    takes_payments: bool = False
    has_bridge: bool = False
    has_desk: bool = False

    def __str__(self) -> str:
        return "+".join(name for name, value in vars(self).items() if value) or "guide"


DEPLOYMENTS = (
    Capabilities(),
    Capabilities(has_desk=True),
    Capabilities(has_authority=True),
    Capabilities(has_authority=True, takes_payments=True),
    Capabilities(has_authority=True, has_bridge=True),
    Capabilities(has_authority=True, takes_payments=True, has_bridge=True, has_desk=True),
)
PROMISES = {
    "takes_payments": re.compile(
        r"pay here|Pay now|invoice is below|form of the payment provider|pay the card fee, check"
        r"|在這裡(線上)?繳費|現在繳費|金流業者|、線上繳費、查詢辦理進度、停用遺失"
    ),
    "has_bridge": re.compile(
        r"kaika-bridge(?! check)|[Cc]onnect (your|the) PC|/pair\b|電腦版讀卡程式"
    ),
    "has_authority": re.compile(
        r"one-time code by e-mail|We'll email|You can (see|suspend|reactivate|do) it here"
        r"|寄一次性驗證碼|可以在這裡(停用|復用|查)"
    ),
    "has_desk": re.compile(r"our staff|/person\b|A person can answer you here|客服人員會在這裡"),
}
"""Words that promise something, by what it takes to keep the promise."""


@asynccontextmanager
async def open_deployment(
    engine: Engine, folder: Path, can: Capabilities
) -> AsyncIterator[BotHarness]:
    """Start the bot of a deployment."""
    authority: Literal["guide", "embedded"] = "embedded" if can.has_authority else "guide"
    admins = (1,) if can.has_desk else ()
    start = BotHarness.start(
        engine, folder, authority, desk_admins=admins, takes_payments=can.takes_payments
    )
    async with start as harness:
        set_time(harness, NOW)
        if not can.has_bridge:
            yield harness
            return
        async with open_bridge_harness(harness, Office.open_for(harness, folder)):
            yield harness


def step_texts(conversations: Conversations, language: str) -> Iterator[tuple[str, str]]:
    """Yield every text and button of the conversations that is known from their declarations."""
    ctx = StepContext(1, 1, language, None, NOW, {})
    for conversation in conversations.values():
        for name, step in conversation.steps.items():
            place = f"{conversation.name}/{name}"
            yield place, text_of(step, ctx)
            labels = [each.label for each in step.buttons]
            labels += [each.label for each in step.info_buttons]
            for each in labels:
                yield place, label(language, each, **dict.fromkeys(_DATA, "x"))
            for info in step.info_buttons:
                yield place, str(render_text(info.text, ctx))


_DATA = ("known0", "known1", "known2")


def text_of(step: Step, ctx: StepContext) -> str:
    """Return the text of a step; an empty one where that needs data of earlier steps."""
    try:
        return str(render_text(step.text, ctx))
    except (KeyError, AssertionError):
        return ""


async def shown_texts(anna: ChatUser) -> list[tuple[str, str]]:
    """Return what a person sees who asks for everything that needs no data."""
    shown = []
    for words in ("/start", "/help", "/guide", "/privacy", "i want to talk to a person"):
        await anna.says(words)
        labels = " ".join(each["text"] for each in buttons(anna.last))
        shown.append((words, f"{anna.last['text']} {labels}"))
        await anna.says("/cancel")
    return shown


deployments = pytest.mark.parametrize("can", DEPLOYMENTS, ids=str)
languages = pytest.mark.parametrize("language", LANGUAGES)


@deployments
@languages
async def test_nothing_is_promised_that_the_deployment_cannot_do(
    engine: Engine, tmp_path: Path, can: Capabilities, language: str
) -> None:
    async with open_deployment(engine, tmp_path, can) as harness:
        anna = harness.add_user(language=LANGUAGES[language])
        texts = [*await shown_texts(anna)]
        texts += step_texts(declared_conversations(harness), language)
        context = harness.kaika.application.context_types.context(harness.kaika.application)
        for entry in harness.kaika.application.bot_data["services"].entries.all(language):
            for find in (answers.find_answer, answers.find_more):
                view = find(context, entry.id, language)
                assert view is not None
                rows = view.keyboard.inline_keyboard if view.keyboard else ()
                words = [each.text for row in rows for each in row]
                texts.append((entry.id, " ".join([*view.texts, *words])))
    broken = [
        (place, found[0])
        for capability, promise in PROMISES.items()
        if not getattr(can, capability)
        for place, text in texts
        if (found := promise.search(text))
    ]
    assert broken == []


@deployments
async def test_every_way_and_every_button_of_an_answer_leads_somewhere(
    engine: Engine, tmp_path: Path, can: Capabilities
) -> None:
    async with open_deployment(engine, tmp_path, can) as harness:
        conversations = declared_conversations(harness)
        context = harness.kaika.application.context_types.context(harness.kaika.application)
        entries = harness.kaika.application.bot_data["services"].entries.all("en")
        modes = {entry.id: answers.find_mode(context, entry) for entry in entries}
    for entry in entries:
        assert entry.conversation is None or entry.conversation in conversations, entry.id
    done_here = {entry.conversation for entry in entries if modes[entry.id] is Mode.EMBEDDED}
    assert ("pay" in done_here) is can.takes_payments
    assert ("suspend" in done_here) is can.has_authority
    assert ("activate" in done_here) is (can.has_bridge and can.has_authority)
    for conversation in conversations.values():
        for name, step in conversation.steps.items():
            targets = [
                target for each in step.transitions for target in (each.target, *each.also_targets)
            ]
            for links in (step.links, step.next_steps):
                targets += [
                    link if "/" in link else f"{link}/{conversations[link].initial}"
                    for link in (links if isinstance(links, tuple) else ())
                ]
            for target in targets:
                other, there = resolve_target(target, conversation.name)
                assert there in conversations[other].steps, f"{conversation.name}/{name}: {target}"


@languages
async def test_without_a_provider_paying_leads_to_the_official_page(
    engine: Engine, tmp_path: Path, language: str
) -> None:
    can = Capabilities(has_authority=True)
    async with open_deployment(engine, tmp_path, can) as harness:
        holder = await Office.open_for(harness, tmp_path).cardholder("submitted")
        anna = harness.add_user(language=LANGUAGES[language])
        await anna.says("how do I pay" if language == "en" else "怎麼繳費")
        assert "moica.nat.gov.tw" in str(anna.last["reply_markup"])
        await anna.starts("do-status")
        await anna.says(holder.number_and_code)
        await anna.presses("💳")
        await anna.presses("✅")
        anna.sees("moica.nat.gov.tw")
