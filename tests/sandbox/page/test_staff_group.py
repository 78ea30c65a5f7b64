"""Topics, reactions, albums, members and switches, as the page shows them."""

import asyncio

import pytest
from playwright.async_api import expect

from sandbox.client.groups import Group
from sandbox.client.telegram_client import TelegramClient
from tests.browser import DESKTOP, ChatPage
from tests.sandbox.page.conftest import PageSandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


def add_desk(page_sandbox: PageSandbox, *members: TelegramClient) -> Group:
    """Add a forum that the bot administers."""
    return page_sandbox.engine.add_group("Desk", members, is_forum=True, bot_is_admin=True)


async def test_a_topic_of_the_bot_is_renamed_closed_and_deleted(page_sandbox: PageSandbox) -> None:
    mei = page_sandbox.add_person("Mei")
    desk = add_desk(page_sandbox, mei)
    page = await page_sandbox.open_page(DESKTOP)
    await page.goes_to("Desk")
    await page_sandbox.bot.call("createForumTopic", chat_id=desk.id, name="Lost card")
    await page.goes_to("Lost card")
    await page.presses("Chat menu")
    await page.chooses("Rename this topic")
    await expect(page.field("Name")).to_have_value("Lost card")
    await page.field("Name").fill("Lost card ✓")
    await page.presses("Rename")
    await expect(page.page.get_by_role("heading", name="Lost card ✓")).to_be_visible()
    await page.presses("Chat menu")
    await page.chooses("Close this topic")
    await expect(page.page.locator("#head")).to_contain_text("closed")
    await page.presses("Chat menu")
    await page.chooses("Reopen this topic")
    await expect(page.page.locator("#head")).not_to_contain_text("closed")
    await page.presses("Chat menu")
    await page.chooses("Delete this topic")
    await expect(page.page.get_by_role("heading", name="General")).to_be_visible()
    assert desk.as_json()["topics"] == []


async def test_reactions_of_bot_and_people_are_seen_and_taken_back(
    page_sandbox: PageSandbox,
) -> None:
    mei = page_sandbox.add_person("Mei")
    sent = mei.send("thanks")
    thumb = [{"type": "emoji", "emoji": "👍"}]
    place = {"chat_id": mei.id, "message_id": sent["message_id"]}
    await page_sandbox.bot.call("setMessageReaction", **place, reaction=thumb)
    page = await page_sandbox.open_page(DESKTOP)
    chips = page.message("thanks").locator(".reaction")
    await expect(chips).to_have_text(["👍"])
    await page.opens_menu_of("thanks")
    await page.chooses("React")
    await page.chooses("🎉")
    await expect(chips).to_have_text(["👍", "🎉"])
    await chips.first.click()
    await expect(chips).to_have_text(["👍 2"])
    await chips.first.click()
    await expect(chips).to_have_text(["👍"])


async def test_an_album_is_one_message_of_several_parts(page_sandbox: PageSandbox) -> None:
    mei = page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(DESKTOP)
    await page.composer.fill("both sides")
    await page.presses("Attach")
    await page.chooses("Album of three")
    album = page.message("both sides")
    await expect(album.locator(".album-part")).to_have_count(3)
    await expect(album.locator(".words")).to_contain_text("both sides")
    await page.opens_menu_of("both sides")
    await page.chooses("Delete")
    await expect(album).to_have_count(0)
    async with asyncio.timeout(10):  # the page deletes one part after the other
        while len(mei.transcript()["deleted"]) < 3:  # noqa: ASYNC110 - the world has no event
            await asyncio.sleep(0)


async def test_members_are_promoted_and_write_in_the_name_of_the_group(
    page_sandbox: PageSandbox,
) -> None:
    mei, bo = page_sandbox.add_person("Mei"), page_sandbox.add_person("Bo")
    desk = add_desk(page_sandbox, mei, bo)
    page = await page_sandbox.open_page(DESKTOP)
    await page.goes_to("Desk")
    await page.presses("Chat menu")
    await page.chooses("Members and their rights")
    await dialog_button(page, "Bo · Member")
    await dialog_button(page, "Administrator who stays anonymous")
    await page.reads("Bo: Administrator who stays anonymous")
    bo.send("good evening", desk.id)
    await expect(page.message("good evening").locator(".author")).to_have_text("Desk")
    await page.presses("Chat menu")
    await page.chooses("Members and their rights")
    await expect(page.page.get_by_role("dialog")).to_contain_text(
        "Bo · Administrator who stays anonymous"
    )


async def dialog_button(page: ChatPage, name: str) -> None:
    await page.page.get_by_role("dialog").get_by_role("button", name=name).click()


async def test_a_pinned_message_is_marked(page_sandbox: PageSandbox) -> None:
    page_sandbox.add_person("Mei").send("hello there")
    page = await page_sandbox.open_page(DESKTOP)
    await page.opens_menu_of("hello there")
    await page.chooses("Pin")
    mark = page.message("hello there").get_by_role("img", name="Pinned")
    await expect(mark).to_be_visible()
    await page.sees("Pinned: hello there")


async def test_limits_on_speed_are_switched_on(page_sandbox: PageSandbox) -> None:
    page_sandbox.add_person("Mei")
    page = await page_sandbox.open_page(DESKTOP)
    await page.presses("Chat menu")
    await page.chooses("Limit the bot as Telegram does")
    await page.presses("Chat menu")
    item = page.page.get_by_role("menuitem", name="Let the bot send without limit")
    await expect(item).to_be_visible()
    assert page_sandbox.engine.world.options.flood_limits


async def test_an_inline_button_in_a_topic_does_nothing(page_sandbox: PageSandbox) -> None:
    mei = page_sandbox.add_person("Mei")
    desk = add_desk(page_sandbox, mei)
    topic = desk.create_topic("Lost card", mei)
    keys = [[{"text": "Search", "switch_inline_query_current_chat": "lost"}]]
    await page_sandbox.bot.call(
        "sendMessage",
        chat_id=desk.id,
        message_thread_id=topic.id,
        text="An answer?",
        reply_markup={"inline_keyboard": keys},
    )
    page = await page_sandbox.open_page(DESKTOP)
    await page.goes_to("Desk")
    await page.goes_to("Lost card")
    await page.presses("Search")
    await page.reads("In a topic this button does nothing")
    await expect(page.composer).to_have_value("")


async def test_a_group_is_chosen_by_a_key(page_sandbox: PageSandbox) -> None:
    mei = page_sandbox.add_person("Mei")
    add_desk(page_sandbox, mei)
    request = {"request_id": 1, "chat_is_channel": False, "request_title": True}
    keys = {"keyboard": [[{"text": "Choose the group", "request_chat": request}]]}
    await page_sandbox.bot.call("sendMessage", chat_id=mei.id, text="Which?", reply_markup=keys)
    page = await page_sandbox.open_page(DESKTOP)
    await page.presses("Choose the group")
    await dialog_button(page, "Desk")
    await page.sees("You shared a group: Desk")
