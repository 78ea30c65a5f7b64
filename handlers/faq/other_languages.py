"""What somebody reads who writes in a language that is not spoken here."""

from collections.abc import Mapping
from functools import cache
from html import escape
from typing import Any

import yaml

import locales
from handlers.screen.text import Markup
from handlers.screen.view import View, button, view

PATH = locales.ROOT / "other_languages.yaml"


@cache
def load_texts() -> Mapping[str, Mapping[str, Any]]:
    """Load the lines and the labels of buttons by language."""
    texts: Mapping[str, Mapping[str, Any]] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return texts


def other_language_view(spoken: str) -> View | None:
    """Return two lines and the commonest guides in a language; `None` where we have none in it."""
    texts = load_texts().get(spoken)
    if texts is None:
        return None
    rows = [[button(label, "go", name)] for name, label in texts["buttons"].items()]
    return view(Markup("\n".join(escape(line, quote=False) for line in texts["lines"])), *rows)
