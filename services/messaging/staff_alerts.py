"""What staff must be told: written down with what it tells of, and sent through the outbox."""

from datetime import datetime
from enum import StrEnum

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.messaging import outbox
from services.messaging.outbox import Channel, Outgoing, References

RECIPIENT = "staff"
_log = structlog.get_logger()


class Alert(StrEnum):
    """Something a person has to look at."""

    CHARGE_UNMATCHED = "charge_unmatched"
    """Money came in that fits nothing; it is kept under its receipt number."""
    CHARGE_UNRECORDED = "charge_unrecorded"
    """Money came in while nobody here keeps payments."""


async def alert(session: AsyncSession, kind: Alert, about: References, now: datetime) -> None:
    """Tell staff, once the unit of work is committed."""
    await outbox.put(session, Channel.STAFF, RECIPIENT, kind, about, now)


class StaffLog:
    """The outbox's sender for the staff channel: an error in the log, which operators watch."""

    async def send(self, message: Outgoing, now: datetime) -> None:
        """Send one alert."""
        _log.error("staff_alert", alert=message.message, about=dict(message.references))
