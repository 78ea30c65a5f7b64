"""Texts that make a careless pattern or parser slow, and what they cost.

A *unit* is repeated until the text is as long as Telegram lets a message be. The units are every
kind of character, pairs of them, and near-misses: what a pattern matches, cut off or spoiled.
"""

import gc
import importlib
import inspect
import pkgutil
import re
import string
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice, product
from time import thread_time_ns
from types import ModuleType
from typing import Any

_sre: Any = importlib.import_module("re._parser")

LONGEST = 4096
"""Characters of a message (Bot API)."""
ALLOWED_RATIO = 3.0
"""What the longest text may cost, in times of one half as long."""
_NO_PARAMETER = inspect.Parameter("none", inspect.Parameter.POSITIONAL_ONLY)
_CHEAP_NS = 300_000
"""What costs less than this is in proportion: the square of 4,096 steps is more, however short."""
_MAX_ROUNDS = 20
_PASSES = 5
_GIVE_UP_NS = 100_000_000
_SHORT = (16, 24, 32, 96, 384)
_FAR_TOO_SLOW_NS = 20_000_000
_MAX_SAMPLES, _MAX_LETTERS, _MAX_UNITS, _MAX_HEADS = 24, 10, 60, 8

CLASSES = (
    *string.punctuation, "a", "z", "A", "I", "0", "1", "9",
    " ", "\n", "\t", "\r", "\0", "\x85", "\xa0", "\u3000", "\u200b", "\u202e", "\ufeff", "\xad",
    "é", "ß", "İ", "中", "碼", "您", "あ", "ｱ", "각", "۳", "１", "ａ", "＠", "²", "㏂", "ﬃ", "𝟏",
    "\u0301", "\u0301\u0316", "\u0345\u0301\u0316", "a\u0316\u0301", "\uff9e\u0301", "\u0344",
    "\u0f73\u0301", "\u1100\u1161\u11a8", "\ufdfa", "\ufdfb", "😀", "👨\u200d👩\u200d👧", "🇹",
    "\ue000", "\U000e0041",
)  # fmt: skip
"""A character of every kind, and marks in each order."""
_REPRESENTATIVES = ("a", "A", "1", " ", "\n", "-", ".", "@", "<", "中", "\u0301")
PAIRS = tuple(one + two for one, two in product(_REPRESENTATIVES, repeat=2) if one != two)

_CATEGORIES = {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " \n", "CATEGORY_WORD": "a"}

Parser = Callable[[str], object]


