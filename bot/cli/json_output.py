"""Output for machines: with ``--json``, standard output bears JSON and nothing else.

What a command asks or explains on the way goes to standard error, so that whoever reads the
output can parse it whatever happens.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from typing import Any, TextIO

_stream: ContextVar[TextIO | None] = ContextVar("json_stream", default=None)


def write(
    value: Any, *, indent: int | None = None, default: Callable[[Any], Any] | None = None
) -> None:
    """Print one JSON value."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=default)
    print(text, file=_stream.get() or sys.stdout, flush=True)


@contextmanager
def alone() -> Iterator[None]:
    """Keep everything but `write` away from standard output while the block runs."""
    token = _stream.set(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _stream.reset(token)
