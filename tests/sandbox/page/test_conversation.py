"""A person talks to the bot in the page."""

import pytest
from playwright.async_api import expect

from tests.browser import DESKTOP, PHONE, Device
from tests.sandbox.page.conftest import PageSandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")
both = pytest.mark.parametrize("device", [PHONE, DESKTOP], ids=lambda device: device.name)


@both
async def test_a_newcomer_adds_a_person_starts_the_bot_and_presses_a_button(
    page_sandbox: PageSandbox, device: Device
) -> None:
    page = await page_sandbox.open_page(device)
    await page.adds_person("Mei", "en")
    await expect(page.page.locator("#empty")).to_contain_text("Ask me about the card.")
    await page.presses("Start")
    await page.sees("Welcome, this is Kaika.")
    await expect(page.message("Welcome").locator("b")).to_have_text("Welcome")
    await page.presses("中文")
    await page.sees("歡迎，這裡是開卡。")
    await page.reads("Now in Chinese")
    await expect(page.message("歡迎")).to_contain_text("edited")
    await expect(page.message("Welcome")).to_have_count(0)


@both
async def test_a_spoiler_shows_when_it_is_tapped(page_sandbox: PageSandbox, device: Device) -> None:
    mei = page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(device)
    await page.goes_to("Mei")
    words = page.message("Welcome").locator(".spoiler-words")
    await expect(words).to_have_css("opacity", "0")
    assert "ABCD2345" not in await page.page.locator(".row").first.inner_text()
    await page.message("Welcome").locator(".spoiler").click()
    await expect(words).to_have_css("opacity", "1")
    mei.send("hello")
    await page.sees("Echo: 5 characters")
    await expect(words).to_have_css("opacity", "1")


@both
async def test_inline_results_are_searched_and_sent(
    page_sandbox: PageSandbox, device: Device
) -> None:
    page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(device)
    await page.goes_to("Mei")
    await page.composer.fill("@kaika_demo_bot lo")
    options = page.page.get_by_role("option")
    await expect(options).to_have_text(
        ["Locked cardWhat to do: Locked card", "Lost cardWhat to do: Lost card"]
    )
    await options.nth(1).click()
    await page.sees("Answer: Lost card")
    await expect(page.message("Answer: Lost card")).to_contain_text("via @kaika_demo_bot")
    await expect(page.composer).to_have_value("")


async def test_a_button_puts_an_inline_query_into_the_composer(page_sandbox: PageSandbox) -> None:
    page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(DESKTOP)
    await page.presses("Search here")
    await expect(page.composer).to_have_value("@kaika_demo_bot lo")
    await expect(page.page.get_by_role("option")).to_have_count(2)
    await page.composer.press("ArrowDown")
    await page.composer.press("Enter")
    await page.sees("Answer: Locked card")


async def test_an_alert_waits_to_be_acknowledged(page_sandbox: PageSandbox) -> None:
    page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(PHONE)
    await page.goes_to("Mei")
    await page.presses("Helpful")
    alert = page.page.get_by_role("dialog")
    await expect(alert).to_contain_text("Thank you for your vote")
    await page.presses("OK")
    await expect(alert).to_have_count(0)


async def test_a_button_copies_its_text(page_sandbox: PageSandbox) -> None:
    page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(DESKTOP)
    await page.presses("Copy the code")
    await page.reads("Copied")
    assert await page.page.evaluate("navigator.clipboard.readText()") == "ABCD2345"


async def test_deep_links_act_as_start_from_a_message_and_from_the_field(
    page_sandbox: PageSandbox,
) -> None:
    page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(PHONE)
    await page.goes_to("Mei")
    await page.page.get_by_role("link", name="about locked cards").click()
    await page.sees("Entry faq-locked")
    await page.presses("Chat menu")
    await page.chooses("Open a deep link")
    await page.field("Link").fill("t.me/kaika_demo_bot?start=faq-lost")
    await page.presses("Open")
    await page.sees("Entry faq-lost")


async def test_a_link_to_elsewhere_opens_a_new_window(page_sandbox: PageSandbox) -> None:
    mei = page_sandbox.add_person("Mei")
    await page_sandbox.bot.call(
        "sendMessage", chat_id=mei.id, text="See http://127.0.0.1:9/page", parse_mode="HTML"
    )
    page = await page_sandbox.open_page(DESKTOP)
    link = page.page.get_by_role("link", name="http://127.0.0.1:9/page")
    assert await link.get_attribute("rel") == "noopener noreferrer"
    async with page.page.context.expect_page() as opened:
        await link.click()
    await (await opened.value).close()
    await page.sees("Welcome, this is Kaika.")


