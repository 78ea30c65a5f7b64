"""Somebody who only knows what stands on their screen: they read, tap what they read, and type."""

import re
from collections.abc import Sequence

from tests.bot_harness import BotHarness, ChatUser, Json, buttons

OFFICIAL_PAGE = "moica.nat.gov.tw"
HOTLINE = "0800-080-117"


class Person(ChatUser):
    """A person in a private chat with the bot.

    :ivar seen: how many messages of the bot they have read.
    """

    def __init__(self, harness: BotHarness, name: str, language: str) -> None:
        super().__init__(harness, harness.engine.add_person(name, language))
        self.seen = 0

    @property
    def screen(self) -> Sequence[Json]:
        """The newest messages of the bot, as many as fit a phone."""
        return self.bot_messages[-3:]

    def reads(self, *words: str) -> None:
        """Expect words on the screen."""
        text = "\n".join(message.get("text", "") for message in self.screen)
        for word in words:
            assert word in text, f"{word!r} is not to be read in:\n{text}"

    def does_not_read(self, *words: str) -> None:
        """Expect words not to be in the newest message."""
        for word in words:
            assert word not in self.last["text"], self.last["text"]

    async def taps(self, words: str, times: int = 1) -> None:
        """Tap the button with these words that stands lowest on the screen.

        :param times: how often it is tapped in a row, before the screen changes.
        """
        for message in reversed(self.screen):
            for button in buttons(message):
                if words in button["text"] and "callback_data" in button:
                    for _ in range(times):
                        await self.forges(message["message_id"], button["callback_data"])
                    self._can_go_on()
                    return
        shown = [button["text"] for message in self.screen for button in buttons(message)]
        raise AssertionError(f"no button {words!r} among {shown}")

    async def types(self, text: str) -> int:
        """Type a text and send it."""
        sent = await self.says(text)
        self._can_go_on()
        return sent

    def is_gone(self, message_id: int) -> bool:
        """Whether an own message was deleted."""
        return message_id not in [message["message_id"] for message in self.messages]

    def _can_go_on(self) -> None:
        """Expect something to tap below the newest message, or words that ask for something."""
        last = self.last
        asks = re.search(r"[Tt]ype|輸入|below|下方|[Ss]end |傳送", last.get("text", ""))
        assert buttons(last) or asks or "invoice" in last, last.get("text")
