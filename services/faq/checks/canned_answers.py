"""Whether canned answers are there in every language, and say the same as far as can be told."""

from collections.abc import Callable, Iterator
from pathlib import Path

import locales
from services.faq.canned import FOLDER, CannedAnswer, CannedAnswers
from services.faq.checks.findings import FaqFinding
from services.faq.entries import Entries, find_line

_LONGEST_TITLE = 60


def find_bad_canned_answers(
    entries: Entries, canned: CannedAnswers, render: Callable[[str], object]
) -> Iterator[FaqFinding]:
    """Yield what is wrong with canned answers.

    :param render: renders Markdown, and raises `ValueError` for what a message cannot hold.
    """
    first, *others = locales.LANGUAGES
    for answer_id in dict.fromkeys(known for known, _ in canned):
        found = {language: canned.get((answer_id, language)) for language in locales.LANGUAGES}
        if answer_id in entries.ids:
            path = _path(answer_id, first)
            yield FaqFinding(path, None, f"{answer_id} is an FAQ entry, too", "Rename the file")
        for language, answer in found.items():
            if answer is None:
                path = _path(answer_id, language)
                remedy = "Write it, or delete the answer in every language"
                yield FaqFinding(path, None, f"{answer_id} is missing in {language}", remedy)
            else:
                yield from _find_bad_text(answer, render)
        model = found[first]
        for language in others:
            other = found[language]
            if model is not None and other is not None:
                yield from _find_differences(model, other)


def _find_bad_text(answer: CannedAnswer, render: Callable[[str], object]) -> Iterator[FaqFinding]:
    path = _path(answer.id, answer.language)
    if len(answer.title) > _LONGEST_TITLE:
        problem = f"the title is longer than {_LONGEST_TITLE} characters"
        yield FaqFinding(path, find_line(path, "# "), problem, "Shorten it")
    try:
        render(answer.text)
    except ValueError as error:
        remedy = "Use bold, code, links and flat lists only"
        yield FaqFinding(path, None, f"cannot be shown in Telegram: {error}", remedy)


def _find_differences(first: CannedAnswer, other: CannedAnswer) -> Iterator[FaqFinding]:
    path = _path(other.id, other.language)
    for name, one, two in (
        ("code", first.code, other.code),
        ("variables", sorted(first.variables), sorted(other.variables)),
    ):
        if one != two:
            problem = f"{name} differ: {first.language} {one!r}, {other.language} {two!r}"
            remedy = f"Say the same in {first.language}/{FOLDER}/{first.id}.md and here"
            yield FaqFinding(path, find_line(path, "code:"), problem, remedy)


def _path(answer_id: str, language: str) -> Path:
    return locales.folder(language, FOLDER) / f"{answer_id}.md"
