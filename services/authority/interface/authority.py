"""The authority behind the conversations, with its concerns as attributes.

Where there is none, `None` stands for it: the real MOICA has no public interface, so every
operation is then a guided walk through the official page.
"""

from typing import Protocol

from services.authority.interface.cards import Cards
from services.authority.interface.certificates import Certificates
from services.authority.interface.credentials import Credentials, SealedInput
from services.authority.interface.links import ChatLinks, SecurityAlerts
from services.authority.interface.payments import Payments


class Authority(Protocol):
    """An authority that carries operations out.

    Methods that take a `grant_id` raise `GrantExpiredError`, `ProofMissingError` or
    `WrongStateError`.
    """

    @property
    def keeper(self) -> str | None:
        """Name of the data controller; `None` where the records are made up, for demonstrations."""

    @property
    def credentials(self) -> Credentials:
        """Subscriber codes, one-time codes, card numbers, and the grants they open."""

    @property
    def sealed_input(self) -> SealedInput:
        """Typed personal data that a conversation keeps between its steps."""

    @property
    def certificates(self) -> Certificates:
        """Status, suspension and resumption."""

    @property
    def payments(self) -> Payments:
        """Amounts due, invoices and charges."""

    @property
    def cards(self) -> Cards:
        """Activating and unlocking the card in a reader."""

    @property
    def links(self) -> ChatLinks:
        """Chats that are linked to a person."""

    @property
    def security_alerts(self) -> SecurityAlerts:
        """Answers to "was this you?"."""
