"""Argon2id in a bounded pool of threads, off the event loop.

On Linux the threads give way to those that serve people: the event loop and the database's.
"""

import asyncio
import base64
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from services.argon2_cost import Argon2Cost
from services.authority.errors import CheckQueueFullError

_SALT_BYTES = 16
_HASH_BYTES = 32
_NICENESS = 10
Result = TypeVar("Result")


class Argon2Hasher:
    """Creates and checks verifiers.

    :param threads: how many are computed concurrently.
    :param waiting: how many may wait; beyond that, `CheckQueueFullError`.
    """

    def __init__(self, cost: Argon2Cost | None = None, threads: int = 2, waiting: int = 64) -> None:
        self.cost = cost or Argon2Cost()
        self._limit = threads + waiting
        self._busy = 0
        self._pool = ThreadPoolExecutor(
            threads, thread_name_prefix="argon2", initializer=_lower_priority
        )
        self._nobody = self._verifier_of_nobody()

    async def create_verifier(self, secret: bytes) -> str:
        """Return a verifier of `secret`: a PHC string of salt, cost and hash.

        :raises CheckQueueFullError: when too many are waiting.
        """
        return await self._run(lambda: self._kdf().derive_phc_encoded(secret))

    async def verify(self, secret: bytes, verifier: str | None) -> bool:
        """Return whether `verifier` was made of `secret`; without one, `False` after equal work.

        :raises CheckQueueFullError: when too many are waiting.
        """
        asked = verifier or self._nobody
        return await self._run(lambda: _matches(secret, asked)) and verifier is not None

    def close(self) -> None:
        """Shut down the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _kdf(self) -> Argon2id:
        return Argon2id(
            salt=os.urandom(_SALT_BYTES),
            length=_HASH_BYTES,
            iterations=self.cost.passes,
            lanes=self.cost.lanes,
            memory_cost=self.cost.memory,
        )

    def _verifier_of_nobody(self) -> str:
        salt, result = (_encode_unpadded(os.urandom(size)) for size in (_SALT_BYTES, _HASH_BYTES))
        cost = f"m={self.cost.memory},t={self.cost.passes},p={self.cost.lanes}"
        return f"$argon2id$v=19${cost}${salt}${result}"

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._busy >= self._limit:
            raise CheckQueueFullError
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._busy -= 1


def _lower_priority() -> None:
    """Lower the priority of this thread; on other systems than Linux threads have none."""
    if sys.platform == "linux":
        with suppress(OSError):
            now = os.getpriority(os.PRIO_PROCESS, 0)
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), now + _NICENESS)


def _matches(secret: bytes, verifier: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(secret, verifier)
    except InvalidKey:
        return False
    return True


def _encode_unpadded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")
