"""An entry as the cells of a row, and as the texts of its two files.

The texts are in the form that docs/translating.md shows, so that a file of that form becomes the
same bytes again.
"""

import hashlib
import json
import re
from dataclasses import dataclass, fields
from typing import Any

import yaml

from services.faq import drafts
from services.faq.entries import Entry

_FRONT_MATTER = "---\n"
_EXCEL_DAY = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})")
"""A day as a spreadsheet program set to Taiwan writes it."""
_BETWEEN = " | "
_SOURCE_PARTS = 3


class SourceCellError(ValueError):
    """A line of the sources is not name, address and day."""


@dataclass(frozen=True, slots=True)
class EntryCells:
    """An entry in one language; facts stand in it by their names, such as ``{fee}``.

    :ivar answer: everything below the title, with its marks.
    :ivar phrasings: one a line.
    :ivar related: ids, between commas.
    :ivar sources: one a line: name, address and day between ``|``.
    """

    id: str
    language: str
    code: str
    section: str
    title: str
    answer: str
    phrasings: str
    related: str
    conversation: str
    page: str
    picture: str
    sources: str
    checked: str

    @classmethod
    def read(cls, entry: Entry) -> "EntryCells":
        """Read the files of an entry that can be read."""
        texts = [
            (drafts.read_file(name) or "").removeprefix("\ufeff").replace("\r\n", "\n")
            for name in file_names(entry.language, entry.id)
        ]
        front, _, text = texts[0].removeprefix(_FRONT_MATTER).partition("\n" + _FRONT_MATTER)
        title, _, answer = text.strip().partition("\n")
        meta: dict[str, Any] = yaml.safe_load(front)
        sources = (
            _BETWEEN.join(str(each[key]) for key in ("name", "url", "date"))
            for each in meta["sources"]
        )
        cells = cls(
            id=entry.id,
            language=entry.language,
            code=str(meta["code"]),
            section=str(meta["section"]),
            title=title.removeprefix("# ").strip(),
            answer=answer.strip(),
            phrasings=texts[1].rstrip(),
            related=", ".join(map(str, meta["related"])),
            conversation=meta.get("conversation") or "",
            page=meta.get("page") or "",
            picture=meta.get("picture") or "",
            sources="\n".join(sources),
            checked=str(meta["checked"]),
        )
        return cells.normalise()

    def normalise(self) -> "EntryCells":
        """Return the cells without what spreadsheet programs and people add unseen."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values = {name: _clean(text) for name, text in values.items()}
        values["title"] = " ".join(values["title"].split())
        values["checked"] = _format_day(values["checked"])
        return EntryCells(**values)

    def answer_text(self) -> str:
        """Return the text of the file with the answer.

        :raises SourceCellError: for a source without one of its parts.
        """
        optional = {name: getattr(self, name) for name in ("conversation", "page", "picture")}
        related = [each.strip() for each in self.related.split(",") if each.strip()]
        lines = [
            "---",
            f"id: {_scalar(self.id)}",
            f"code: {_scalar(self.code)}",
            f"section: {_scalar(self.section)}",
            f"related: [{', '.join(map(_item, related))}]",
            *(f"{key}: {_scalar(value)}" for key, value in optional.items() if value),
            *self._source_lines(),
            f"checked: {self.checked}",
            "---",
            f"# {self.title}",
            "",
            self.answer,
        ]
        return "\n".join(lines) + "\n"

    def _source_lines(self) -> list[str]:
        listed = [line.strip() for line in self.sources.split("\n") if line.strip()]
        lines = ["sources:"] if listed else ["sources: []"]
        for line in listed:
            parts = [part.strip() for part in line.rsplit("|", _SOURCE_PARTS - 1)]
            if len(parts) != _SOURCE_PARTS or not all(parts):
                raise SourceCellError(line)
            name, url, day = parts
            lines += [f"  - name: {_scalar(name)}", f"    url: {_scalar(url)}"]
            lines.append(f"    date: {_format_day(day)}")
        return lines

    def phrasings_text(self) -> str:
        """Return the text of the file with the phrasings."""
        return self.phrasings + "\n"

    def version(self) -> str:
        """Return a short hash of everything that the cells say."""
        values = [getattr(self, field.name) for field in fields(self)]
        content = json.dumps(values, ensure_ascii=False).encode()
        return "v" + hashlib.sha256(content).hexdigest()[:16]


def file_names(language: str, entry_id: str) -> tuple[str, str]:
    """Return the names of the two files of an entry."""
    return drafts.answer_file(language, entry_id), drafts.phrasings_file(language, entry_id)


def _clean(text: str) -> str:
    """Return a cell with line feeds only, and without space at its ends and at those of lines."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def _format_day(text: str) -> str:
    """Return a day as files have it; what is no day is left for the check."""
    match = _EXCEL_DAY.fullmatch(text)
    return f"{match[1]}-{int(match[2]):02}-{int(match[3]):02}" if match else text


def _scalar(text: str) -> str:
    """Return a text as a value of the front matter, in quotes where it needs them."""
    return text if _reads_as(f"a: {text}", {"a": text}) else json.dumps(text, ensure_ascii=False)


def _item(text: str) -> str:
    """Return a text as a part of a list in brackets, in quotes where it needs them."""
    return text if _reads_as(f"[{text}]", [text]) else json.dumps(text, ensure_ascii=False)


def _reads_as(front: str, value: object) -> bool:
    try:
        return bool(yaml.safe_load(front) == value)
    except (yaml.YAMLError, ValueError):
        return False
