"""A film of a chat: what each act brought, as the page shows it, one picture after the other."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path

from playwright.async_api import Browser, FloatRect, Locator, Page, ViewportSize, expect

from sandbox.server import serve
from tests.browser import Device, window
from tests.chat import Json, Stage, Subscriber
from tests.handlers.engine.walking import button_data, press, shown

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
    "both": {"en": "UI No. + subscriber code", "zh": "統一證號＋用戶代碼"},
    "birth": {"en": "UI No. + birth date", "zh": "統一證號＋出生日期"},
    "mailed": {"en": "one-time code", "zh": "一次性驗證碼"},
    "card": {"en": "IC card number", "zh": "IC卡卡號"},
}


@dataclass
class Frame:
    """One picture.

    :ivar caption: what somebody did.
    :ivar picture: a PNG of what it brought.
    """

    caption: str
    picture: bytes


class Film:
    """Follows one person's chat; acts on their behalf, and takes a picture after each act."""

    def __init__(self, person: Subscriber, page: Page) -> None:
        self.person, self._page = person, page
        self.frames: list[Frame] = []
        self._seen: dict[int, Json] = {}

    @property
    def language(self) -> str:
        """The language of the chat, ``en`` or ``zh``."""
        return "en" if self.person.person.account.language_code == "en" else "zh"

    async def says(self, text: str, caption: str | None = None) -> None:
        """Type something.

        :param caption: names a secret, which is not shown; one of `_SECRETS`.
        """
        await self.person.says(text)
        await self.takes(f"⌨️ {_SECRETS[caption][self.language] if caption else text}")

    async def starts(self, payload: str, caption: str) -> None:
        """Follow a link, or a button below an answer."""
        await self.person.starts(payload)
        await self.takes(f"👆 {caption}")

    async def presses(self, key: str) -> None:
        """Press the button of this key."""
        label = self._label(key)
        await press(self.person, key)
        await self.takes(f"👆 {label}")

    def _label(self, key: str) -> str:
        data = button_data(self.person, key)
        rows = shown(self.person)["reply_markup"]["inline_keyboard"]
        return str(next(b["text"] for row in rows for b in row if b.get("callback_data") == data))

    def passes_over(self) -> None:
        """Leave out what has happened until now."""
        self._seen = {m["message_id"]: m for m in self.person.heard}

    async def takes(self, caption: str) -> None:
        """Take a picture of the messages of the bot that are new or changed."""
        new = [m for m in self.person.heard if self._seen.get(m["message_id"]) != m]
        self._seen = {m["message_id"]: m for m in self.person.heard}
        if new:
            self.frames.append(Frame(caption, await self._picture(new)))

    async def _picture(self, messages: list[Json]) -> bytes:
        for message in messages:
            begins = str(message.get("text", "")).strip().splitlines()[:1]
            await expect(self._article(message)).to_contain_text(begins[0] if begins else "")
        first, last = [await self._box(messages[index]) for index in (0, -1)]
        top = max(first["y"] - 6, 0)
        height = last["y"] + last["height"] + 6 - top
        clip = FloatRect(x=0, y=top, width=TALL_PHONE.width, height=height)
        return await self._page.screenshot(clip=clip, animations="disabled")

    async def _box(self, message: Json) -> FloatRect:
        """Give where a message is; the page may be drawing it anew."""
        while (box := await self._article(message).bounding_box()) is None:
            await expect(self._article(message)).to_be_visible()
        return box

    def _article(self, message: Json) -> Locator:
        return self._page.locator(f'#log article[data-message="{message["message_id"]}"]')

    async def develops(self, browser: Browser, path: Path) -> None:
        """Put all pictures on one sheet."""
        figures = "".join(_figure(number, each) for number, each in enumerate(self.frames, 1))
        columns = min(_COLUMNS, len(self.frames))
        size = ViewportSize(width=columns * 406 + 16, height=400)
        sheet = await browser.new_page(viewport=size)
        await sheet.set_content(_SHEET.format(columns=columns, figures=figures))
        await sheet.screenshot(path=path, full_page=True)
        await sheet.close()


def _figure(number: int, frame: Frame) -> str:
    picture = base64.b64encode(frame.picture).decode()
    caption = f"<figcaption><b>{number}</b> {escape(frame.caption)}</figcaption>"
    return f'<figure>{caption}<img src="data:image/png;base64,{picture}"></figure>'


@asynccontextmanager
async def filmed(browser: Browser, stage: Stage, person: Subscriber) -> AsyncIterator[Film]:
    """Look at somebody's chat with the bot on a phone while the block runs."""
    sandbox = await serve(stage.engine, "page-token")
    try:
        locale = "en-GB" if person.person.account.language_code == "en" else "zh-TW"
        async with window(browser, TALL_PHONE, locale=locale) as page:
            await page.open(sandbox.page_url)
            await page.page.locator(".row", has_text=person.person.account.first_name).first.click()
            yield Film(person, page.page)
    finally:
        await sandbox.runner.cleanup()
