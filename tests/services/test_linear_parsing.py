"""No text that somebody types takes more time than its length accounts for."""

import ast
import re
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import ModuleType

import pytest

from bot.wiring.application import load_models
from handlers.engine.model import StepContext
from handlers.screen.text import say
from handlers.screen.view import decode_callback_data
from services.faq.entries import Entries, load_entries
from services.formats.errors import InputField
from services.secret_detection import SecretDetector
from tests.hostile_texts import (
    ALLOWED_RATIO,
    CLASSES,
    PAIRS,
    HostileText,
    Parser,
    find_modules,
    find_parsers,
    find_patterns,
    find_slow,
    measure,
    near_misses,
)
from tests.test_architecture import modules

_ROOMS = ("bot", "handlers", "services", "locales", "reader_bridge")
_NEEDS_A_SCREEN = ("window", "window_app", "migrations", "__main__")
_TYPED = ("text", "question")
"""What a function that takes typed text calls it, if that is its first parameter."""
_NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
_CONTEXT = StepContext(1, 1, "en", "en", _NOW, {})
_FILL: Mapping[type, object] = {
    StepContext: _CONTEXT,
    date: _NOW.date(),
    timedelta: timedelta(days=30),
    str: "en",
    InputField: InputField.NAME,
    Collection[str]: (),
    Entries: load_entries(),
    SecretDetector: SecretDetector((), lambda _text: False),
}


@cache
def load_product() -> tuple[ModuleType, ...]:
    """Import every module that may meet a typed text."""
    return tuple(find_modules(_ROOMS, _NEEDS_A_SCREEN))


@cache
def find_all_patterns() -> Mapping[re.Pattern[str], str]:
    """Return every regular expression of the product, and its name."""
    return find_patterns(load_product())


def find_all_parsers() -> Mapping[str, Parser]:
    """Return every function that takes a typed text, and the methods that do."""
    search, detector = load_models()
    typed_to = [each for each in load_product() if not each.__name__.startswith("bot.cli.")]
    found = dict(find_parsers(typed_to, _TYPED, _FILL))
    return found | {
        "services.faq.search.FaqSearch.search": search.search,
        "services.secret_detection.SecretDetector.find": detector.find,
        "handlers.screen.view.decode_callback_data": decode_callback_data,
        "handlers.screen.text.say": lambda text: say("en", "{text}", text=text),
    }


def find_texts(name: str) -> list[HostileText]:
    """Return the texts for a parser: every kind of character, and near-misses of its patterns."""
    texts = [HostileText(unit) for unit in (*CLASSES, *PAIRS)]
    for pattern, place in find_all_patterns().items():
        if name.startswith(place.rpartition(".")[0] + "."):
            texts += near_misses(pattern)[::3]
    return texts


_KNOWN_AS_SLOW = (
    r"[\w.+-]+@[\w-]+",
    r"<[^>]+>",
    r"\d(?:[\d\s-]*\d){4,}x",
    r"(?m)^\s*\d+\. ",
    r"code[\s:]*(?:is)?[\s:]*$",
    r"(?:a|b|ab)*c",
    r"\d{5,}:\w{20,}",
)


@pytest.mark.parametrize("pattern", _KNOWN_AS_SLOW)
def test_a_pattern_that_is_not_linear_is_found(pattern: str) -> None:
    compiled = re.compile(pattern)
    texts = near_misses(compiled)
    assert any(measure(compiled.findall, text).ratio > ALLOWED_RATIO for text in texts)


def test_every_pattern_is_linear() -> None:
    patterns = find_all_patterns()
    assert len(patterns) > 70
    operations = {
        f"{name} {pattern.pattern} {operation.__name__}": (pattern, operation)
        for pattern, name in patterns.items()
        for operation in (pattern.findall, pattern.fullmatch)
    }
    parsers = {name: operation for name, (_, operation) in operations.items()}
    assert find_slow(parsers, lambda name: near_misses(operations[name][0])) == []


def test_every_pattern_is_compiled_where_the_test_above_finds_it() -> None:
    calls = [
        f"{name}:{node.lineno}"
        for name, tree in modules().items()
        if name.split(".")[0] in _ROOMS
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr not in ("compile", "escape")
    ]
    # The patterns of the protocol's fields stand in their declarations, where they are found too.
    assert [call for call in calls if not call.startswith("reader_bridge.protocol.codec:")] == []


def test_every_parser_of_typed_text_is_linear() -> None:
    assert find_slow(find_all_parsers(), find_texts) == []
