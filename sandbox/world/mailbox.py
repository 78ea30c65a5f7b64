"""The mails that the system sent: the sandbox shows them instead of delivering them."""

from dataclasses import dataclass
from email.message import EmailMessage
from typing import TYPE_CHECKING

from sandbox.types import Clock, Json

if TYPE_CHECKING:
    from sandbox.engine import Engine


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail."""

    id: int
    date: int
    to: str
    subject: str
    text: str
    html: str | None = None

    def as_json(self) -> Json:
        """Give it as JSON."""
        mail: Json = {
            "id": self.id,
            "date": self.date,
            "to": self.to,
            "subject": self.subject,
            "text": self.text,
        }
        return mail if self.html is None else {**mail, "html": self.html}


class MailBox:
    """All mails, oldest first."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self.mails: list[Mail] = []

    def add(self, to: str, subject: str, text: str, html: str | None = None) -> Mail:
        """Store a mail."""
        date = int(self._now().timestamp())
        mail = Mail(len(self.mails) + 1, date, to, subject, text, html)
        self.mails.append(mail)
        return mail


class SandboxMail:
    """Delivers mails to the mail tab (a `services.messaging.mail.MailTransport`)."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    async def send(self, mail: EmailMessage) -> None:
        """Hand over one mail."""
        self._engine.mails.add(str(mail["To"]), str(mail["Subject"]), mail.get_content())
        self._engine.changed("mails")
