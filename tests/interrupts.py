"""Ctrl-C for the programs that tests start, however the tests themselves were started.

What a process ignores, the programs it starts ignore too; what it catches, they do not. Where the
tests run in the background of a script, Ctrl-C is ignored, and no program would end by it.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def heeded_by_children() -> Iterator[None]:
    """Have programs that are started while the block runs heed Ctrl-C. This one does as before."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
