"""A person's Telegram client: everything they can do with it."""

from collections.abc import Sequence
from typing import Any, Self

from sandbox.client import buttons, chat_sharing, inline, media, messages, payments
from sandbox.client.session import AccountSession, find_shown_message
from sandbox.client.transcript import build_transcript
from sandbox.types import Json
from sandbox.world.membership import make_member, send_member_update
from sandbox.world.world import World


class TelegramClient(AccountSession):
    """The client of one person. Without a `chat_id`, an action is about their chat with the bot.

    Every action raises `PersonError` where a Telegram client would not let them do it.
    """

    @classmethod
    def sign_up(
        cls,
        world: World,
        first_name: str,
        language_code: str | None = None,
        username: str | None = None,
        last_name: str | None = None,
    ) -> Self:
        """Add a person, who has not written to the bot yet."""
        return cls(world, world.add_account(first_name, language_code, username, last_name))

    def send(
        self,
        text: str,
        chat_id: int | None = None,
        message_thread_id: int = 0,
        reply_to_message_id: int | None = None,
        quote: str | None = None,
    ) -> Json:
        """Send a text, perhaps as a reply that quotes a part of a message.

        A long one goes in several messages, as clients do; the last is returned.
        """
        chat = self.find_chat(chat_id)
        return messages.send_text(self, chat, text, message_thread_id, reply_to_message_id, quote)

    def start(self, payload: str | None = None) -> Json:
        """Press *Start*, or follow a deep link with a `payload`; it unblocks the bot too."""
        if self.account.has_blocked:
            self.unblock()
        return self.send(f"/start {payload}" if payload else "/start")

    def send_media(
        self,
        kind: str,
        caption: str | None = None,
        chat_id: int | None = None,
        message_thread_id: int = 0,
        reply_to_message_id: int | None = None,
        **details: Any,
    ) -> Json:
        """Send a sticker, photo, voice message, contact or other thing that is no text.

        :param details: what differs from the usual, such as ``phone_number`` of a contact.
        """
        chat = self.find_chat(chat_id)
        reply_to = None
        if reply_to_message_id is not None:
            reply_to = find_shown_message(chat, reply_to_message_id)
        return media.send_media(self, chat, kind, caption, message_thread_id, details, reply_to)

    def send_album(
        self,
        kinds: Sequence[str],
        caption: str | None = None,
        chat_id: int | None = None,
        message_thread_id: int = 0,
    ) -> list[Json]:
        """Send several files as one album, such as ``["photo", "video"]``."""
        return media.send_album(self, self.find_chat(chat_id), kinds, caption, message_thread_id)

    def pin(self, message_id: int, chat_id: int | None = None) -> None:
        """Pin a message, of which the bot gets a service message."""
        messages.pin_shown_message(self, self.find_chat(chat_id), message_id)

    def unpin(self, message_id: int, chat_id: int | None = None) -> None:
        """Unpin a message; bots are never told."""
        messages.unpin_shown_message(self, self.find_chat(chat_id), message_id)

    def forward(
        self,
        message_id: int,
        chat_id: int | None = None,
        from_chat_id: int | None = None,
        message_thread_id: int = 0,
    ) -> Json:
        """Forward a message to a chat."""
        source, target = self.find_chat(from_chat_id), self.find_chat(chat_id)
        return messages.forward_shown_message(self, message_id, source, target, message_thread_id)

    def edit(self, message_id: int, text: str, chat_id: int | None = None) -> Json:
        """Change the text of a message of theirs."""
        return messages.edit_message(self, self.find_chat(chat_id), message_id, text)

    def load_link_preview(self, message_id: int, chat_id: int | None = None) -> None:
        """Let the preview of a link load: the bot gets ``edited_message``, and nothing changed."""
        messages.load_link_preview(self, self.find_chat(chat_id), message_id)

    def delete(self, message_id: int, chat_id: int | None = None) -> None:
        """Delete a message for everybody; bots are never told."""
        messages.delete_shown_message(self, self.find_chat(chat_id), message_id)

    def react(self, message_id: int, emoji: str | None, chat_id: int | None = None) -> None:
        """React to a message, or take the reaction back."""
        messages.set_reaction(self, self.find_chat(chat_id), message_id, emoji)

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
        :return: the id of the callback query, for `wait_for_answer`.
        """
        chat = self.find_chat(chat_id)
        return buttons.press_callback_button(self, chat, message_id, data, text, forge=forge)

    def press_key(self, text: str, chat_id: int | None = None, message_thread_id: int = 0) -> Json:
        """Press a button of the keyboard that stands in place of the letters."""
        return buttons.press_key(self, self.find_chat(chat_id), text, message_thread_id)

    def share_chat(self, text: str, group_id: int) -> Json:
        """Press a button in place of the letters that asks for a group, and choose this one."""
        chat = self.find_chat()
        button = buttons.find_key(chat, text)
        return chat_sharing.share_chat(self, chat, button, self.find_chat(group_id))

    def press_inline_switch(
        self, message_id: int, text: str, chat_id: int | None = None
    ) -> str | None:
        """Press a button that types an inline query into this chat.

        :return: the words of the query, for `query_inline`; None in a topic, where nothing
            happens in most clients.
        """
        return buttons.press_inline_switch(self, self.find_chat(chat_id), message_id, text)

    def query_inline(self, query: str, chat_id: int | None = None, offset: str = "") -> str:
        """Type ``@bot query`` into a chat.

        :return: the id of the inline query, for `wait_for_answer`.
        """
        return inline.send_inline_query(self, self.find_chat(chat_id), query, offset)

    def choose_result(
        self,
        inline_query_id: str,
        result_id: str,
        chat_id: int | None = None,
        message_thread_id: int = 0,
    ) -> Json:
        """Send one of the inline results that the bot offered."""
        return inline.send_inline_result(
            self, inline_query_id, result_id, chat_id, message_thread_id
        )

    async def wait_for_answer(self, query_id: str, seconds: float = 10.0) -> Json | None:
        """Return the bot's answer to a callback or inline query; None if none comes in time."""
        return await self.world.queries.wait_for_answer(query_id, seconds)

    def block(self) -> None:
        """Block the bot, which gets ``my_chat_member``."""
        self._set_blocked(blocked=True)

    def unblock(self) -> None:
        """Unblock the bot, which gets ``my_chat_member``."""
        self._set_blocked(blocked=False)

    def _set_blocked(self, *, blocked: bool) -> None:
        if self.account.has_blocked == blocked:
            return
        self.account.has_blocked = blocked
        chat, bot = self.find_chat(), self.world.bot
        free, banned = make_member("member"), make_member("kicked")
        members = (free, banned) if blocked else (banned, free)
        send_member_update(self.world, "my_chat_member", chat, bot.id, members, by=self.user)
        self.world.changes.record("people", chat)

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
        chat = self.find_chat(chat_id)
        return await payments.pay_invoice(self, chat, message_id, outcome, timeout)

    def transcript(self, chat_id: int | None = None) -> Json:
        """Return what a chat shows them now."""
        return build_transcript(self, self.find_chat(chat_id))
