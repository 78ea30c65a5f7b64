"""Leases on roles that only one process may hold, such as the intake of updates."""

import os
import platform
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from services.storage.models import Lease

DURATION = timedelta(seconds=20)
"""How long a lease is valid without renewal."""


def process_name() -> str:
    """The name under which this process holds leases: ``host:process id``."""
    return f"{platform.node()}:{os.getpid()}"


async def acquire(session: AsyncSession, name: str, holder: str, now: datetime) -> bool:
    """Acquire or renew a lease; `False` while another live process holds it."""
    lease = await session.get(Lease, name, with_for_update=True)
    if lease is None:
        lease = Lease(name=name, holder=holder, expires_at=now)
        session.add(lease)
    elif lease.holder != holder and lease.expires_at > now and not _has_died(lease.holder):
        return False
    lease.holder, lease.expires_at = holder, now + DURATION
    return True


async def release(session: AsyncSession, name: str, holder: str) -> None:
    """Release a lease, unless another process holds it."""
    await session.execute(delete(Lease).where(Lease.name == name, Lease.holder == holder))


def _has_died(holder: str) -> bool:
    """Whether a holder on this machine is known to have ended."""
    host, _, process = holder.rpartition(":")
    if host != platform.node() or not process.isdigit() or os.name != "posix":
        return False
    if int(process) == os.getpid():
        return True  # an earlier process had the same id
    with suppress(PermissionError):
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            return True
    return False
