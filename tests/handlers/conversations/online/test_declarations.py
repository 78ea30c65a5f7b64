"""The declarations: everything leads somewhere, and says whose records it is about."""

import re

import pytest

from bot.cli.conversation_docs import embedded_conversations
from handlers.conversations.registry import GUIDES, Deployment, conversations_for
from handlers.engine.diagram import diagram
from handlers.engine.model import Conversation, Step, resolve_target
from handlers.engine.rendering import ROUTE
from handlers.screen.view import encode_callback_data
from tests import phrases
from tests.bot_harness import BotHarness
from tests.handlers.engine.navigation import press, state

ONLINE = {conversation.name: conversation for conversation in embedded_conversations()}
ALL = {**GUIDES, **ONLINE}
TRIAGE = {
    "lost": (["lost", "maybe"], ("suspend", "who")),
    "code forgotten": (["forgot", "code"], ("retrieve", "form")),
    "unpaid": (["pay", "how"], ("pay", "who")),
    "overdue": (["pay", "late"], ("retrieve", "overdue")),
    "found again": (["lost", "found"], ("resume", "safe")),
    "revoked": (["card", "ended", "revoked"], ("resume", "revoked")),
    "not sure": (["card", "ended", "look"], ("status", "who")),
}


@pytest.mark.parametrize("conversation", ONLINE.values(), ids=lambda each: each.name)
def test_every_way_leads_to_a_step(conversation: Conversation) -> None:
    assert conversation.initial in conversation.steps
    for name, step in conversation.steps.items():
        assert name.isidentifier()
        assert max(len(name), len(conversation.name)) <= 16, "the length of the column"
        for transition in step.transitions:
            for target in (transition.target, *transition.also_targets):
                other, there = resolve_target(target, conversation.name)
                assert there in ALL[other].steps, f"{name} leads to {target}"
        for link in step.links if isinstance(step.links, tuple) else ():
            other, _, there = link.partition("/")
            assert not ALL[other].steps[there or ALL[other].initial].requires, (
                f"{name} links {link}"
            )
        for button in step.buttons:
            encode_callback_data(ROUTE, conversation.name, name, "9999999", button.key)


@pytest.mark.parametrize("conversation", ONLINE.values(), ids=lambda each: each.name)
def test_a_diagram_shows_every_way(conversation: Conversation) -> None:
    arrows = re.findall(r"^    (\S+) --> (\S+) : ", diagram(conversation), re.MULTILINE)
    drawn = {(start, end) for start, end in arrows}
    for name, step in conversation.steps.items():
        for transition in step.transitions:
            for target in (transition.target, *transition.also_targets):
                other, there = resolve_target(target, conversation.name)
                assert (name, there if other == conversation.name else f"{other}_{there}") in drawn


def asks_for_secret(step: Step) -> bool:
    """Whether something secret is typed at a step."""
    return step.secret_input is not None


def test_the_guide_asks_for_nothing_secret() -> None:
    assert not any(
        asks_for_secret(step)
        for conversation in GUIDES.values()
        for step in conversation.steps.values()
    )


@pytest.mark.parametrize("trouble", TRIAGE)
async def test_triage_leads_there(harness: BotHarness, trouble: str) -> None:
    taps, goal = TRIAGE[trouble]
    anna = harness.add_user()
    await anna.starts("do-triage")
    for key in taps:
        await press(anna, key)
    at = await state(anna)
    assert (at.conversation, at.step) == goal


@pytest.mark.parametrize(
    ("language", "asked", "demonstration", "pin"),
    [
        (
            "en",
            "only in a step you started",
            phrases.DEMONSTRATION,
            "never ask for your PIN in a chat",
        ),
        ("zh-hant", "開始辦理時", phrases.DEMONSTRATION.chinese, "絕不會在聊天室向您索取PIN碼"),
    ],
)
async def test_the_first_words_are_true_here(
    harness: BotHarness, language: str, asked: str, demonstration: str, pin: str
) -> None:
    anna = harness.add_user(language=language)
    await anna.starts()
    anna.sees(asked, demonstration, pin)
    assert "I never ask for your subscriber code" not in anna.last["text"]
    await anna.says("/help")
    anna.sees(demonstration, "/privacy")
    await anna.says("/guide")
    anna.sees(demonstration, pin)
    await anna.says("ngA2h345")
    anna.sees("🔒", "/guide")
    await anna.says("4111 1111 1111 1111")
    assert "/guide" not in anna.last["text"]


async def test_who_runs_it_is_named(harness: BotHarness) -> None:
    harness.authority.keeper = "The Tea Authority"
    kaika = harness.kaika
    registry = conversations_for(Deployment(kaika.database, harness.authority))
    kaika.application.bot_data["conversations"] = registry.conversations
    anna = harness.add_user()
    await anna.starts("do-suspend")
    anna.sees("kept by The Tea Authority, who runs this service")
    await anna.starts()
    assert any("The Tea Authority" in message["text"] for message in anna.bot_messages[-2:])
