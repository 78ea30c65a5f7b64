"""What the bot shows of itself: names, descriptions, command menus, menu buttons."""

from dataclasses import dataclass, field

from sandbox.types import Json

CommandKey = tuple[str, str, int, str]
"""Scope type, chat id, user id and language of a command menu."""


@dataclass(slots=True)
class BotProfile:
    """The bot's account. Texts are by language code; ``""`` is for everybody else."""

    id: int
    username: str
    names: dict[str, str]
    descriptions: dict[str, str] = field(default_factory=dict)
    short_descriptions: dict[str, str] = field(default_factory=dict)
    commands: dict[CommandKey, list[Json]] = field(default_factory=dict)
    menu_buttons: dict[int, Json] = field(default_factory=dict)
    reads_all_group_messages: bool = False
    """Privacy mode is off for all groups."""
    user: Json = field(init=False)
    """The User object that goes into messages."""

    def __post_init__(self) -> None:
        self.rebuild_user()

    def rebuild_user(self) -> None:
        """Rebuild the User object after a change of name."""
        self.user = {
            "id": self.id,
            "is_bot": True,
            "first_name": self.names[""],
            "username": self.username,
        }

    def full_user(self) -> Json:
        """Return the User object of getMe."""
        return {
            **self.user,
            "can_join_groups": True,
            "can_read_all_group_messages": self.reads_all_group_messages,
            "supports_inline_queries": True,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    def find_menu(self, chat_id: int, user_id: int, language: str, status: str) -> list[Json]:
        """Return the commands a person sees in a chat: the narrowest scope that has any.

        :param status: ``private``, or the person's status in the group.
        """
        for scope in _scopes(chat_id, user_id, status):
            for code in (language[:2].lower(), ""):
                if commands := self.commands.get((*scope, code)):
                    return commands
        return []


def _scopes(chat_id: int, user_id: int, status: str) -> list[tuple[str, str, int]]:
    """Return the scopes that apply, narrowest first."""
    chat = str(chat_id)
    if status == "private":
        return [("chat", chat, 0), ("all_private_chats", "", 0), ("default", "", 0)]
    rules = [("chat_member", chat, user_id)]
    admin = status in ("creator", "administrator")
    rules += [("chat_administrators", chat, 0)] if admin else []
    rules += [("chat", chat, 0)]
    rules += [("all_chat_administrators", "", 0)] if admin else []
    return [*rules, ("all_group_chats", "", 0), ("default", "", 0)]
