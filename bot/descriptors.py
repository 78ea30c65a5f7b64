"""How many connections and files this process may have open.

Most systems allow 1,024 at first and far more on request. Who opens idle connections must not use
up what the rest of the process needs.
"""

import sys
from typing import Final

WANTED: Final = 16_384


def raise_limit() -> None:
    """Ask for as many descriptors as are wanted, or as the system allows."""
    if sys.platform == "win32":
        return
    import resource

    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if most == resource.RLIM_INFINITY else min(WANTED, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def limit() -> int:
    """Return how many descriptors there may be."""
    if sys.platform == "win32":
        return WANTED
    import resource

    now, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return WANTED if now == resource.RLIM_INFINITY else int(now)
