"""The application form as a page: on one sheet of A4, for names and addresses of any length."""

import re
from dataclasses import replace

import pytest

from bot.cli.counter.form import ApplicationForm
from tests.browser import chromium
from tests.screenshots import A4, a_form

_PAGE = re.compile(rb"/Type\s*/Page\b")


def _with(form: ApplicationForm, values: dict[int, str]) -> ApplicationForm:
    return replace(form, values=[values.get(n, value) for n, value in enumerate(form.values)])


@pytest.mark.parametrize(
    "values",
    [
        {},
        {2: "María de los Ángeles Fernández-Gutiérrez y Villavicencio de Aragón"},
        {5: f"{'a' * 60}@{'b' * 40}.example", 6: "新北市板橋區文化路二段182巷3弄4號5樓之6" * 3},
    ],
)
async def test_it_prints_on_one_sheet_with_everything_in_sight(values: dict[int, str]) -> None:
    async with chromium() as browser:
        page = await browser.new_page(viewport=A4)
        await page.emulate_media(media="print")
        await page.set_content(_with(a_form(), values).render_html())
        assert await page.evaluate("document.documentElement.scrollWidth") <= A4["width"]
        printed = await page.pdf(prefer_css_page_size=True)
    assert len(_PAGE.findall(printed)) == 1


async def test_both_languages_are_marked_as_such() -> None:
    html = a_form().render_html()
    assert '<html lang="zh-Hant-TW">' in html
    assert '用戶代碼<span lang="en">Subscriber code</span>' in html
    assert html.count('<span lang="en">') == 1 + 10 + 4 + 2
