"""A boundary: where input comes in that somebody else has written."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from hypothesis import strategies as st

Feed = Callable[[bytes], Awaitable[None]]
"""Takes one input; raises where it had an effect that no input may have."""


@dataclass(frozen=True)
class Boundary:
    """A boundary and what is known of its inputs.

    :ivar open: sets up what takes the inputs.
    :ivar seeds: inputs to begin with, most of them in order.
    :ivar structured: inputs of the right shape with something wrong in it.
    :ivar renew_after: inputs after which everything is set up anew.
    """

    name: str
    open: Callable[[], AbstractAsyncContextManager[Feed]]
    seeds: Callable[[], list[bytes]]
    structured: st.SearchStrategy[bytes] | None = None
    max_length: int = 4096
    renew_after: int = 5000
