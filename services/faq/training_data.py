"""What the search learns besides the entries.

The files lie beside this one, in English and Chinese, which people mix in one sentence. A further
language has its own under the same names in ``locales/<language>/search/``, each where needed.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path

import yaml

import locales
from services.faq.features import is_han

LEXICON = "lexicon.yaml"
OFF_TOPIC = "off_topic.tsv"
OPENINGS = "openings.txt"
TROUBLES = "vague_complaints.txt"
FILES = (LEXICON, OFF_TOPIC, OPENINGS, TROUBLES)


def find_files(name: str) -> list[Path]:
    """Return the files called `name`, the one of English and Chinese first."""
    own = (locales.folder(language, "search") / name for language in locales.LANGUAGES)
    return [Path(__file__).with_name(name), *(path for path in own if path.exists())]


def _read_lines(name: str) -> list[str]:
    return [
        line for path in find_files(name) for line in path.read_text(encoding="utf-8").splitlines()
    ]


def load_off_topic_questions() -> Mapping[str, list[str]]:
    """Load questions that no entry answers, by their kind."""
    by_kind: dict[str, list[str]] = {}
    for row in _read_lines(OFF_TOPIC):
        kind, question = row.split("\t")[:2]
        by_kind.setdefault(kind, []).append(question)
    return by_kind


def load_vague_complaints() -> list[str]:
    """Load complaints that say too little to be answered by one entry."""
    return _read_lines(TROUBLES)


def load_openings() -> list[str]:
    """Load what people say of themselves and of their card before they ask."""
    return _read_lines(OPENINGS)


def load_lexicon() -> Mapping[str, list[str]]:
    """Load the terms of each heading; a heading is one idea or several joined by `` + ``."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    terms: dict[str, list[str]] = {}
    for path in find_files(LEXICON):
        headings = yaml.load(path.read_bytes(), loader)  # noqa: S506 - both loaders are safe
        for heading, listed in headings.items():
            terms.setdefault(heading, []).extend(str(term) for term in listed)
    return terms


def put_openings_before(
    texts: Iterable[Sequence[str]], openings: Iterable[Sequence[str]]
) -> Iterator[list[str]]:
    """Yield every text with an opening in its script before it, each opening in turn.

    What is learnt with every class alike tells none from another.

    :param texts: as units, like `openings`.
    """
    by_script: defaultdict[str, list[Sequence[str]]] = defaultdict(list)
    for opening in openings:
        by_script[_script_of(opening)].append(opening)
    turns = {script: cycle(those) for script, those in by_script.items()}
    for text in texts:
        turn = turns.get(_script_of(text))
        yield [*(next(turn) if turn is not None else ()), *text]


def _script_of(units: Sequence[str]) -> str:
    """Return the script of a text: Han where it has any, else that of its first letter."""
    if any(map(is_han, units)):
        return "CJK"
    letter = next((unit[0] for unit in units if unit[0].isalpha()), "a")
    return unicodedata.name(letter, "").partition(" ")[0]
