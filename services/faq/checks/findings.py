"""What a check of the FAQ finds: where, what, and what to do about it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FaqFinding:
    """Something that is wrong with a file, or may be.

    :ivar path: the file.
    :ivar line: the line, counted from 1, or `None` where the whole file is meant.
    :ivar message: what is wrong.
    :ivar remedy: what to do, as an order.
    :ivar is_warning: whether it may stay as it is.
    """

    path: Path
    line: int | None
    message: str
    remedy: str
    is_warning: bool = False

    @property
    def place(self) -> str:
        """Language, folder, file and line: ``en/faq/fee.md:12``."""
        file = "/".join(self.path.parts[-3:])
        return file if self.line is None else f"{file}:{self.line}"

    def __str__(self) -> str:
        kind = "warning" if self.is_warning else "error"
        return f"{self.place}: {kind}: {self.message}. {self.remedy}."

    def as_json(self) -> dict[str, object]:
        """The object that ``kaika faq check --json`` prints."""
        return {
            "file": "/".join(self.path.parts[-3:]),
            "line": self.line,
            "kind": "warning" if self.is_warning else "error",
            "message": self.message,
            "remedy": self.remedy,
        }
