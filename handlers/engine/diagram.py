"""State diagrams, drawn from the declarations (Mermaid)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from handlers.engine.model import Choice, Dialog, Heard, Scene, Step, Words, place

_TAG = re.compile(r"<[^>]+>")
_NOBODY = Scene(0, 0, "en", None, datetime(2026, 1, 1, tzinfo=UTC), {})
_HEADING = re.compile(r"<b>(.+?)</b>")


def diagram(dialog: Dialog) -> str:
    """Give the state diagram of a conversation; steps of others stand outside."""
    lines = ["stateDiagram-v2", f"    [*] --> {dialog.begins}"]
    for name, step in dialog.steps.items():
        lines += [f"    {name} --> {there} : {by}" for there, by in _ways(dialog, step)]
        if step.is_end:
            lines.append(f"    {name} --> [*]")
    elsewhere = dict.fromkeys(
        (other, step) for other, step in _targets(dialog) if other != dialog.name
    )
    lines += [f'    state "{other}: {step}" as {other}_{step}' for other, step in elsewhere]
    return "\n".join(lines)


def heading(words: Words) -> str:
    """Give what a step is about, in English: its bold beginning."""
    if not isinstance(words, str):
        try:
            words = words(_NOBODY)
        except KeyError:  # it needs what was kept on the way
            return "(depends on what was said before)"
    bold = _HEADING.search(words)
    return _plain(bold[1] if bold else words.split("\n")[0])


def _ways(dialog: Dialog, step: Step) -> Iterator[tuple[str, str]]:
    for way in step.ways:
        by = _plain(way.label) if isinstance(way, Choice | Heard) else "(typed)"
        yield from ((_node(dialog, target), by) for target in (way.to, *way.others))


def _node(dialog: Dialog, target: str) -> str:
    other, step = place(target, dialog.name)
    return step if other == dialog.name else f"{other}_{step}"


def _targets(dialog: Dialog) -> Iterator[tuple[str, str]]:
    for step in dialog.steps.values():
        for way in step.ways:
            yield from (place(target, dialog.name) for target in (way.to, *way.others))


def _plain(text: str) -> str:
    """Give a text without markup and without what Mermaid reads as its own."""
    return re.sub(r"[:;#]", ",", _TAG.sub("", text)).strip()
