"""State diagrams of conversations in Mermaid, drawn from their declarations."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import locales
from handlers.engine.model import (
    ButtonTransition,
    Conversation,
    ExternalTransition,
    Step,
    StepContext,
    StepText,
    resolve_target,
)
from locales import facts

_TAG = re.compile(r"<[^<>]+>")
_SPECIAL = re.compile(r"[:;#]")
_EXAMPLE_CONTEXT = StepContext(0, 0, "en", None, datetime(2026, 1, 1, tzinfo=UTC), {})
_HEADING = re.compile(r"<b>([^<]+)</b>")


def diagram(conversation: Conversation) -> str:
    """Return the state diagram of a conversation, with the steps of others that it leads to."""
    lines = ["stateDiagram-v2", f"    [*] --> {conversation.initial}"]
    for name, step in conversation.steps.items():
        lines += [
            f"    {name} --> {node} : {trigger}" for node, trigger in _arrows(conversation, step)
        ]
        if step.is_end:
            lines.append(f"    {name} --> [*]")
    foreign_steps = dict.fromkeys(
        (name, step) for name, step in _targets(conversation) if name != conversation.name
    )
    lines += [f'    state "{name}: {step}" as {name}_{step}' for name, step in foreign_steps]
    return "\n".join(lines)


def heading(text: StepText) -> str:
    """Return the bold beginning of a step's text, in English."""
    if not isinstance(text, str):
        try:
            text = text(_EXAMPLE_CONTEXT)
        except KeyError:  # it needs data of earlier steps
            return "(depends on what was said before)"
    bold = _HEADING.search(text)
    return _plain_text(bold[1] if bold else text.split("\n")[0])


def _arrows(conversation: Conversation, step: Step) -> Iterator[tuple[str, str]]:
    for transition in step.transitions:
        trigger = "(typed)"
        if isinstance(transition, ButtonTransition | ExternalTransition):
            trigger = _plain_text(transition.label)
        for target in (transition.target, *transition.also_targets):
            yield _node_name(conversation, target), trigger


def _node_name(conversation: Conversation, target: str) -> str:
    name, step = resolve_target(target, conversation.name)
    return step if name == conversation.name else f"{name}_{step}"


def _targets(conversation: Conversation) -> Iterator[tuple[str, str]]:
    for step in conversation.steps.values():
        for transition in step.transitions:
            for target in (transition.target, *transition.also_targets):
                yield resolve_target(target, conversation.name)


def _plain_text(text: str) -> str:
    """Return a text with its facts, without markup and without Mermaid's special characters."""
    return _SPECIAL.sub(",", _TAG.sub("", facts.fill_in(text, locales.DEFAULT))).strip()
