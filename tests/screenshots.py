"""Takes the pictures in `docs/screenshots`: the demo, by a phone and a desktop, in both languages.

Run by `make screenshots`. It starts `kaika demo` with a data directory of its own, talks to it
in a browser as newcomers would, and stops it again.
"""

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from playwright.async_api import Browser, Locator, ViewportSize, expect

from bot.cli.counter.form import ApplicationForm, fill_in_form
from services.authority.embedded.payments.applications import ApplicationReceipt
from services.authority.embedded.personal_data.records import PersonalData
from services.authority.lifecycle import ApplicationState
from services.calendar import payment_deadline
from services.formats.subscriber_code import SubscriberCode
from services.formats.ui_number import UiNumber
from tests.browser import DESKTOP, PHONE, ChatPage, chromium, window

PICTURES = Path(__file__).parent.parent / "docs" / "screenshots"
KAIKA = Path(sys.executable).with_name("kaika")
A4 = ViewportSize(width=794, height=1123)
"""210 × 297 mm at the 96 dots an inch of CSS."""
_ADDRESS_OF_Q = "臺北市中正區廣州街15號"
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\?token=\S+")


@dataclass(frozen=True, slots=True)
class Story:
    """The person and the question of the pictures in one language."""

    name: str
    locale: str
    person: str
    person_language: str
    question: str
    more: str
    inline_query: str
    about_numbers: str
    which_is_which: str


STORIES = (
    Story(
        "en",
        "en-GB",
        "Maria",
        "en",
        "I typed a wrong PIN three times and now my card is locked. What can I do?",
        "📄 More",
        "lost card",
        "What is the difference between the PIN and the subscriber code?",
        "🖼 Which is which?",
    ),
    Story(
        "zh",
        "zh-TW",
        "美玲",
        "zh-hant",
        "我忘記用戶代碼，要怎麼繳費？",
        "📄 更多",
        "卡片遺失",
        "PIN碼和用戶代碼有什麼不同？",
        "🖼 怎麼分辨？",
    ),
)


@asynccontextmanager
async def demo() -> AsyncIterator[str]:
    """Run the demo while the block runs; yields the address of its page."""
    with tempfile.TemporaryDirectory() as data:
        process = await asyncio.create_subprocess_exec(
            KAIKA,
            *("demo", "--port", "0"),
            env={**os.environ, "KAIKA_DATA_DIR": data},
            stderr=asyncio.subprocess.STDOUT,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        output = _Output(process.stdout)
        try:
            yield await output.address()
        finally:
            process.terminate()
            await process.wait()
            await output.close()


class _Output:
    """Reads what the demo prints, so that it never waits for a reader."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream
        self._address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        lines = []
        async for line in self._stream:
            lines.append(line.decode())
            found = _ADDRESS.search(lines[-1])
            if found and not self._address.done():
                self._address.set_result(found[0])
        if not self._address.done():
            self._address.set_exception(RuntimeError("".join(lines)))

    async def address(self) -> str:
        """Return the address of the page.

        :raises RuntimeError: with what the demo printed, if it ended without one.
        """
        return await asyncio.wait_for(self._address, 60)

    async def close(self) -> None:
        """Wait for the end of the output."""
        await self._task


async def talk(page: ChatPage, story: Story) -> None:
    """Ask the question of a story, and take pictures on the way."""
    await page.adds_person(story.person, story.person_language)
    await page.presses("Start")
    await expect(_answers(page)).to_have_count(1)
    await _take(page, story, "start")
    await page.says(story.question)
    await expect(_answers(page)).to_have_count(2)
    await _take(page, story, "answer")
    await page.presses(story.more)
    await _take(page, story, "more")
    await page.composer.fill(f"@kaika_demo_bot {story.inline_query}")
    await expect(page.page.get_by_role("option").first).to_be_visible()
    await _take(page, story, "inline")
    await page.says(story.about_numbers)
    await page.presses(story.which_is_which)
    picture = page.page.locator("#log img.photo")
    await picture.evaluate("image => image.decode()")
    await _take(page, story, "picture")


def _answers(page: ChatPage) -> Locator:
    return page.page.locator("#log .message:not(.is-mine)")


async def _take(page: ChatPage, story: Story, what: str) -> None:
    await page.page.mouse.move(0, 0)  # away from what it would highlight
    path = PICTURES / f"{page.device.name}-{story.name}-{what}.png"
    await page.page.screenshot(path=path, animations="disabled")


async def take_pictures(browser: Browser, address: str) -> None:
    """Take pictures of each story on a phone, then on a desktop."""
    for story in STORIES:
        async with window(browser, PHONE, locale=story.locale) as page:
            await page.open(address)
            await talk(page, story)
    for story in STORIES:
        async with window(browser, DESKTOP, locale=story.locale) as page:
            await page.open(address)
            await page.goes_to(story.person)
            await expect(_answers(page)).to_have_count(4)
            await page.message(story.question).last.scroll_into_view_if_needed()
            await _take(page, story, "answer")


async def take_form(browser: Browser) -> None:
    """Take the application form as it comes out of a printer."""
    page = await browser.new_page(viewport=A4, device_scale_factor=1.5)
    await page.emulate_media(media="print")
    await page.set_content(sample_form().render_html())
    await page.screenshot(path=PICTURES / "form.png")
    await page.close()


def sample_form() -> ApplicationForm:
    """Return the form of a person who has just applied."""
    data = PersonalData(
        UiNumber("A823456783"), "Lê Văn Q", date(1990, 12, 31), "q@mail.example", _ADDRESS_OF_Q
    )
    now = datetime(2026, 11, 24, 2, tzinfo=UTC)
    code = SubscriberCode("r9MzueSX")
    state = ApplicationState.SUBMITTED
    return fill_in_form(
        data, ApplicationReceipt("8add29201fc0", True, state, now, payment_deadline(now), code)
    )


async def main() -> None:
    """Take all pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    async with demo() as address, chromium() as browser:
        await take_pictures(browser, address)
        await take_form(browser)


if __name__ == "__main__":
    asyncio.run(main())
