"""Nobody is left at a message without a way on, in any deployment and in both languages."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest

import locales
from bot.cli.conversation_docs import embedded_conversations
from handlers.conversations.registry import GUIDES, Deployment, conversations_for
from handlers.engine.model import Conversation, Step, StepContext
from handlers.engine.rendering import render_text
from services.authority.interface.authority import Authority
from services.storage.database import Database
from tests.handlers.clock import NOW

PEOPLE = {
    "en": ("0800-080-117", "service station", "counter", "notified"),
    "zh_Hant": ("0800-080-117", "服務站", "櫃檯"),
}
"""Words that name somebody to turn to."""
NEEDS_NO_HELP = {("pay", "address")}
"""What everybody has: their own address."""


class _Anything:
    """Stands in for an authority that nothing is asked of."""

    keeper = None

    def __getattr__(self, name: str) -> "_Anything":
        return self


def deployments() -> Mapping[str, Mapping[str, Conversation]]:
    """Return the conversations of each deployment."""
    authority = cast(Authority, cast(Any, _Anything()))
    database = Database("sqlite+aiosqlite://")
    with_bridge = {each.name: each for each in embedded_conversations()}
    return {
        "guide": GUIDES,
        "embedded": conversations_for(Deployment(database, authority)).conversations,
        "embedded and paying": conversations_for(
            Deployment(database, authority, takes_payments=True)
        ).conversations,
        "embedded, paying and bridge": {**GUIDES, **with_bridge},
    }


DEPLOYMENTS = deployments()
every_deployment = pytest.mark.parametrize("deployment", DEPLOYMENTS)


def steps(deployment: str) -> Iterator[tuple[str, str, Step]]:
    """Yield every step with the names of its conversation and itself."""
    for conversation in DEPLOYMENTS[deployment].values():
        for name, step in conversation.steps.items():
            yield conversation.name, name, step


def names_somebody(step: Step, language: str) -> bool:
    """Whether the text of a step names somebody to turn to."""
    text = render_text(step.text, StepContext(1, 1, language, None, NOW, {}))
    return any(words in text for words in PEOPLE[language])


@every_deployment
def test_every_end_has_a_next_step_or_a_person(deployment: str) -> None:
    stranded = [
        f"{conversation}/{name} ({language})"
        for conversation, name, step in steps(deployment)
        if step.is_end and not step.links and not step.next_steps
        for language in locales.LANGUAGES
        if not names_somebody(step, language)
    ]
    assert stranded == []


@every_deployment
def test_who_lacks_what_is_asked_for_finds_another_way(deployment: str) -> None:
    stranded = [
        f"{conversation}/{name}"
        for conversation, name, step in steps(deployment)
        if step.secret_input is not None
        and not step.buttons
        and not step.info_buttons
        and (conversation, name) not in NEEDS_NO_HELP
    ]
    assert stranded == []


@every_deployment
def test_where_the_code_is_asked_for_there_is_a_way_without_it(deployment: str) -> None:
    found = 0
    for conversation, name, step in steps(deployment):
        if name in ("who", "code", "verify") and step.secret_input is not None:
            found += 1
            assert (
                any(
                    button.key in ("forgotten", "none", "no_code", "code")
                    for button in step.buttons
                )
                or conversation == "retrieve"
            ), f"{conversation}/{name}"
    assert found or deployment == "guide"


@every_deployment
def test_a_link_to_a_step_says_what_it_leads_to(deployment: str) -> None:
    conversations = DEPLOYMENTS[deployment]
    unnamed = {
        link
        for _, _, step in steps(deployment)
        for links in (step.links, step.next_steps)
        for link in (links if isinstance(links, tuple) else ())
        if "/" in link
        and (parts := link.split("/"))
        and parts[1] != conversations[parts[0]].initial
        and conversations[parts[0]].steps[parts[1]].title is None
    }
    assert unnamed == set()
