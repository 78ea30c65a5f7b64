"""A sandbox with a scripted bot, and a browser that opens its page."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest_asyncio
from playwright.async_api import Browser

from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.server import RunningSandbox, serve
from tests.browser import ChatPage, Device, chromium, window
from tests.sandbox.page.scripted_bot import ScriptedBot


@dataclass
class PageSandbox:
    """A sandbox that serves, with a bot that answers by script."""

    engine: Engine
    bot: ScriptedBot
    sandbox: RunningSandbox
    browser: Browser
    stack: AsyncExitStack

    async def open_page(self, device: Device, locale: str = "en-GB") -> ChatPage:
        """Open the page; errors in it fail the test at the end."""
        page = await self.stack.enter_async_context(window(self.browser, device, locale=locale))
        self.stack.push(_PageErrorCheck(page))
        await page.open(self.sandbox.page_url)
        return page

    def add_person(
        self, name: str, language: str = "en", *, started: bool = True
    ) -> TelegramClient:
        """Add a person, who talks to the bot already."""
        person = self.engine.add_person(name, language)
        if started:
            person.start()
        return person


class _PageErrorCheck:
    def __init__(self, page: ChatPage) -> None:
        self.page = page

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            assert self.page.troubles == []


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def page_sandbox(browser: Browser) -> AsyncIterator[PageSandbox]:
    async with AsyncExitStack() as stack:
        engine = Engine("777:TEST")
        bot = ScriptedBot(engine)
        sandbox = await serve(engine, "page-token")
        stack.push_async_callback(sandbox.close)
        await stack.enter_async_context(bot.run())
        yield PageSandbox(engine, bot, sandbox, browser, stack)
