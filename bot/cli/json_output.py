"""Output for machines: with ``--json``, standard output contains JSON and nothing else.

Prompts and explanations go to standard error, so that the output can always be parsed. Nothing
here may import what an extra of the package installs, since `start` reports a missing one.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from typing import Any, TextIO

_stream: ContextVar[TextIO | None] = ContextVar("json_stream", default=None)


def write_json(
    value: Any, *, indent: int | None = None, default: Callable[[Any], Any] | None = None
) -> None:
    """Print one JSON value."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=default)
    print(text, file=_stream.get() or sys.stdout, flush=True)


@contextmanager
def reserve_stdout() -> Iterator[None]:
    """Reserve standard output for `write` while the block runs."""
    token = _stream.set(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _stream.reset(token)
