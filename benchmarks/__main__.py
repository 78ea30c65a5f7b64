"""Every benchmark of the running bot, one after the other: ``python -m benchmarks``."""

import subprocess
import sys

_ALL = (
    "search_time",
    "hostile_texts",
    "startup",
    "throughput",
    "card",
    "bridge",
    "certificates",
    "authority",
)


def main() -> int:
    """Run each in a process of its own; return 1 if one failed."""
    codes = [subprocess.call([sys.executable, "-m", f"benchmarks.{name}"]) for name in _ALL]
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
