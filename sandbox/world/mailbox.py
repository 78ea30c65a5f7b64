"""Mails that the system sent: the sandbox shows them instead of delivering them."""

from dataclasses import dataclass
from email.message import EmailMessage

from sandbox.types import Clock, Json
from sandbox.world.change_log import ChangeLog


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail; `date` is in Unix seconds."""

    id: int
    date: int
    to: str
    subject: str
    text: str
    html: str | None = None

    def as_json(self) -> Json:
        """Return the mail as the world interface shows it."""
        mail: Json = {
            "id": self.id,
            "date": self.date,
            "to": self.to,
            "subject": self.subject,
            "text": self.text,
        }
        return mail if self.html is None else {**mail, "html": self.html}


class Mailbox:
    """All mails, oldest first."""

    def __init__(self, now: Clock, changes: ChangeLog) -> None:
        self._now = now
        self._changes = changes
        self.mails: list[StoredMail] = []

    def add(self, to: str, subject: str, text: str, html: str | None = None) -> StoredMail:
        """Store a mail."""
        date = int(self._now().timestamp())
        mail = StoredMail(len(self.mails) + 1, date, to, subject, text, html)
        self.mails.append(mail)
        self._changes.record("mails")
        return mail


class MailboxTransport:
    """Puts mails into a mailbox (a `services.messaging.mail.MailTransport`)."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def send(self, mail: EmailMessage) -> None:
        """Store one mail."""
        self._mailbox.add(str(mail["To"]), str(mail["Subject"]), mail.get_content())
