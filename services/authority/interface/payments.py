"""Payments: the amount due, the address the card is posted to, invoices and charges."""

from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.data_types import AmountDue, Change, Charge, ChargeResult, Checkout, Invoice


class Payments(Protocol):
    """Paying for a card."""

    async def get_amount_due(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> AmountDue:
        """Return the fees due, the deadline, and the address on record.

        :raises DeadlinePassedError: when it can no longer be paid.
        """

    async def change_address(
        self, session: AsyncSession, grant_id: str, address: str, chat_id: int, now: datetime
    ) -> Change:
        """Correct the address the card is posted to; under a grant to pay, before it is made.

        :raises FormatError: for an address nothing could be posted to.
        """

    async def open_invoice(
        self, session: AsyncSession, grant_id: str, user_id: int, chat_id: int, now: datetime
    ) -> Invoice:
        """Create an invoice bound to person, chat and amount, to be paid once.

        :raises DeadlinePassedError: when it can no longer be paid.
        """

    async def approve_checkout(
        self, session: AsyncSession, checkout: Checkout, now: datetime
    ) -> Change:
        """Check an invoice again before money is taken, and reserve it for an hour.

        :raises CheckoutRefusedError: with the reason.
        """

    async def record_charge(
        self, session: AsyncSession, charge: Charge, now: datetime
    ) -> ChargeResult:
        """Record money that was taken, once for each charge id; never refused.

        The state of the application decides, not the clock: money that was taken for an
        application that is still there pays for it.
        """
