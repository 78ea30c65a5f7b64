"""What one Argon2id computation costs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Argon2Cost:
    """Memory in KiB, passes over it, lanes.

    The default is the second recommendation of RFC 9106 §4 with one lane, since a pool of threads
    and not the single hash uses the cores.
    """

    memory: int = 64 * 1024
    passes: int = 3
    lanes: int = 1
