"""State diagrams, drawn from the declarations (Mermaid)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from handlers.engine.model import (
    ButtonTransition,
    Conversation,
    ExternalTransition,
    Step,
    StepContext,
    StepText,
    resolve_target,
)

_TAG = re.compile(r"<[^>]+>")
_NOBODY = StepContext(0, 0, "en", None, datetime(2026, 1, 1, tzinfo=UTC), {})
_HEADING = re.compile(r"<b>(.+?)</b>")


def diagram(dialog: Conversation) -> str:
    """Return the state diagram of a conversation; steps of others stand outside."""
    lines = ["stateDiagram-v2", f"    [*] --> {dialog.initial}"]
    for name, step in dialog.steps.items():
        lines += [f"    {name} --> {there} : {by}" for there, by in _ways(dialog, step)]
        if step.is_end:
            lines.append(f"    {name} --> [*]")
    elsewhere = dict.fromkeys(
        (other, step) for other, step in _targets(dialog) if other != dialog.name
    )
    lines += [f'    state "{other}: {step}" as {other}_{step}' for other, step in elsewhere]
    return "\n".join(lines)


def heading(words: StepText) -> str:
    """Return what a step is about, in English: its bold beginning."""
    if not isinstance(words, str):
        try:
            words = words(_NOBODY)
        except KeyError:  # it needs what was kept on the way
            return "(depends on what was said before)"
    bold = _HEADING.search(words)
    return _plain(bold[1] if bold else words.split("\n")[0])


def _ways(dialog: Conversation, step: Step) -> Iterator[tuple[str, str]]:
    for way in step.transitions:
        by = (
            _plain(way.label)
            if isinstance(way, ButtonTransition | ExternalTransition)
            else "(typed)"
        )
        yield from ((_node(dialog, target), by) for target in (way.target, *way.also_targets))


def _node(dialog: Conversation, target: str) -> str:
    other, step = resolve_target(target, dialog.name)
    return step if other == dialog.name else f"{other}_{step}"


def _targets(dialog: Conversation) -> Iterator[tuple[str, str]]:
    for step in dialog.steps.values():
        for way in step.transitions:
            yield from (
                resolve_target(target, dialog.name) for target in (way.target, *way.also_targets)
            )


def _plain(text: str) -> str:
    """Return a text without markup and without what Mermaid reads as its own."""
    return re.sub(r"[:;#]", ",", _TAG.sub("", text)).strip()
