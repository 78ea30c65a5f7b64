"""What is refused when somebody changes the FAQ, in words for who did it."""

from collections.abc import Mapping
from types import MappingProxyType

from services.faq.edits.store import EditRefusal, EditRefusedError
from services.faq.new_phrasings import PhrasingProblem, PhrasingRefusedError
from services.faq.spreadsheet.table import TableFinding, TableProblem, TableRefusedError

_PHRASING: Mapping[PhrasingProblem, str] = MappingProxyType(
    {
        PhrasingProblem.UNKNOWN_ENTRY: (
            "There is no entry {detail!r}. To see which are near: kaika faq search QUESTION"
        ),
        PhrasingProblem.NO_WORDS: "There is no word in it that the search could learn.",
        PhrasingProblem.TOO_LONG: (
            "It is longer than {detail} characters. Give one question, as people ask it."
        ),
        PhrasingProblem.COMMENT: "It begins with #, which makes a comment of it. Leave that out.",
        PhrasingProblem.LANGUAGE: (
            "It is in a language without an FAQ ({detail}). Give it in one that has."
        ),
        PhrasingProblem.CONFIDENTIAL: (
            "It looks as if it held a code, a PIN or a UI No. Write the question without it."
        ),
        PhrasingProblem.PERSONAL: (
            "It has a link, an address, a name or a number, or stands for one. Write the question "
            "without it."
        ),
        PhrasingProblem.KNOWN: "It is a phrasing of {detail} already.",
        PhrasingProblem.OF_ANOTHER_ENTRY: (
            "It is a phrasing of {detail}. Delete it there first, if that entry does not answer it."
        ),
        PhrasingProblem.OFF_TOPIC: (
            "It stands among the questions that no entry answers (services/faq/off_topic.tsv)."
        ),
        PhrasingProblem.VAGUE: (
            "It says too little for one entry (services/faq/vague_complaints.txt). Add to it what "
            "makes it a question."
        ),
    }
)
_EDIT: Mapping[EditRefusal, str] = MappingProxyType(
    {
        EditRefusal.OVERTAKEN: (
            "Somebody saved change {detail} meanwhile, and nothing was written. Look at it with "
            "kaika faq edits show {detail}, and try again."
        ),
        EditRefusal.UNKNOWN: "There is no change {detail} in: kaika faq edits list",
        EditRefusal.EDITED_SINCE: (
            "One of its files was edited again in change {detail}. Undo that one first."
        ),
        EditRefusal.NOT_AN_EXPORT: "{detail} is not what kaika faq edits export writes.",
        EditRefusal.CHANGED_FILES: (
            "These files are others here than the edits were made from, and nothing was written: "
            "{detail}. Make the edits again on what is there."
        ),
    }
)
_TABLE: Mapping[TableProblem, str] = MappingProxyType(
    {
        TableProblem.TOO_LARGE: "the file is larger than {detail} bytes; it is no table of the FAQ",
        TableProblem.ENCODING: "it is not UTF-8; save it as “CSV UTF-8”",
        TableProblem.MALFORMED: "it is no CSV ({detail}); save the table as “CSV UTF-8” again",
        TableProblem.EMPTY: "the file is empty",
        TableProblem.COLUMNS_MISSING: (
            "columns are missing: {detail}; the first row has to name them as exported"
        ),
        TableProblem.COLUMN_UNKNOWN: "there is no column {column!r}; delete it",
        TableProblem.COLUMN_TWICE: "the column {column!r} is there twice; delete one",
        TableProblem.TOO_MANY_CELLS: "there is text to the right of the last column; delete it",
        TableProblem.CELL_TOO_LONG: (
            "the cell is longer than {detail} characters, which spreadsheet programs cut off"
        ),
        TableProblem.ID: (
            "{detail!r} cannot be an id; use small letters, digits and hyphens, at most 40"
        ),
        TableProblem.LANGUAGE_UNKNOWN: "there is no such language; write one of {detail}",
        TableProblem.TWICE: "the same entry in the same language is in row {detail}; delete one",
        TableProblem.LANGUAGE_MISSING: "there is no row {detail}; every entry is in every language",
        TableProblem.ENTRY_MISSING: (
            "the entry {detail} is missing; put its rows back. Entries are deleted in the files, "
            "since links and other entries lead to them"
        ),
        TableProblem.VERSION_MISSING: (
            "there is an entry {detail} already; put its version back, or choose another id"
        ),
        TableProblem.CHANGED_SINCE: (
            "{detail} was changed here after the table was exported; export again and make the "
            "change there"
        ),
        TableProblem.SOURCE: "{detail!r} is no source; write: name | https address | 2026-11-23",
        TableProblem.CONFIDENTIAL: (
            "a new phrasing looks as if it held a code, a PIN or a UI No.; write it without"
        ),
    }
)


def explain_faq_error(error: Exception) -> tuple[str, list[str]] | None:
    """Return the name of an error and its lines of text; `None` for another error."""
    match error:
        case PhrasingRefusedError():
            return "phrasing_refused", [_PHRASING[error.problem].format(detail=error.detail)]
        case EditRefusedError():
            return "edit_refused", [_EDIT[error.reason].format(detail=error.detail)]
        case TableRefusedError():
            return "table_refused", [_describe_finding(finding) for finding in error.findings]
    return None


def _describe_finding(finding: TableFinding) -> str:
    text = _TABLE[finding.problem].format(column=finding.column, detail=finding.detail)
    place = "" if finding.row is None else f"row {finding.row}"
    if finding.column:
        place += f", {finding.column}"
    return f"{place}: {text}" if place else text