@dataclass(frozen=True)
class HostileText:
    """A text of any length: `head`, then `unit` as often as it goes, then `tail`."""

    unit: str
    head: str = ""
    tail: str = ""

    def of_length(self, length: int) -> str:
        """Return the text with about `length` characters and at most that many."""
        room = length - len(self.head) - len(self.tail)
        return self.head + self.unit * (room // len(self.unit)) + self.tail


@dataclass(frozen=True)
class Cost:
    """Processor time of the longest text and of one half as long, in nanoseconds."""

    longest: int
    half: int

    @property
    def ratio(self) -> float:
        """How many times the longest text costs what half of it does."""
        return self.longest / max(self.half, 1)


def measure(parse: Parser, text: HostileText) -> Cost:
    """Return the least cost in several rounds, fewer where it is plainly in proportion.

    What is far from it is noticed with short texts, since the longest one would take for ever.
    """
    for short in map(text.of_length, _SHORT):
        spent = _time(parse, short)
        if spent > _FAR_TOO_SLOW_NS and _time(parse, short) > _FAR_TOO_SLOW_NS:
            return Cost(spent, 1)
    longest, half = text.of_length(LONGEST), text.of_length(LONGEST // 2)
    spent = _time(parse, longest)
    if spent < _CHEAP_NS:
        return Cost(spent, spent)
    best = Cost(spent, _time(parse, half))
    for _ in range(_MAX_ROUNDS):
        if best.ratio <= ALLOWED_RATIO or spent > _GIVE_UP_NS:
            break
        again = Cost(_time(parse, longest), _time(parse, half))
        best = Cost(min(best.longest, again.longest), min(best.half, again.half))
        spent += again.longest
    return best


def find_slow(
    parsers: Mapping[str, Parser], texts: Callable[[str], Iterable[HostileText]]
) -> list[tuple[str, HostileText, Cost]]:
    """Return what costs out of proportion, each time that it is measured."""
    suspects = [(name, text) for name in parsers for text in texts(name)]
    slow: list[tuple[str, HostileText, Cost]] = []
    for _ in range(_PASSES):
        costs = [(name, text, measure(parsers[name], text)) for name, text in suspects]
        slow = [each for each in costs if each[2].ratio > ALLOWED_RATIO]
        suspects = [(name, text) for name, text, _ in slow]
    return slow


def _time(parse: Parser, text: str) -> int:
    """Return what a text costs, without the rest of the process: what is there to be collected."""
    gc.disable()
    try:
        begun = thread_time_ns()
        with suppress(Exception):  # a refusal takes its time as well
            parse(text)
        return thread_time_ns() - begun
    finally:
        gc.enable()


def find_modules(packages: Iterable[str], skipped: Collection[str] = ()) -> Iterator[ModuleType]:
    """Import every module of `packages` and yield it."""
    for package in map(importlib.import_module, packages):
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not any(part in skipped for part in found.name.split(".")):
                yield importlib.import_module(found.name)


def find_patterns(modules: Iterable[ModuleType]) -> Mapping[re.Pattern[str], str]:
    """Return every regular expression for text that a module holds, and its name."""
    found: dict[re.Pattern[str], str] = {}
    for module in modules:
        for name, value in vars(module).items():
            for pattern in _patterns_in(value):
                found.setdefault(pattern, f"{module.__name__}.{name}")
    return found


def _patterns_in(value: object) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        if isinstance(value.pattern, str):
            yield value
    elif isinstance(value, Mapping):
        yield from _patterns_in(tuple(value.values()))
    elif isinstance(value, tuple | list | set | frozenset):
        for each in value:
            yield from _patterns_in(each)
    elif typing.get_origin(value) is typing.Annotated:
        for note in typing.get_args(value)[1:]:
            pattern = getattr(note, "pattern", None)
            if pattern:
                yield re.compile(pattern)


def find_parsers(
    modules: Iterable[ModuleType], parameters: Collection[str], fill: Mapping[type, object]
) -> Mapping[str, Parser]:
    """Return every public function and class method whose first parameter is a text.

    :param parameters: names of the parameter.
    :param fill: values of further parameters without a default, by their type.
    """
    found: dict[str, Parser] = {}
    for module in modules:
        for name, function in _public_functions(module):
            first, *others = inspect.signature(function).parameters.values() or (_NO_PARAMETER,)
            if first.name in parameters and first.annotation is str:
                needed = [each for each in others if _is_needed(each)]
                values = [fill[each.annotation] for each in needed]
                found[f"{module.__name__}.{name}"] = _with(function, values)
    return found


def _public_functions(module: ModuleType) -> Iterator[tuple[str, Callable[..., object]]]:
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(value):
            yield name, value
        elif inspect.isclass(value):
            for inner in vars(value):
                method = getattr(value, inner)
                if inspect.ismethod(method) and not inner.startswith("_"):
                    yield f"{name}.{inner}", method


def _is_needed(parameter: inspect.Parameter) -> bool:
    is_variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return parameter.default is parameter.empty and not is_variadic


def _with(function: Callable[..., object], values: Collection[object]) -> Parser:
    def parse(text: str) -> object:
        result = function(text, *values)
        return list(result) if inspect.isgenerator(result) else result

    return parse


@cache
def near_misses(pattern: re.Pattern[str]) -> tuple[HostileText, ...]:
    """Return texts that a pattern nearly matches."""
    tree = _sre.parse(pattern.pattern, pattern.flags)
    samples = list(islice(dict.fromkeys(_samples(tree)), _MAX_SAMPLES))
    letters = list(islice(dict.fromkeys(_letters(tree)), _MAX_LETTERS))
    repeated = list(islice(dict.fromkeys(_repeated_letters(tree)), 4))
    units = [*letters, *(one + two for one, two in product(letters, repeat=2) if one != two)]
    for sample in samples:
        units += [sample, sample + "\x01", sample + " ", sample[:-1] + "\x01"]
        units += [sample[:length] for length in range(1, min(len(sample), 6))]
    texts = [HostileText(unit) for unit in dict.fromkeys(units) if unit]
    texts = texts[:: max(1, len(texts) // _MAX_UNITS)]
    heads = dict.fromkeys(sample[:length] for sample in samples for length in (1, 2, 4, 8, 16))
    for head in islice(heads, _MAX_HEADS):
        texts += [HostileText(letter, head, "\x01") for letter in repeated]
    return tuple(texts)


def _samples(tree: Any) -> list[str]:
    """Return texts that a parsed pattern matches, or nearly."""
    texts = [""]
    for code, argument in tree:
        texts = [
            text + more for text in texts[:_MAX_SAMPLES] for more in _node_samples(code, argument)
        ]
    return texts


def _node_samples(code: Any, argument: Any) -> list[str]:
    match str(code):
        case "LITERAL":
            return [chr(argument)]
        case "IN" | "CATEGORY" | "ANY" | "NOT_LITERAL":
            return list(_letters([(code, argument)]))[:2] or ["~"]
        case "BRANCH":
            return [text for branch in argument[1] for text in _samples(branch)[:2]]
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            low, high, inner = argument
            inside = _samples(inner)[:3]
            counts = dict.fromkeys((low, min(int(high), low + 2)))
            return [text * count for count in counts for text in inside]
        case "SUBPATTERN":
            return _samples(argument[3])[:8]
        case "ATOMIC_GROUP":
            return _samples(argument)[:8]
        case _:  # assertions and references match nothing by themselves
            return [""]


def _repeated_letters(tree: Any) -> Iterator[str]:
    """Yield characters that a parsed pattern takes any number of, one of each set."""
    for code, argument in tree:
        match str(code):
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                yield from _letters(argument[2])
            case "SUBPATTERN":
                yield from _repeated_letters(argument[3])
            case "BRANCH":
                for branch in argument[1]:
                    yield from _repeated_letters(branch)


def _letters(tree: Any) -> Iterator[str]:
    """Yield characters that a parsed pattern names, one of each set."""
    for code, argument in tree:
        match str(code):
            case "LITERAL":
                yield chr(argument)
            case "NOT_LITERAL":
                yield "~" if argument != ord("~") else "-"
            case "ANY":
                yield "~"
            case "RANGE":
                yield chr(argument[0])
            case "CATEGORY":
                yield from _CATEGORIES.get(str(argument), "~")
            case "IN":
                if str(argument[0][0]) == "NEGATE":
                    yield "~"
                else:
                    yield from _letters(argument)
            case "BRANCH":
                for branch in argument[1]:
                    yield from _letters(branch)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                yield from _letters(argument[2])
            case "SUBPATTERN":
                yield from _letters(argument[3])
            case "ATOMIC_GROUP":
                yield from _letters(argument)
            case "ASSERT" | "ASSERT_NOT":
                yield from _letters(argument[1])
