"""The accounts of people."""

from dataclasses import dataclass, field

from sandbox.types import Json


@dataclass(slots=True)
class UserAccount:
    """A person's account, and how they stand to the bot."""

    id: int
    first_name: str
    language_code: str | None = None
    username: str | None = None
    last_name: str | None = None
    has_started: bool = False
    """Whether they have written to the bot, so that the bot may write back."""
    has_blocked: bool = False
    user: Json = field(init=False)
    """The User object that goes into messages."""

    def __post_init__(self) -> None:
        self.user = {"id": self.id, "is_bot": False, **self._names()}
        if self.language_code:
            self.user["language_code"] = self.language_code

    def _names(self) -> Json:
        names: Json = {"first_name": self.first_name}
        if self.last_name:
            names["last_name"] = self.last_name
        if self.username:
            names["username"] = self.username
        return names

    def private_chat_json(self) -> Json:
        """Return the Chat object of their own chat with the bot."""
        return {"id": self.id, **self._names(), "type": "private"}

    def as_json(self) -> Json:
        """Return the account as the person interface shows it."""
        return {
            **self.user,
            "chat_id": self.id,
            "has_started": self.has_started,
            "has_blocked": self.has_blocked,
        }
