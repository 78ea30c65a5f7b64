"""The bots that Kaika is compared with: each echoes the text it receives.

Each is a process of its own: ``python -m benchmarks.echo_bots NAME http://127.0.0.1:PORT``.
"""

import asyncio
import sys
from collections.abc import Callable, Mapping
from typing import Any

TOKEN = "123456789:" + "A" * 35


def _ptb(address: str, concurrent: int, on_our_transport: bool) -> None:
    from telegram import Update
    from telegram.ext import Application, ApplicationBuilder, ContextTypes, MessageHandler, filters

    async def echo(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        message = update.effective_message
        assert message is not None
        await message.reply_text(message.text or "")

    builder: Any = ApplicationBuilder().token(TOKEN).base_url(f"{address}/bot")
    if concurrent:
        builder = builder.concurrent_updates(concurrent)
    if on_our_transport:
        from bot.telegram.transport import AiohttpRequest

        builder = builder.request(AiohttpRequest()).get_updates_request(AiohttpRequest(1))
    application: Application[Any, Any, Any, Any, Any, Any] = builder.build()
    application.add_handler(MessageHandler(filters.TEXT, echo))
    application.run_polling()


def _aiogram(address: str, on_uvloop: bool) -> None:
    from aiogram import Bot, Dispatcher
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer
    from aiogram.types import Message

    async def echo(message: Message) -> None:
        await message.answer(message.text or "")

    dispatcher = Dispatcher()
    dispatcher.message.register(echo)

    bot = Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(address)))
    if on_uvloop:
        dispatcher.run_polling(bot)  # takes uvloop by itself where it is installed
    else:
        asyncio.run(dispatcher.start_polling(bot))


def _on_uvloop(run: Callable[[], None]) -> None:
    import uvloop

    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    run()


BOTS: Mapping[str, Callable[[str], None]] = {
    "ptb": lambda address: _ptb(address, 0, False),
    "ptb_256": lambda address: _ptb(address, 256, False),
    "ptb_transport": lambda address: _ptb(address, 256, True),
    "ptb_transport_uvloop": lambda address: _on_uvloop(lambda: _ptb(address, 256, True)),
    "aiogram": lambda address: _aiogram(address, False),
    "aiogram_uvloop": lambda address: _aiogram(address, True),
}

if __name__ == "__main__":
    BOTS[sys.argv[1]](sys.argv[2])