async def test_what_the_bot_deletes_is_gone(page_sandbox: PageSandbox) -> None:
    page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(DESKTOP)
    await page.says("vanish")
    await page.sees("It is gone")
    await expect(page.message("Soon gone")).to_have_count(0)


async def test_the_head_tells_when_the_bot_is_typing(page_sandbox: PageSandbox) -> None:
    page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(DESKTOP)
    await page.says("type")
    await expect(page.page.locator("#head .typing")).to_be_visible()


async def test_the_menu_offers_commands_in_the_language_of_the_person(
    page_sandbox: PageSandbox,
) -> None:
    page_sandbox.add_person("Mei")
    page_sandbox.add_person("小明", "zh-hant")
    page = await page_sandbox.open_page(DESKTOP)
    options = page.page.get_by_role("option")
    await page.composer.fill("/f")
    await expect(options).to_have_text(["/faqBrowse the questions"])
    await page.goes_to("小明")
    await page.presses("Menu")
    await expect(options).to_have_text(["/start開始", "/faq瀏覽常見問題"])
    await options.nth(1).click()
    await page.sees("Echo: 4 characters")


async def test_the_description_is_in_the_language_of_the_person(page_sandbox: PageSandbox) -> None:
    page_sandbox.add_person("小明", "zh-hant", started=False)
    page = await page_sandbox.open_page(DESKTOP)
    await expect(page.page.locator("#empty")).to_contain_text("關於卡片，都可以問我。")


async def test_a_keyboard_stands_below_the_composer_until_it_is_used(
    page_sandbox: PageSandbox,
) -> None:
    page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(PHONE)
    await page.goes_to("Mei")
    await page.says("keyboard")
    await page.presses("Yes")
    await page.sees("Echo: 3 characters")
    await expect(page.page.locator("#reply-keyboard")).to_be_hidden()


async def test_a_forced_reply_quotes_the_question(page_sandbox: PageSandbox) -> None:
    page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(DESKTOP)
    await page.says("force")
    await expect(page.page.locator("#banner")).to_contain_text("Which number?")
    await expect(page.composer).to_have_attribute("placeholder", "The number")
    await page.says("42")
    await expect(page.message("42").locator(".reply-quote")).to_contain_text("Which number?")


@pytest.mark.parametrize(
    ("outcome", "told", "seen"),
    [
        ("Pay", "Paid NT$278.00", "You paid NT$278.00"),
        ("Card declined", "The bank declined the card", "IC card and postage"),
    ],
)
async def test_an_invoice_is_paid_or_declined(
    page_sandbox: PageSandbox, outcome: str, told: str, seen: str
) -> None:
    page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(PHONE)
    await page.goes_to("Mei")
    await page.says("invoice")
    await page.message("IC card and postage").get_by_role("button", name="Pay").click()
    bill = page.page.get_by_role("dialog").get_by_role("row")
    await expect(bill).to_have_text(["IC cardNT$250.00", "PostageNT$28.00", "TotalNT$278.00"])
    await page.page.get_by_role("dialog").get_by_role("button", name=outcome).click()
    await page.reads(told)
    await page.sees(seen)


async def test_a_slow_bank_pays_a_little_later(page_sandbox: PageSandbox) -> None:
    page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(DESKTOP)
    await page.page.clock.install()
    await page.says("invoice")
    await page.message("IC card and postage").get_by_role("button", name="Pay").click()
    await page.page.get_by_role("dialog").get_by_role("button", name="Slow bank").click()
    await page.reads("The bank takes its time")
    await expect(page.message("You paid")).to_have_count(0)
    await page.page.clock.fast_forward(5_000)
    await page.sees("You paid NT$278.00")


async def test_a_blocked_bot_is_unblocked_again(page_sandbox: PageSandbox) -> None:
    mei = page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(PHONE)
    await page.goes_to("Mei")
    await page.presses("Chat menu")
    await page.chooses("Block the bot")
    await expect(page.composer).to_be_hidden()
    assert mei.account.has_blocked
    await page.presses("Unblock the bot")
    await expect(page.composer).to_be_visible()
    assert not mei.account.has_blocked
