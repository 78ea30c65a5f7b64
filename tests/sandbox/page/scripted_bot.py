"""A tiny bot for tests of the page: it shows everything the page can draw."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from sandbox.engine import Engine

DESCRIPTIONS = {"": "Ask me about the card.", "zh": "關於卡片，都可以問我。"}
COMMANDS = {
    "": [("start", "Begin"), ("faq", "Browse the questions")],
    "zh": [("start", "開始"), ("faq", "瀏覽常見問題")],
}
GREETING = (
    "<b>Welcome</b>, this is <i>Kaika</i>.\n\n"
    "Your code is <tg-spoiler>ABCD2345</tg-spoiler>, the error <code>0x6983</code>.\n"
    "<blockquote>Three wrong PINs lock the card.</blockquote>\n"
    'Read <a href="https://t.me/{name}?start=faq-locked">about locked cards</a> or ask /faq.'
)
EDITED = "<b>歡迎</b>，這裡是開卡。"
RESULTS = {"locked": "Locked card", "lost": "Lost card", "code": "用戶代碼 forgotten"}
_KEYS = [
    [
        {"text": "中文", "callback_data": "chinese"},
        {"text": "Helpful", "callback_data": "vote"},
    ],
    [
        {"text": "Search here", "switch_inline_query_current_chat": "lo"},
        {"text": "Copy the code", "copy_text": {"text": "ABCD2345"}},
    ],
]


class ScriptedBot:
    """Polls the engine and answers by a fixed script."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def call(self, method: str, **params: Any) -> Any:
        """Make a call that has to work."""
        envelope = await self.engine.call(method, params)
        assert envelope["ok"], (method, envelope)
        return envelope["result"]

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Set up what clients show of the bot, then answer until the end of the block."""
        for code, description in DESCRIPTIONS.items():
            await self.call("setMyDescription", description=description, language_code=code)
        for code, pairs in COMMANDS.items():
            menu = [{"command": name, "description": words} for name, words in pairs]
            await self.call("setMyCommands", commands=menu, language_code=code)
        task = asyncio.create_task(self._poll())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _poll(self) -> None:
        offset = 0
        while True:
            for update in await self.call("getUpdates", offset=offset, timeout=30):
                offset = update["update_id"] + 1
                await self._answer(update)

    async def _answer(self, update: dict[str, Any]) -> None:
        if message := update.get("message"):
            await self._on_message(message)
        elif message := update.get("edited_message"):
            await self._send(message["chat"]["id"], f"Now I read: {message['text']}")
        elif query := update.get("callback_query"):
            await self._on_callback_query(query)
        elif query := update.get("inline_query"):
            await self._on_inline_query(query)
        elif query := update.get("pre_checkout_query"):
            await self.call("answerPreCheckoutQuery", pre_checkout_query_id=query["id"], ok=True)

    async def _send(self, chat_id: int, text: str, **params: Any) -> Any:
        return await self.call(
            "sendMessage", chat_id=chat_id, text=text, parse_mode="HTML", **params
        )

    async def _on_message(self, message: dict[str, Any]) -> None:
        chat_id, text = message["chat"]["id"], message.get("text", "")
        place = {
            key: message[key]
            for key in ("message_thread_id",)
            if key in message and message.get("is_topic_message")
        }
        if text.startswith("/start faq-"):
            await self._send(chat_id, f"Entry {text.removeprefix('/start ')}", **place)
        elif text.startswith("/start"):
            await self._greet(chat_id)
        elif text in _SCRIPT:
            await _SCRIPT[text](self, chat_id)
        elif any(kind in message for kind in ("text", "photo", "sticker", "voice", "contact")):
            await self._send(chat_id, f"Echo: {len(text)} characters", **place)

    async def _greet(self, chat_id: int) -> None:
        words = GREETING.format(name=self.engine.world.bot.username)
        await self._send(chat_id, words, reply_markup={"inline_keyboard": _KEYS})

    async def _send_reply_keyboard(self, chat_id: int) -> None:
        keys = [[{"text": "Yes"}, {"text": "No"}]]
        markup = {"keyboard": keys, "one_time_keyboard": True, "resize_keyboard": True}
        await self._send(chat_id, "Is it so?", reply_markup=markup)

    async def _send_force_reply(self, chat_id: int) -> None:
        markup = {"force_reply": True, "input_field_placeholder": "The number"}
        await self._send(chat_id, "Which number?", reply_markup=markup)

    async def _send_invoice(self, chat_id: int) -> None:
        await self.call(
            "sendInvoice",
            chat_id=chat_id,
            title="IC card and postage",
            description="To be paid within 15 days",
            payload="application-1",
            provider_token="284685063:TEST:sandbox",
            currency="TWD",
            prices=[{"label": "IC card", "amount": 25000}, {"label": "Postage", "amount": 2800}],
        )

    async def _send_and_delete(self, chat_id: int) -> None:
        message = await self._send(chat_id, "Soon gone")
        await self.call("deleteMessage", chat_id=chat_id, message_id=message["message_id"])
        await self._send(chat_id, "It is gone")

    async def _show_typing(self, chat_id: int) -> None:
        await self.call("sendChatAction", chat_id=chat_id, action="typing")

    async def _on_callback_query(self, query: dict[str, Any]) -> None:
        alert = query["data"] == "vote"
        if not alert:
            message = query["message"]
            where = {"chat_id": message["chat"]["id"], "message_id": message["message_id"]}
            await self.call("editMessageText", **where, text=EDITED, parse_mode="HTML")
        words = "Thank you for your vote" if alert else "Now in Chinese"
        await self.call(
            "answerCallbackQuery", callback_query_id=query["id"], text=words, show_alert=alert
        )

    async def _on_inline_query(self, query: dict[str, Any]) -> None:
        found = {key: title for key, title in RESULTS.items() if query["query"] in title.lower()}
        results = [
            {
                "type": "article",
                "id": key,
                "title": title,
                "description": f"What to do: {title}",
                "input_message_content": {"message_text": f"Answer: {title}"},
            }
            for key, title in found.items()
        ]
        await self.call("answerInlineQuery", inline_query_id=query["id"], results=results)


_SCRIPT = {
    "keyboard": ScriptedBot._send_reply_keyboard,
    "force": ScriptedBot._send_force_reply,
    "invoice": ScriptedBot._send_invoice,
    "vanish": ScriptedBot._send_and_delete,
    "type": ScriptedBot._show_typing,
}
