"""The edits of a service as a file, with which they come into the files of a checkout."""

import json
from collections.abc import Iterable
from typing import Any

from services.faq import drafts
from services.faq.edits.store import (
    CurrentEdit,
    EditRefusal,
    EditRefusedError,
    EditState,
    hash_text,
)

_FORMAT = "kaika-faq-edits"
_VERSION = 1


def export_edits(edits: Iterable[CurrentEdit]) -> bytes:
    """Return the file with the edits that the package's files do not have."""
    listed = [
        {
            "file": each.file,
            "text": each.text,
            "base_hash": each.base_hash,
            "change": each.change.id,
            "author": each.change.author,
            "at": each.change.at.isoformat(),
        }
        for each in edits
        if each.state is not EditState.IN_FILES
    ]
    content = {"format": _FORMAT, "version": _VERSION, "edits": listed}
    return json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n"


def plan_apply(content: bytes) -> dict[str, str]:
    """Return the texts for files that do not have them yet.

    :raises EditRefusedError: where the content is no export, or files are others than those that
        the edits were made from.
    """
    draft: dict[str, str] = {}
    conflicts = []
    for file, text, base_hash in _read(content):
        there = drafts.read_file(file)
        if there == text:
            continue
        if hash_text(there) == base_hash:
            draft[file] = text
        else:
            conflicts.append(file)
    if conflicts:
        raise EditRefusedError(EditRefusal.CHANGED_FILES, ", ".join(conflicts))
    return draft


def _read(content: bytes) -> list[tuple[str, str, str | None]]:
    """Return file, text and hash of each edit.

    :raises EditRefusedError: where the content is no export.
    """
    try:
        whole: dict[str, Any] = json.loads(content)
        if (whole["format"], whole["version"]) != (_FORMAT, _VERSION):
            raise ValueError(whole["version"])
        edits = [(each["file"], each["text"], each["base_hash"]) for each in whole["edits"]]
        json.dumps(edits, ensure_ascii=False).encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        raise EditRefusedError(EditRefusal.NOT_AN_EXPORT, "It") from None
    for file, text, base_hash in edits:
        is_named = isinstance(file, str) and drafts.is_file_name(file)
        if not (is_named and isinstance(text, str) and isinstance(base_hash, str | None)):
            raise EditRefusedError(EditRefusal.NOT_AN_EXPORT, "It")
    return edits
