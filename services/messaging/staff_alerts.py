"""Alerts to staff, sent through the outbox."""

from datetime import datetime
from enum import StrEnum

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.messaging import outbox
from services.messaging.outbox import Channel, OutgoingMessage, References

RECIPIENT = "staff"
_log = structlog.get_logger()


class StaffAlert(StrEnum):
    """Something that staff have to look at."""

    CHARGE_UNMATCHED = "charge_unmatched"
    """A payment matches no invoice; it is kept under its receipt number."""
    CHARGE_UNRECORDED = "charge_unrecorded"
    """A payment arrived in a mode without payments."""
    PAIRING_CODES_GUESSED = "pairing_codes_guessed"
    """Many wrong pairing codes come in; new codes are longer meanwhile."""


async def enqueue_alert(
    session: AsyncSession, kind: StaffAlert, about: References, now: datetime
) -> None:
    """Send an alert, once the unit of work is committed."""
    await outbox.enqueue(session, Channel.STAFF, RECIPIENT, kind, about, now)


class StaffLogSender:
    """Sender of the staff channel: writes an error to the log, which operators watch."""

    async def send(self, message: OutgoingMessage, now: datetime) -> None:
        """Send one alert."""
        _log.error("staff_alert", alert=message.message, about=dict(message.references))
