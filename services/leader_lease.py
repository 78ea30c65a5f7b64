"""Roles that only one process may hold, such as the intake of updates."""

import os
import platform
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from services.storage.models import Lease

DURATION = timedelta(seconds=20)
"""How long a lease holds without being renewed."""


def this_process() -> str:
    """Give the name under which this process holds leases: ``host:process id``."""
    return f"{platform.node()}:{os.getpid()}"


async def acquire(session: AsyncSession, name: str, holder: str, now: datetime) -> bool:
    """Take or renew the lease; `False` while a living process holds it."""
    lease = await session.get(Lease, name, with_for_update=True)
    if lease is None:
        lease = Lease(name=name, holder=holder, expires_at=now)
        session.add(lease)
    elif lease.holder != holder and lease.expires_at > now and not _has_died(lease.holder):
        return False
    lease.holder, lease.expires_at = holder, now + DURATION
    return True


async def release(session: AsyncSession, name: str, holder: str) -> None:
    """Give the lease back; does nothing where another process holds it."""
    mine = (Lease.name == name, Lease.holder == holder)
    await session.execute(delete(Lease).where(*mine))


def _has_died(holder: str) -> bool:
    """Tell whether a holder on this machine is known to be gone, so that nobody need wait."""
    host, _, process = holder.rpartition(":")
    if host != platform.node() or not process.isdigit() or os.name != "posix":
        return False
    if int(process) == os.getpid():
        return True  # an earlier process had our number
    with suppress(PermissionError):
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            return True
    return False
