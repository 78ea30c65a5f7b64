"""Around the chat: groups, topics, mails, language, colours, the keyboard."""

import re

import pytest
from playwright.async_api import expect

from tests.browser import DESKTOP, PHONE, Device
from tests.sandbox.page.conftest import PageSandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")
both = pytest.mark.parametrize("device", [PHONE, DESKTOP], ids=lambda device: device.name)


async def test_in_a_group_one_speaks_as_any_member(page_sandbox: PageSandbox) -> None:
    mei, sri = page_sandbox.add_person("Mei"), page_sandbox.add_person("Sri", "id")
    page_sandbox.engine.add_group("Friends", [mei, sri], bot_is_admin=True)
    page = await page_sandbox.open_page(DESKTOP)
    await page.goes_to("Friends")
    await page.field("Write as").select_option("Sri")
    await page.says("hello all")
    await expect(page.message("hello all")).to_have_class(re.compile(r"\bis-mine\b"))
    await page.field("Write as").select_option("Mei")
    await expect(page.message("hello all").locator(".author")).to_have_text("Sri")
    await page.sees("Echo: 9 characters")


@both
async def test_a_forum_shows_its_topics(page_sandbox: PageSandbox, device: Device) -> None:
    mei = page_sandbox.add_person("Mei")
    forum = page_sandbox.engine.add_group("Staff", [mei], is_forum=True, bot_is_admin=True)
    forum.create_topic("Ann, locked card", mei)
    page = await page_sandbox.open_page(device)
    await page.goes_to("Staff")
    await page.page.get_by_role("button", name="New topic").click()
    await page.field("Name").fill("Bo, lost card")
    await page.presses("Open the topic")
    await expect(page.page.get_by_role("heading", name="Bo, lost card")).to_be_visible()
    await page.says("I take this one")
    await page.sees("Echo: 15 characters")
    await page.goes_to("Ann, locked card")
    await page.sees("Topic opened: Ann, locked card")
    await expect(page.message("I take this one")).to_have_count(0)


async def test_the_browser_goes_back_to_the_chat_before(page_sandbox: PageSandbox) -> None:
    page_sandbox.add_person("Mei")
    page_sandbox.add_person("Olga", started=False)
    page = await page_sandbox.open_page(DESKTOP)
    await page.goes_to("Olga")
    await expect(page.button("Start")).to_be_visible()
    await page.page.go_back()
    await page.sees("Welcome, this is Kaika.")
    await page.page.reload()
    await page.sees("Welcome, this is Kaika.")


async def test_a_mail_shows_as_soon_as_it_is_sent(page_sandbox: PageSandbox) -> None:
    page = await page_sandbox.open_page(PHONE)
    await page.page.get_by_role("button", name="Mails").click()
    page_sandbox.engine.world.mailbox.add("mei@example.com", "Your one-time code", "It is 123456.")
    await page.page.locator(".row", has_text="Your one-time code").click()
    await expect(page.page.locator(".letter")).to_contain_text("It is 123456.")


async def test_messages_of_others_mark_a_chat_as_unread(page_sandbox: PageSandbox) -> None:
    mei = page_sandbox.add_person("Mei")
    page_sandbox.add_person("Olga")
    page = await page_sandbox.open_page(DESKTOP)
    await page.goes_to("Mei")
    await page.goes_to("Olga")
    mei.send("hello")
    row = page.page.locator(".row", has_text="Mei")
    await expect(row.locator(".badge")).to_have_text("1")
    await page.goes_to("Mei")
    await expect(row.locator(".badge")).to_have_count(0)


async def test_the_page_speaks_chinese_by_itself_and_changes_on_a_press(
    page_sandbox: PageSandbox,
) -> None:
    page_sandbox.add_person("Mei", started=False)
    page = await page_sandbox.open_page(DESKTOP, locale="zh-TW")
    buttons = page.page.get_by_role("button")
    await expect(buttons.get_by_text("開始", exact=True)).to_be_visible()
    await page.presses("English")
    await expect(buttons.get_by_text("Start", exact=True)).to_be_visible()
    assert await page.page.locator("html").get_attribute("lang") == "en"


async def test_the_colours_follow_the_system_until_chosen(page_sandbox: PageSandbox) -> None:
    page = await page_sandbox.open_page(DESKTOP)
    body = page.page.locator("body")
    light = await body.evaluate("node => getComputedStyle(node).backgroundColor")
    await page.presses("Colours: as the system")
    await page.presses("Colours: light")
    await expect(body).not_to_have_css("background-color", light)


async def test_everything_can_be_reached_with_the_keyboard(page_sandbox: PageSandbox) -> None:
    page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(DESKTOP)
    spoiler = page.message("Welcome").locator(".spoiler")
    await spoiler.focus()
    await page.page.keyboard.press("Enter")
    await expect(spoiler).to_have_class("spoiler is-shown")
    await page.button("中文").focus()
    await page.page.keyboard.press("Enter")
    await page.sees("歡迎，這裡是開卡。")
    await expect(page.message("歡迎")).to_be_focused()


async def test_the_page_says_when_the_sandbox_is_gone(page_sandbox: PageSandbox) -> None:
    page = await page_sandbox.open_page(DESKTOP)
    await page_sandbox.sandbox.close()
    await expect(page.page.locator("#offline")).to_be_visible()
    page.problems.clear()
