"""The page that hands a code to the bridge on the same PC, in a real browser."""

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, Request

from bot.web.listeners import serve_app
from bot.web.pairing_page import _HTML, pairing_page_routes
from reader_bridge.protocol import PAIRING_CODE_ALPHABET
from tests.browser import chromium

CODE = "ABCD2345"
NOT_CODES = (
    "",
    "abcd2345",
    "ABCD234",
    "ABCD23456",
    "ABCD0345",
    "ABCD2345&server=evil.example",
    "ABCD2345%26server",
    "javascript:alert(1)",
    '"><script>document.title="x"</script>',
    "A" * 100_000,
)


@pytest.fixture
async def address() -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(pairing_page_routes())
    async with serve_app(app, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}/pair"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


class VisitedPage:
    """The page, and everything the browser asked for or complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", self._record)
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _record(self, request: Request) -> None:
        if not request.url.endswith("/favicon.ico"):
            self.requests.append(request.url)


async def visit(browser: Browser, url: str) -> VisitedPage:
    page = await browser.new_page()
    visited = VisitedPage(page)
    await page.goto("about:blank")
    await page.goto(url)
    return visited


async def test_a_code_is_handed_on_with_one_tap(address: str, browser: Browser) -> None:
    for code in (CODE, CODE + "XY"):
        visited = await visit(browser, f"{address}#{code}")
        page = visited.page
        link = page.get_by_role("link")
        assert await link.get_attribute("href") == f"kaika://pair?code={code}"
        half = len(code) // 2
        assert await page.locator("#code").inner_text() == f"{code[:half]} {code[half:]}"
        assert await link.is_visible()
        assert not await page.get_by_text("This page needs a code").is_visible()
        assert page.url == address, "the code is not left in the history"
        assert visited.requests == [address], "nothing else is loaded"
        assert visited.complaints == []
        await page.close()


async def test_what_is_no_code_is_not_handed_on(address: str, browser: Browser) -> None:
    for nonsense in NOT_CODES:
        visited = await visit(browser, f"{address}#{nonsense}")
        assert await visited.page.locator("#open").get_attribute("href") is None, nonsense[:40]
        assert not await visited.page.locator("#ready").is_visible()
        assert await visited.page.get_by_text("This page needs a code").is_visible()
        assert visited.complaints == []
        assert "Kaika" in await visited.page.title()
        await visited.page.close()


async def test_the_page_may_not_be_framed_stored_or_extended(address: str) -> None:
    async with aiohttp.ClientSession() as client, client.get(address) as answer:
        headers, body = answer.headers, await answer.text()
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?http", body), "nothing from elsewhere"


def test_the_page_knows_the_alphabet_of_codes() -> None:
    (pattern,) = set(re.findall(r"\[([^\]]+)\]\{\d+\}", _HTML))
    every = [chr(number) for number in range(32, 127)]
    assert [each for each in every if re.fullmatch(f"[{pattern}]", each)] == sorted(
        PAIRING_CODE_ALPHABET
    )
