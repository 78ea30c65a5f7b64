"""The page about the conversations is drawn from the declarations."""

import re

import pytest

from bot.cli.conversation_docs import PATH, render_page
from handlers.conversations.registry import GUIDES
from handlers.engine.diagram import diagram
from handlers.engine.model import Conversation


def test_the_page_is_up_to_date() -> None:
    assert PATH.read_text(encoding="utf-8") == render_page(), (
        "run: python -m bot.cli.conversation_docs"
    )


@pytest.mark.parametrize("conversation", GUIDES.values(), ids=lambda each: each.name)
def test_a_diagram_shows_every_step_and_choice(conversation: Conversation) -> None:
    drawn = diagram(conversation)
    arrows = re.findall(r"^    (\S+) --> (\S+)(?: : (.+))?$", drawn, re.MULTILINE)
    assert {start for start, _, _ in arrows} == set(conversation.steps) | {"[*]"}
    transitions = sum(
        len(step.buttons) + bool(step.text_input) for step in conversation.steps.values()
    )
    assert sum(bool(by) for _, _, by in arrows) == transitions
