"""A question that becomes a phrasing of an entry."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

import locales
from services.faq import drafts, training_data, unanswered
from services.faq.entries import MAX_PHRASING_CHARACTERS, Entries
from services.faq.features import split_units
from services.formats.text_cleaning import single_line
from services.language_detection import detect_language
from services.secret_detection import SecretDetector


class PhrasingProblem(StrEnum):
    """Why a question cannot become a phrasing."""

    UNKNOWN_ENTRY = "unknown_entry"
    NO_WORDS = "no_words"
    TOO_LONG = "too_long"
    COMMENT = "comment"
    LANGUAGE = "language"
    CONFIDENTIAL = "confidential"
    PERSONAL = "personal"
    KNOWN = "known"
    OF_ANOTHER_ENTRY = "of_another_entry"
    OFF_TOPIC = "off_topic"
    VAGUE = "vague"


class PhrasingRefusedError(Exception):
    """A question cannot become a phrasing.

    :ivar detail: what is in the way, such as the id of another entry; never the question.
    """

    def __init__(self, problem: PhrasingProblem, detail: str = "") -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.detail = detail


@dataclass(frozen=True, slots=True)
class NewPhrasing:
    """A phrasing that may be added to an entry."""

    entry_id: str
    language: str
    text: str

    def draft(self) -> dict[str, str]:
        """Return the file with the phrasing at its end."""
        name = drafts.phrasings_file(self.language, self.entry_id)
        before = drafts.read_file(name) or ""
        end = "\r\n" if "\r\n" in before else "\n"
        if before and not before.endswith("\n"):
            before += end
        return {name: f"{before}{self.text}{end}"}


def propose_phrasing(
    question: str, entry_id: str, known: Entries, detector: SecretDetector
) -> NewPhrasing:
    """Return a question as a phrasing of an entry.

    :raises PhrasingRefusedError: where it cannot be one.
    """
    text = single_line(question)
    if entry_id not in known.ids:
        raise PhrasingRefusedError(PhrasingProblem.UNKNOWN_ENTRY, entry_id)
    if not split_units(text):
        raise PhrasingRefusedError(PhrasingProblem.NO_WORDS)
    if len(text) > MAX_PHRASING_CHARACTERS:
        raise PhrasingRefusedError(PhrasingProblem.TOO_LONG, str(MAX_PHRASING_CHARACTERS))
    if text.startswith("#"):
        raise PhrasingRefusedError(PhrasingProblem.COMMENT)
    if detector.find(question) is not None or detector.find(text) is not None:
        raise PhrasingRefusedError(PhrasingProblem.CONFIDENTIAL)
    if unanswered.has_personal_data(text):
        raise PhrasingRefusedError(PhrasingProblem.PERSONAL)
    language = detect_language(text)
    if language not in locales.LANGUAGES:
        raise PhrasingRefusedError(PhrasingProblem.LANGUAGE, language)
    _refuse_known(text, entry_id, known)
    return NewPhrasing(entry_id, language, text)


def _refuse_known(text: str, entry_id: str, known: Entries) -> None:
    """Refuse a text that reads like one that the search has learnt already.

    :raises PhrasingRefusedError: where there is one.
    """
    units = split_units(text)
    for language in locales.LANGUAGES:
        for entry in known.all(language):
            if any(split_units(phrasing) == units for phrasing in entry.phrasings):
                is_own = entry.id == entry_id
                problem = PhrasingProblem.KNOWN if is_own else PhrasingProblem.OF_ANOTHER_ENTRY
                raise PhrasingRefusedError(problem, entry.id)
    off_topic = chain.from_iterable(training_data.load_off_topic_questions().values())
    if any(split_units(each) == units for each in off_topic):
        raise PhrasingRefusedError(PhrasingProblem.OFF_TOPIC)
    if any(split_units(each) == units for each in training_data.load_vague_complaints()):
        raise PhrasingRefusedError(PhrasingProblem.VAGUE)
