"""Whether every answer of the staff has a code that can be typed, and that is its own."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

import locales
from services.faq.canned import FOLDER, CannedAnswers
from services.faq.checks.findings import FaqFinding
from services.faq.entries import Entries, find_line

_CODE = re.compile(r"[a-z][a-z0-9]{1,3}")
"""With the slash at most five keystrokes; every such word is a command of the Bot API."""


def find_bad_codes(
    entries: Entries, canned: CannedAnswers, reserved: Collection[str], most: int
) -> Iterator[FaqFinding]:
    """Yield an error for every code that is no code, or not its answer's alone.

    :param reserved: commands that the staff have otherwise.
    :param most: how many commands a menu holds.
    """
    owners: dict[str, str] = {}
    for path, answer_id, code in _list_codes(entries, canned):
        line = find_line(path, "code:")
        if not _CODE.fullmatch(code):
            problem = f"code {code!r} is no word of 2 to 4 letters a–z and digits"
            yield FaqFinding(path, line, problem, "Write a short word, such as fee")
        elif code in reserved:
            problem = f"/{code} is another command of the staff"
            yield FaqFinding(path, line, problem, "Choose another code")
        elif owners.setdefault(code, answer_id) != answer_id:
            problem = f"code {code!r} is that of {owners[code]}, too"
            yield FaqFinding(path, line, problem, "Choose another code")
    if len(owners) + len(reserved) > most:
        problem = f"there are more than {most} codes and commands"
        path = locales.folder(locales.DEFAULT, FOLDER)
        yield FaqFinding(path, None, problem, "Delete canned answers that nobody sends")


def _list_codes(entries: Entries, canned: CannedAnswers) -> Iterator[tuple[Path, str, str]]:
    for language in locales.LANGUAGES:
        for entry in entries.all(language):
            yield locales.folder(language, "faq") / f"{entry.id}.md", entry.id, entry.code
    for answer in canned.values():
        path = locales.folder(answer.language, FOLDER) / f"{answer.id}.md"
        yield path, answer.id, answer.code
