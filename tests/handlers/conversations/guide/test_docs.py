"""The page about the conversations is drawn from the declarations."""

import re

import pytest

from bot.cli.conversation_docs import PATH, render_page
from handlers.conversations.guided import CONVERSATIONS
from handlers.engine.diagram import diagram
from handlers.engine.model import Conversation


def test_the_page_is_up_to_date() -> None:
    assert PATH.read_text(encoding="utf-8") == render_page(), (
        "run: python -m bot.cli.conversation_docs"
    )


@pytest.mark.parametrize("dialog", CONVERSATIONS.values(), ids=lambda d: d.name)
def test_a_diagram_shows_every_step_and_choice(dialog: Conversation) -> None:
    drawn = diagram(dialog)
    arrows = re.findall(r"^    (\S+) --> (\S+)(?: : (.+))?$", drawn, re.MULTILINE)
    assert {start for start, _, _ in arrows} == set(dialog.steps) | {"[*]"}
    choices = sum(len(step.buttons) + bool(step.text_input) for step in dialog.steps.values())
    assert sum(bool(by) for _, _, by in arrows) == choices
