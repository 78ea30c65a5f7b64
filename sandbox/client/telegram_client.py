"""A person with a Telegram client: who they are and what they can do."""

from typing import TYPE_CHECKING, Any

from sandbox.client import buttons, inline, messages, payments
from sandbox.client.media import media_content
from sandbox.client.transcript import transcript
from sandbox.errors import PersonError
from sandbox.types import Json

if TYPE_CHECKING:
    from sandbox.engine import Engine
    from sandbox.world.chats import Chat


class Person:
    """Somebody who talks to the bot. Without a `chat_id`, a verb is about their own chat.

    Every verb raises `PersonError` where a Telegram client would not let them do it.
    """

    def __init__(
        self,
        engine: "Engine",
        person_id: int,
        first_name: str,
        language_code: str | None = None,
        username: str | None = None,
        last_name: str | None = None,
    ) -> None:
        self.engine = engine
        self.id = person_id
        self.first_name = first_name
        self.language_code = language_code
        self.username = username
        self.last_name = last_name
        self.has_started = False
        """Has written to the bot, so that the bot may write back."""
        self.has_blocked = False
        self.user = self._as_user()

    def _names(self) -> Json:
        names: Json = {"first_name": self.first_name}
        if self.last_name:
            names["last_name"] = self.last_name
        if self.username:
            names["username"] = self.username
        return names

    def _as_user(self) -> Json:
        user: Json = {"id": self.id, "is_bot": False, **self._names()}
        if self.language_code:
            user["language_code"] = self.language_code
        return user

    def as_chat(self) -> Json:
        """Give the Chat object of their own chat with the bot."""
        return {"id": self.id, **self._names(), "type": "private"}

    def as_json(self) -> Json:
        """Give what the person interface shows of them."""
        return {
            **self.user,
            "chat_id": self.id,
            "has_started": self.has_started,
            "has_blocked": self.has_blocked,
        }

    def chat(self, chat_id: int | None = None) -> "Chat":
        """Give a chat they are in.

        :raises PersonError: where they are not.
        """
        if chat_id is None or chat_id == self.id:
            return self.engine.chats[self.id]
        chat = self.engine.chats.get(chat_id)
        if chat is None or chat.private:
            raise PersonError(404, "chat_not_found", f"There is no chat {chat_id}.")
        if chat.members.get(self.id, "left") in ("left", "kicked"):
            raise PersonError(403, "not_a_member", f"{self.first_name} is not in chat {chat_id}.")
        return chat

    def send(
        self,
        text: str,
        chat_id: int | None = None,
        message_thread_id: int = 0,
        reply_to_message_id: int | None = None,
    ) -> Json:
        """Send a text. A long one goes in several messages, as clients do; the last is given."""
        return messages.send_text(
            self, self.chat(chat_id), text, message_thread_id, reply_to_message_id
        )

    def start(self, payload: str | None = None) -> Json:
        """Press *Start*, or follow a deep link with a `payload`; it unblocks the bot too."""
        if self.has_blocked:
            self.unblock()
        return self.send(f"/start {payload}" if payload else "/start")

    def media(
        self,
        kind: str,
        caption: str | None = None,
        chat_id: int | None = None,
        message_thread_id: int = 0,
        **details: Any,
    ) -> Json:
        """Send a sticker, photo, voice message, contact or other thing that is no text.

        :param details: what differs from the usual, such as ``phone_number`` of a contact.
        """
        content = media_content(self.engine.files, self.user, kind, caption, details)
        return messages.send_content(self, self.chat(chat_id), content, message_thread_id)

    def forward(
        self,
        message_id: int,
        chat_id: int | None = None,
        from_chat_id: int | None = None,
        message_thread_id: int = 0,
    ) -> Json:
        """Forward a message to a chat."""
        source, target = self.chat(from_chat_id), self.chat(chat_id)
        return messages.forward(self, message_id, source, target, message_thread_id)

    def edit(self, message_id: int, text: str, chat_id: int | None = None) -> Json:
        """Change the text of a message of theirs."""
        return messages.edit(self, self.chat(chat_id), message_id, text)

    def delete(self, message_id: int, chat_id: int | None = None) -> None:
        """Delete a message for everybody; bots are never told."""
        messages.delete(self, self.chat(chat_id), message_id)

    def react(self, message_id: int, emoji: str | None, chat_id: int | None = None) -> None:
        """React to a message, or take the reaction back."""
        messages.react(self, self.chat(chat_id), message_id, emoji)

    def press(
        self,
        message_id: int,
        data: str | None = None,
        text: str | None = None,
        chat_id: int | None = None,
        *,
        forge: bool = False,
    ) -> str:
        """Press a button under a message, found by its data or its text.

        :param forge: send `data` even where no such button is, as a modified client can.
        :return: the id of the callback query, for `Engine.callback_answer`.
        """
        return buttons.press(self, self.chat(chat_id), message_id, data, text, forge=forge)

    def press_key(self, text: str, chat_id: int | None = None, message_thread_id: int = 0) -> Json:
        """Press a button of the keyboard that stands in place of the letters."""
        return buttons.press_key(self, self.chat(chat_id), text, message_thread_id)

    def inline(self, query: str, chat_id: int | None = None, offset: str = "") -> str:
        """Type ``@bot query`` into a chat.

        :return: the id of the inline query, for `Engine.inline_answer`.
        """
        return inline.ask(self, self.chat(chat_id), query, offset)

    def choose(
        self,
        inline_query_id: str,
        result_id: str,
        chat_id: int | None = None,
        message_thread_id: int = 0,
    ) -> Json:
        """Send one of the results the bot gave."""
        return inline.choose(self, inline_query_id, result_id, chat_id, message_thread_id)

    def block(self) -> None:
        """Block the bot."""
        self._set_blocked(blocked=True)

    def unblock(self) -> None:
        """Unblock the bot."""
        self._set_blocked(blocked=False)

    def _set_blocked(self, *, blocked: bool) -> None:
        if self.has_blocked == blocked:
            return
        self.has_blocked = blocked
        messages.tell_membership(self, blocked=blocked)

    async def pay(
        self,
        message_id: int,
        outcome: str = "success",
        chat_id: int | None = None,
        timeout: float = 10.0,  # noqa: ASYNC109
    ) -> Json:
        """Pay an invoice.

        :param outcome: ``success``; ``decline``, where the card is refused after the bot has
            agreed; ``slow``, where the money is pending until `pay` is called once more.
        :return: ``{"status": …}``: ``paid``, ``declined``, ``pending``, ``refused`` by the bot
            (with ``error_message``) or ``timeout``.
        """
        return await payments.pay(self, self.chat(chat_id), message_id, outcome, timeout)

    def transcript(self, chat_id: int | None = None) -> Json:
        """Give what a chat shows them now."""
        return transcript(self, self.chat(chat_id))
