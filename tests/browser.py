"""Drives Debian's Chromium: the chat page as a person uses it, for tests and pictures."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    async_playwright,
    expect,
)

import locales

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


@dataclass(frozen=True, slots=True)
class Device:
    """The screen that the page is shown on."""

    name: str
    width: int
    height: int
    touch: bool


PHONE = Device("phone", 390, 844, touch=True)
DESKTOP = Device("desktop", 1280, 800, touch=False)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run a browser without a window while the block runs."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def window(
    browser: Browser, device: Device, *, locale: str = "en-GB", dark: bool = False
) -> AsyncIterator["ChatPage"]:
    """Open a window with a profile of its own."""
    context = await browser.new_context(
        viewport={"width": device.width, "height": device.height},
        is_mobile=device.touch,
        has_touch=device.touch,
        locale=locale,
        timezone_id="Asia/Taipei",
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(10_000)
    try:
        yield ChatPage(await context.new_page(), device, locales.resolve(locale))
    finally:
        await context.close()


@dataclass(frozen=True, slots=True)
class MeasuredMessage:
    """How much of the screen a message takes, in pixels.

    :ivar room: what is visible of the chat without scrolling.
    """

    height: float
    room: float


class ChatPage:
    """The chat page, used as a person does.

    What the page itself says is named in English, whatever its language.
    """

    def __init__(self, page: Page, device: Device, language: str) -> None:
        self.page = page
        self.device = device
        self._words = locales.catalogue("sandbox", language)
        self.problems: list[str] = []
        """Errors in the page, and requests to anywhere but the sandbox."""
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)
        page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def _on_error(self, error: Error) -> None:
        self.problems.append(str(error))

    def _on_request(self, request: Request) -> None:
        if not re.match(r"http://127\.0\.0\.1:\d+/|data:", request.url):
            self.problems.append(f"request to {request.url}")

    async def open(self, address: str) -> None:
        """Open the address that the sandbox printed."""
        await self.page.goto(address)
        await expect(self.page.locator("html")).to_have_attribute("data-ready", "true")

    def _localize(self, name: str) -> str:
        """Return a text of the page in its language."""
        return self._words.get(name, name)

    @property
    def composer(self) -> Locator:
        """The field for a new message."""
        return self.page.locator("#composer-text")

    def message(self, words: str) -> Locator:
        """Return the message with these words."""
        return self.page.locator("#log article", has_text=words)

    def button(self, name: str) -> Locator:
        """Return the last button of this name."""
        return self.page.get_by_role("button", name=self._localize(name), exact=True).last

    def field(self, label: str) -> Locator:
        """Return the field with this label."""
        return self.page.get_by_label(self._localize(label), exact=True)

    async def sees(self, words: str) -> None:
        """Wait for words to be in the chat."""
        await expect(self.message(words).last).to_be_visible()

    async def reads(self, words: str) -> None:
        """Wait for words to be in a toast."""
        await expect(self.page.locator(".toast", has_text=words).last).to_be_visible()

    async def measures(self, words: str) -> "MeasuredMessage":
        """Return the heights of the last message with these words, its buttons included."""
        height, room = await self.message(words).last.evaluate(
            """message => [
                message.querySelector(".message-body").getBoundingClientRect().height,
                document.querySelector("#log").clientHeight,
            ]"""
        )
        return MeasuredMessage(height, room)

    async def presses(self, name: str) -> None:
        """Press a button."""
        await self.button(name).click()

    async def says(self, words: str) -> None:
        """Write something and send it."""
        await self.composer.fill(words)
        await self.presses("Send")

    async def chooses(self, name: str) -> None:
        """Choose from the menu that is open."""
        await self.page.get_by_role("menuitem", name=self._localize(name), exact=True).click()

    async def goes_to(self, name: str) -> None:
        """Choose a person, group or topic from the list."""
        if self.device.touch and await self.button("Back").is_visible():
            await self.presses("Back")
        await self.page.locator(".row", has_text=name).first.click()

    async def adds_person(self, first_name: str, language: str) -> None:
        """Add a person to the sandbox."""
        await self.page.get_by_role("button", name=self._localize("Add a person")).first.click()
        await self.field("First name").fill(first_name)
        await self.field("Language of their Telegram").select_option(language)
        await self.presses("Add")

    async def opens_menu_of(self, words: str) -> None:
        """Open what can be done with a message."""
        bubble = self.message(words).last.locator(".bubble")
        if self.device.touch:
            await bubble.locator(".small-print").click()
            return
        await bubble.hover()
        name = self._localize("What to do with this message")
        await bubble.get_by_role("button", name=name).click()
