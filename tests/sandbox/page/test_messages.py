"""A person reads messages in the page, forwards, edits and deletes them, and sends other kinds."""

import pytest
from playwright.async_api import expect

from locales.pictures import picture_path
from sandbox.world.file_store import UploadedFile
from tests.browser import DESKTOP, PHONE
from tests.sandbox.page.conftest import PageSandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")
_LAST_BEGINS_IN_SIGHT = """() => {
    const log = document.querySelector("#log");
    return log.lastElementChild.getBoundingClientRect().top > log.getBoundingClientRect().top;
}"""


async def test_a_message_is_forwarded_to_a_group(page_sandbox: PageSandbox) -> None:
    mei = page_sandbox.add_person("Mei")
    page_sandbox.engine.add_group("Friends", [mei], bot_is_admin=True)
    page = await page_sandbox.open_page(PHONE)
    await page.goes_to("Mei")
    await page.opens_menu_of("Welcome")
    await page.chooses("Forward")
    await page.page.get_by_role("dialog").get_by_role("button", name="Friends").click()
    await page.sees("Forwarded from Kaika")


async def test_what_is_forwarded_to_a_topic_is_in_that_topic(page_sandbox: PageSandbox) -> None:
    mei = page_sandbox.add_person("Mei")
    forum = page_sandbox.engine.add_group("Staff", [mei], is_forum=True, bot_is_admin=True)
    forum.create_topic("Lost card", mei)
    page = await page_sandbox.open_page(DESKTOP)
    await page.goes_to("Mei")
    await page.opens_menu_of("Welcome")
    await page.chooses("Forward")
    await page.page.get_by_role("dialog").get_by_role("button", name="Staff › Lost card").click()
    await expect(page.page.get_by_role("heading", name="Lost card")).to_be_visible()
    await page.sees("Forwarded from Kaika")


async def test_a_protected_message_is_neither_copied_nor_forwarded(
    page_sandbox: PageSandbox,
) -> None:
    mei = page_sandbox.add_person("Mei")
    await page_sandbox.bot.call(
        "sendMessage", chat_id=mei.id, text="A secret", protect_content=True
    )
    page = await page_sandbox.open_page(DESKTOP)
    await expect(page.message("A secret").locator(".bubble")).to_have_css("user-select", "none")
    await page.opens_menu_of("A secret")
    await expect(page.page.get_by_role("menuitem")).to_have_text(
        ["Reply", "React", "Pin", "Delete"]
    )


async def test_a_long_answer_is_read_from_its_beginning(page_sandbox: PageSandbox) -> None:
    mei = page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(PHONE)
    await page.goes_to("Mei")
    lines = "\n".join(f"Line {number}" for number in range(1, 90))
    await page_sandbox.bot.call("sendMessage", chat_id=mei.id, text=lines)
    await page.sees("Line 89")
    await page.page.wait_for_function(_LAST_BEGINS_IN_SIGHT)
    await page.presses("↓ Newest")
    await expect(page.button("↓ Newest")).to_be_hidden()


async def test_a_person_replies_edits_and_deletes(page_sandbox: PageSandbox) -> None:
    page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(DESKTOP)
    await page.opens_menu_of("Welcome")
    await page.chooses("Reply")
    await page.says("thank you")
    await expect(page.message("thank you").locator(".reply-quote")).to_contain_text("Welcome")
    await page.opens_menu_of("thank you")
    await page.chooses("Edit")
    await expect(page.composer).to_have_value("thank you")
    await page.says("thanks a lot")
    await page.sees("Now I read: thanks a lot")
    await page.opens_menu_of("Echo: 9 characters")
    await page.chooses("Delete")
    await expect(page.message("Echo: 9 characters")).to_have_count(0)


async def test_a_refusal_is_told_in_kind_words_and_the_text_kept(page_sandbox: PageSandbox) -> None:
    page_sandbox.add_person("Mei").send("hello")
    page = await page_sandbox.open_page(DESKTOP)
    await page.opens_menu_of("hello")
    await page.chooses("Edit")
    await page.presses("Send")
    await page.reads("The text is the same as before.")
    await expect(page.composer).to_have_value("hello")
    assert [problem for problem in page.problems if "400" not in problem] == []
    page.problems.clear()


async def test_a_very_long_text_goes_in_several_messages(page_sandbox: PageSandbox) -> None:
    page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(PHONE)
    await page.goes_to("Mei")
    await page.composer.fill("card " * 2000)
    await expect(page.page.locator("#length")).to_contain_text("will be sent as 3 messages")
    await page.presses("Send")
    await expect(page.message("Echo:")).to_have_count(3)


async def test_things_that_are_no_text_can_be_sent(page_sandbox: PageSandbox) -> None:
    page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(PHONE)
    await page.goes_to("Mei")
    for kind in ("Photo", "Sticker", "Voice message", "Contact"):
        await page.presses("Attach")
        await page.chooses(kind)
    for kind in (".picture", ".sticker", ".wave", ".tile-words"):
        await expect(page.page.locator(f"#log {kind}")).to_be_visible()


async def test_a_picture_of_the_bot_is_seen_whole_with_its_caption(
    page_sandbox: PageSandbox,
) -> None:
    mei = page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(PHONE)
    await page.goes_to("Mei")
    upload = UploadedFile("form.png", picture_path("form", "en").read_bytes(), "image/png")
    params = {"chat_id": mei.id, "caption": "Look for <b>用戶代碼</b>.", "parse_mode": "HTML"}
    envelope = await page_sandbox.engine.call("sendPhoto", params, {"photo": upload})
    assert envelope["ok"], envelope
    image = page.page.get_by_role("img", name="Look for 用戶代碼.")
    await image.evaluate("image => image.decode()")
    await expect(image).to_be_in_viewport(ratio=1)
    await expect(page.message("Look for 用戶代碼.")).to_be_in_viewport(ratio=1)
    shown = await image.bounding_box()
    assert shown is not None
    assert shown["height"] / shown["width"] == pytest.approx(416 / 360, rel=0.02)
