"""What the longest texts cost that somebody can type: every kind of character, and near-misses.

    python -m benchmarks.hostile_texts

In milliseconds of processor time for 4,096 characters; the worst text of each. The test
`tests/services/test_linear_parsing.py` checks that half of them cost no less than a third.
"""

import sys
from collections.abc import Iterable, Mapping

from rich.console import Console

from benchmarks.results import merge
from tests.hostile_texts import (
    HostileText,
    Parser,
    measure,
    near_misses,
)
from tests.services.test_linear_parsing import find_all_parsers, find_all_patterns, find_texts

_SHOWN = 12
_console = Console(soft_wrap=True)
Worst = tuple[float, str]


def main() -> int:
    """Measure, print and write the figures."""
    parsers = {name: _worst(parse, find_texts(name)) for name, parse in find_all_parsers().items()}
    patterns = {
        f"{name} {pattern.pattern[:40]}": _worst(pattern.findall, near_misses(pattern))
        for pattern, name in find_all_patterns().items()
    }
    _print("Parsers", parsers)
    _print("Patterns", patterns)
    slowest = {"parsers": parsers, "patterns": patterns}
    merge("hostile_texts", {kind: _round(found) for kind, found in slowest.items()})
    return 0


def _worst(parse: Parser, texts: Iterable[HostileText]) -> Worst:
    """Return the milliseconds of the slowest text, and what it repeats."""
    costs = {text: min(measure(parse, text).longest for _ in range(2)) for text in texts}
    slowest = max(costs, key=costs.__getitem__)
    return costs[slowest] / 1e6, ascii(slowest.head + slowest.unit)


def _print(title: str, found: Mapping[str, Worst]) -> None:
    ranked = sorted(found.items(), key=lambda each: -each[1][0])
    _console.print(f"[b]{title}[/b] ({len(found)}), 4,096 characters, the slowest {_SHOWN}:")
    for name, (milliseconds, unit) in ranked[:_SHOWN]:
        _console.print(f"  {milliseconds:7.2f} ms  {name}  {unit}", markup=False)


def _round(found: Mapping[str, Worst]) -> dict[str, dict[str, object]]:
    return {name: {"ms": round(ms, 3), "text": unit} for name, (ms, unit) in found.items()}


if __name__ == "__main__":
    sys.exit(main())
