"""A storyboard of a chat: what each action led to on the page, one picture after the other."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path

from playwright.async_api import Browser, FloatRect, Locator, Page, ViewportSize, expect

from sandbox.server import serve
from tests.bot_harness import BotHarness, ChatUser, Json
from tests.browser import Device, window
from tests.handlers.engine.navigation import button_data, press, step_message

TALL_PHONE = Device("phone", 390, 1400, touch=True)
_COLUMNS = 4
_SHEET = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 16px; background: #dfe5ea; font: 15px/20px 'Noto Sans CJK TC'; }}
main {{ display: grid; grid-template-columns: repeat({columns}, 390px); gap: 16px; }}
figure {{ margin: 0; }}
figcaption {{ color: #33414c; padding: 0 4px 6px; }}
figcaption b {{ color: #1f6feb; }}
img {{ display: block; border-radius: 10px; }}
</style><main>{figures}</main>"""


_SECRETS = {
    "number_and_code": {"en": "UI No. + subscriber code", "zh": "統一證號＋用戶代碼"},
    "birth": {"en": "UI No. + birth date", "zh": "統一證號＋出生日期"},
    "mailed": {"en": "one-time code", "zh": "一次性驗證碼"},
    "card": {"en": "IC card number", "zh": "IC卡卡號"},
}


@dataclass
class StoryboardFrame:
    """One picture.

    :ivar caption: what somebody did.
    :ivar picture: a PNG of the messages it led to.
    """

    caption: str
    picture: bytes


class Storyboard:
    """Acts for one person in their chat, and takes a picture after each action."""

    def __init__(self, person: ChatUser, page: Page) -> None:
        self.person, self._page = person, page
        self.frames: list[StoryboardFrame] = []
        self._seen_messages: dict[int, Json] = {}

    @property
    def language(self) -> str:
        """The language of the chat, ``en`` or ``zh``."""
        return "en" if self.person.person.account.language_code == "en" else "zh"

    async def says(self, text: str, caption: str | None = None) -> None:
        """Type something.

        :param caption: names a secret, which is not shown; one of `_SECRETS`.
        """
        await self.person.says(text)
        await self.capture(f"⌨️ {_SECRETS[caption][self.language] if caption else text}")

    async def starts(self, payload: str, caption: str) -> None:
        """Follow a link, or a button below an answer."""
        await self.person.starts(payload)
        await self.capture(f"👆 {caption}")

    async def presses(self, key: str) -> None:
        """Press the button of this key."""
        label = self._label(key)
        await press(self.person, key)
        await self.capture(f"👆 {label}")

    def _label(self, key: str) -> str:
        data = button_data(self.person, key)
        rows = step_message(self.person)["reply_markup"]["inline_keyboard"]
        return str(next(b["text"] for row in rows for b in row if b.get("callback_data") == data))

    def skip(self) -> None:
        """Leave out the messages until now."""
        self._seen_messages = {m["message_id"]: m for m in self.person.bot_messages}

    async def capture(self, caption: str) -> None:
        """Take a picture of the messages of the bot that are new or changed."""
        new = [m for m in self.person.bot_messages if self._seen_messages.get(m["message_id"]) != m]
        self._seen_messages = {m["message_id"]: m for m in self.person.bot_messages}
        if new:
            self.frames.append(StoryboardFrame(caption, await self._screenshot(new)))

    async def _screenshot(self, messages: list[Json]) -> bytes:
        for message in messages:
            begins = str(message.get("text", "")).strip().splitlines()[:1]
            await expect(self._article(message)).to_contain_text(begins[0] if begins else "")
        first, last = [await self._box(messages[index]) for index in (0, -1)]
        top = max(first["y"] - 6, 0)
        height = last["y"] + last["height"] + 6 - top
        clip = FloatRect(x=0, y=top, width=TALL_PHONE.width, height=height)
        return await self._page.screenshot(clip=clip, animations="disabled")

    async def _box(self, message: Json) -> FloatRect:
        """Return where a message is; the page may be redrawing it."""
        while (box := await self._article(message).bounding_box()) is None:
            await expect(self._article(message)).to_be_visible()
        return box

    def _article(self, message: Json) -> Locator:
        return self._page.locator(f'#log article[data-message="{message["message_id"]}"]')

    async def save(self, browser: Browser, path: Path) -> None:
        """Put all pictures on one sheet."""
        figures = "".join(
            _render_figure(number, each) for number, each in enumerate(self.frames, 1)
        )
        columns = min(_COLUMNS, len(self.frames))
        size = ViewportSize(width=columns * 406 + 16, height=400)
        sheet = await browser.new_page(viewport=size)
        await sheet.set_content(_SHEET.format(columns=columns, figures=figures))
        await sheet.screenshot(path=path, full_page=True)
        await sheet.close()


def _render_figure(number: int, frame: StoryboardFrame) -> str:
    picture = base64.b64encode(frame.picture).decode()
    caption = f"<figcaption><b>{number}</b> {escape(frame.caption)}</figcaption>"
    return f'<figure>{caption}<img src="data:image/png;base64,{picture}"></figure>'


@asynccontextmanager
async def open_storyboard(
    browser: Browser, harness: BotHarness, person: ChatUser
) -> AsyncIterator[Storyboard]:
    """Show a person's chat with the bot on a phone while the block runs."""
    sandbox = await serve(harness.engine, "page-token")
    try:
        locale = "en-GB" if person.person.account.language_code == "en" else "zh-TW"
        async with window(browser, TALL_PHONE, locale=locale) as page:
            await page.open(sandbox.page_url)
            await page.page.locator(".row", has_text=person.person.account.first_name).first.click()
            yield Storyboard(person, page.page)
    finally:
        await sandbox.runner.cleanup()
