"""The declarations themselves: everything leads somewhere, and every button comes back."""

import pytest

from handlers.conversations.registry import GUIDES
from handlers.engine.model import Conversation, resolve_target
from handlers.engine.rendering import ROUTE, SHOW
from handlers.engine.transitions import BACK, CANCEL
from handlers.screen.view import encode_callback_data
from services.faq import entries
from tests.handlers.engine.navigation import locate_steps

STATES = {
    "not applied": ("retrieve", "not_applied"),
    "unpaid": ("pay", "ready"),
    "overdue": ("retrieve", "overdue"),
    "paid": ("status", "on_its_way"),
    "posted": ("status", "on_its_way"),
    "received": ("activate", "ready"),
    "active, code forgotten": ("retrieve", "activated"),
    "PIN locked": ("unlock", "ready"),
    "code locked": ("unlock", "code_locked"),
    "lost": ("suspend", "ready"),
    "suspended": ("resume", "safe"),
    "revoked": ("resume", "revoked"),
    "expired": ("status", "expired"),
}
"""The states a person may be in, and the step triage has to lead to."""


@pytest.mark.parametrize("conversation", GUIDES.values(), ids=lambda each: each.name)
def test_every_choice_leads_to_a_step(conversation: Conversation) -> None:
    assert conversation.initial in conversation.steps
    for name, step in conversation.steps.items():
        typed = [step.text_input.target] if step.text_input else []
        for target in [button.target for button in step.buttons] + typed:
            other, there = resolve_target(target, conversation.name)
            assert there in GUIDES[other].steps, f"{name} leads to {target}"
        assert isinstance(step.links, tuple), (
            "only online conversations have links that depend on the moment"
        )
        for link in step.links:
            other, _, there = link.partition("/")
            assert not GUIDES[other].steps[there or GUIDES[other].initial].requires


@pytest.mark.parametrize("conversation", GUIDES.values(), ids=lambda each: each.name)
def test_every_button_fits_and_is_one_of_its_kind(conversation: Conversation) -> None:
    for name, step in conversation.steps.items():
        assert name.isidentifier(), "other names are the engine's own"
        assert max(len(name), len(conversation.name)) <= 16, "the length of the column"
        names = [button.key for button in step.buttons] + [info.key for info in step.info_buttons]
        assert len(names) == len(set(names))
        assert not {BACK, CANCEL, SHOW} & set(names)
        for key in [*names, "lang-zh_Hant"]:
            encode_callback_data(ROUTE, conversation.name, name, "9999999", key)


@pytest.mark.parametrize("conversation", GUIDES)
def test_every_step_is_reached_from_some_beginning(conversation: str) -> None:
    first = GUIDES[conversation].initial
    located = locate_steps(GUIDES, conversation)
    assert all(each.previous is not None or each.name == first for each in located)


def count_taps(goal: tuple[str, str]) -> int:
    """Return the fewest taps from the first step of triage to a step."""
    taps, reached = 0, {("triage", GUIDES["triage"].initial)}
    while goal not in reached:
        taps += 1
        assert taps < 10, "triage does not lead there"
        reached |= {
            resolve_target(button.target, conversation)
            for conversation, step in reached
            for button in GUIDES[conversation].steps[step].buttons
        }
    return taps


@pytest.mark.parametrize("state", STATES)
def test_triage_leads_there_in_three_taps(state: str) -> None:
    looks_for_the_form = state == "active, code forgotten"
    assert count_taps(STATES[state]) <= (4 if looks_for_the_form else 3)


def test_the_faq_leads_to_conversations_there_are() -> None:
    named = {entry.conversation for entry in entries.load_entries().all("en")} - {None, "support"}
    assert named <= set(GUIDES)
    assert len(named) == len(GUIDES) - 1, "each but triage, which stands beside each"


@pytest.mark.parametrize("conversation", GUIDES.values(), ids=lambda each: each.name)
def test_no_step_asks_for_a_secret_to_be_typed_here(conversation: Conversation) -> None:
    typed = [name for name, step in conversation.steps.items() if step.text_input]
    assert typed == (["date"] if conversation.name == "pay" else [])
