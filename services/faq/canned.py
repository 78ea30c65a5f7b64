"""Canned answers: what the staff often say and no FAQ entry says, read from files.

A canned answer is a file in each language, ``locales/<language>/canned/<id>.md``: front matter with
`id` and `code`, a title for the staff, and the text for the subscriber. ``{detail}`` and other
variables are filled in when it is sent, facts such as ``{hotline}`` when it is read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import locales
from locales import facts
from services.faq.entries import EntryFormatError, parse_front_matter, split_front_matter

FOLDER = "canned"
VARIABLES = frozenset({"agent", "detail", "hours", "opening", "ticket"})
"""The agent's name, what they typed after the code, when somebody is at the desk, when somebody is
there next, and the number of the ticket."""
DETAIL = "detail"
_KEYS = frozenset({"id", "code"})
_VARIABLE = re.compile(r"\{(\w+)\}")


class EmptyVariableError(Exception):
    """A variable of a canned answer has no value.

    :ivar name: its name.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True)
class CannedAnswer:
    """One canned answer in one language.

    :ivar text: Markdown, in which variables still have to be filled in.
    """

    id: str
    code: str
    language: str
    title: str
    text: str

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the variables in it, each once."""
        return tuple(dict.fromkeys(_VARIABLE.findall(self.text)))

    def fill_in(self, rendered: str, values: Mapping[str, str]) -> str:
        """Return the rendered text with variables replaced by their values.

        :param rendered: the text as it is sent, apart from its variables.
        :param values: of every variable, as safe as `rendered`; an empty one is not known.
        :raises EmptyVariableError: where a variable that it needs is empty.
        """
        for name in self.variables:
            if not values.get(name, "").strip():
                raise EmptyVariableError(name)
        return _VARIABLE.sub(lambda match: values[match[1]], rendered)


CannedAnswers = Mapping[tuple[str, str], CannedAnswer]
"""Canned answers by id and language."""


@cache
def load_canned_answers() -> CannedAnswers:
    """Read every canned answer of every language; later calls return the same object.

    :raises EntryFormatError: for the first file that is malformed.
    """
    return read_canned_answers()


def read_canned_answers() -> CannedAnswers:
    """Read every canned answer of every language, as the files are now.

    :raises EntryFormatError: for the first file that is malformed.
    """
    found = {}
    for language in locales.LANGUAGES:
        for path in list_files(language):
            answer = read_canned_answer(path, language)
            found[answer.id, language] = answer
    return found


def find_malformed_answers() -> list[EntryFormatError]:
    """Return one error for every malformed file."""
    errors = []
    for language in locales.LANGUAGES:
        for path in list_files(language):
            try:
                read_canned_answer(path, language)
            except EntryFormatError as error:
                errors.append(error)
    return errors


def list_files(language: str) -> list[Path]:
    """Return the files of a language."""
    return sorted(locales.folder(language, FOLDER).glob("*.md"))


def read_canned_answer(path: Path, language: str) -> CannedAnswer:
    """Read one canned answer.

    :raises EntryFormatError: if it is malformed, or names a variable that there is not.
    """
    front, lines, begin = split_front_matter(path)
    meta = parse_front_matter(path, front, _KEYS, frozenset())
    answer_id = path.name.removesuffix(".md")
    if meta["id"] != answer_id:
        reason = f"the id {meta['id']!r} differs from the file's name"
        raise EntryFormatError(path, reason, remedy=f"Write id: {answer_id}")
    for number, line in enumerate(lines[begin:], start=begin + 1):
        for name in _VARIABLE.findall(line):
            if name not in VARIABLES and name not in facts.load_facts():
                reason = f"{{{name}}} is neither a variable nor a fact"
                remedy = f"Write one of {', '.join(sorted(VARIABLES))}, or the name of a fact"
                raise EntryFormatError(path, reason, number, remedy)
    text = "\n".join(lines[begin + 1 :]).strip()
    if not text:
        raise EntryFormatError(path, "there is no text below the title")
    title = lines[begin][2:].strip()
    return CannedAnswer(answer_id, str(meta["code"]), language, title, _fill_in(text, language))


def _fill_in(text: str, language: str) -> str:
    """Return a text with its facts filled in."""
    known = facts.load_facts()
    return _VARIABLE.sub(
        lambda match: known[match[1]].values[language] if match[1] in known else match[0], text
    )
