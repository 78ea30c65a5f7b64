"""Entry points of a conversation: the list, an FAQ answer, typed words, a deep link, a group."""

import pytest

from handlers.conversations.registry import GUIDES
from handlers.official_page import menus
from tests import phrases
from tests.bot_harness import BotHarness, buttons
from tests.handlers.engine.navigation import press, state


async def test_a_lost_card_is_suspended_within_six_taps(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.says("I lost my card")
    await anna.presses(phrases.STEP_BY_STEP)
    for label in ("I have both", "Done", "Done", "It's suspended"):
        await anna.presses(label)
    anna.sees(phrases.SUSPENDED, "reactivate")
    assert len(anna.bot_messages) == 2, "the answer, and one message for all steps"


async def test_the_list_of_guides_leads_to_each(harness: BotHarness) -> None:
    anna = harness.add_user(language="zh-hant")
    await anna.starts()
    await anna.presses("操作指引")
    titles = anna.labels
    assert len(titles) == len(GUIDES)
    for title, name in zip(titles, GUIDES, strict=True):
        await anna.says("/guide")
        listed = next(m for m in reversed(anna.bot_messages) if len(buttons(m)) == len(GUIDES))
        data = next(b["callback_data"] for b in buttons(listed) if b["text"] == title)
        await anna.forges(listed["message_id"], data)
        assert (await state(anna)).conversation == name


@pytest.mark.parametrize(
    ("language", "words", "taps", "leads_to"),
    [
        (
            "en",
            "my card doesn't work",
            ("doesn't work", "PIN wrong"),
            "unlock",
        ),
        ("en", "I can't pay", ("I have a problem", "can't pay", "forgot the code"), "retrieve"),
        (
            "en",
            "I forgot my code",
            ("I have a problem", "forgot code", "Subscriber code"),
            "retrieve",
        ),
        ("zh-hant", "我的卡不能用", ("卡片無法使用", "PIN"), "unlock"),
        ("zh-hant", "我忘記代碼了", ("遇到問題", "忘記", "🔑 用戶代碼"), "retrieve"),
    ],
)
async def test_trouble_that_is_typed_leads_by_three_taps_to_what_helps(
    harness: BotHarness, language: str, words: str, taps: tuple[str, ...], leads_to: str
) -> None:
    anna = harness.add_user(language=language)
    await anna.says(words)
    for label in taps:
        await anna.presses(label)
    assert (await state(anna)).conversation == leads_to


@pytest.mark.parametrize("payload", ["do-nosuch", "do-", "do-pay-deadline", "do-pay-x-y"])
async def test_a_link_to_no_entrance_says_so(harness: BotHarness, payload: str) -> None:
    anna = harness.add_user()
    await anna.starts(payload)
    anna.sees(phrases.NO_LONGER_HERE)


async def test_a_group_is_given_a_link_to_the_private_chat(harness: BotHarness) -> None:
    anna = harness.add_user()
    group = harness.engine.add_group("Tea", [anna.person], bot_is_admin=True)
    there, name = anna.within(group.id), harness.kaika.application.bot.username
    await there.says(f"@{name} how can I suspend my certificate online")
    await there.presses(phrases.STEP_BY_STEP)
    there.sees("private chat")
    assert buttons(there.last)[0]["url"].endswith(f"{name}?start=do-suspend")
    answer = there.bot_messages[-2]["message_id"]
    await there.forges(answer, "v1:do:suspend.fax")
    assert buttons(there.last)[0]["url"].endswith("?start=do-suspend-fax")
    await there.forges(answer, "v1:dlg:suspend.ready.1.both")
    assert "no longer works" in (there.toast or "")


async def test_a_second_conversation_asks_and_can_begin(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.starts("do-suspend")
    await anna.presses("I have both")
    await anna.starts("do-pay")
    anna.sees(phrases.UNFINISHED, "Suspend my card")
    await anna.presses(phrases.STOP_AND_START)
    anna.sees("Have ready", "NT$278")
    assert (await state(anna)).conversation == "pay"


async def test_an_old_answer_does_not_end_what_was_begun_since(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.starts("do-suspend")
    await anna.presses("I have both")
    await anna.starts("do-pay")
    question = anna.last
    stop_suspend = next(
        each["callback_data"] for each in buttons(question) if "Stop it" in each["text"]
    )
    await anna.forges(question["message_id"], stop_suspend)
    await anna.starts("do-unlock-ready")
    await anna.presses(phrases.HAVE_EVERYTHING)
    at = await state(anna)
    for data in (stop_suspend, "v1:anew:pay.ready", "v1:anew:pay"):
        await anna.forges(question["message_id"], data)
        assert await state(anna) == at
        asked = next(m for m in anna.bot_messages if m["message_id"] == question["message_id"])
        assert f"{phrases.UNFINISHED} Unlock my card" in asked["text"].replace("🔓 ", "")


async def test_what_another_conversation_takes_over_is_said(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.says("/guide")
    menu = anna.last["message_id"]
    await anna.starts("do-status")
    await anna.forges(menu, "v1:do:unlock")
    taken = next(m for m in anna.bot_messages if m["message_id"] == menu)
    assert "Check my status was closed" in taken["text"].replace("📍 ", "")
    assert "PIN or subscriber code?" in taken["text"]
    await anna.forges(menu, "v1:do:unlock")
    await anna.says("how much does the card cost")
    assert "was closed" not in anna.last["text"], "said once"


async def test_the_same_one_can_be_started_over(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.starts("do-suspend")
    await anna.presses("I have both")
    await anna.starts("do-suspend")
    await anna.presses("Start over")
    at = await state(anna)
    assert (at.step, at.history) == ("ready", ())


async def test_steps_show_the_menu_in_both_scripts(harness: BotHarness) -> None:
    anna = harness.add_user(language="zh-hant")
    await anna.starts("do-suspend-ready")
    await press(anna, "both")
    anna.sees("外來人口 → 憑證作業 → 憑證停用", " → ".join(menus.SUSPEND.english))


async def test_there_is_a_sentence_to_show_at_the_counter(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.starts("do-suspend-revoke")
    await press(anna, "chinese")
    anna.sees("我想廢止我的憑證", "It says:", "revoke my certificate")


@pytest.mark.parametrize(
    ("pasted", "word"),
    [
        ("查無資料", "finds no data"),
        ("查无资料", "finds no data"),
        ("No data found", "finds no data"),
        ("此卡已開卡", "already activated"),
        ("用戶代碼錯誤，請重新輸入", "code was wrong"),
        ("用戶代碼已被鎖定", "subscriber code is locked"),
        (phrases.PIN_IS_LOCKED.chinese, "PIN is locked"),
        ("PIN碼錯誤", "PIN is incorrect"),
        ("IC卡卡號不存在", "card number was wrong"),
        ("請允許彈出視窗", "pop-up"),
        ("找不到讀卡機", "finds no reader"),
        ("請插入IC卡", "finds no card"),
        ("請安裝元件", "card software is missing"),
        ("系統忙碌中，請稍後再試", "busy"),
    ],
)
async def test_a_pasted_text_is_explained_and_the_step_shown(
    harness: BotHarness, pasted: str, word: str
) -> None:
    anna = harness.add_user()
    await anna.starts("do-activate")
    step = anna.last["text"]
    await anna.says(pasted)
    assert word in anna.bot_messages[-2]["text"]
    anna.sees(step)


async def test_without_a_conversation_the_faq_answers_pasted_texts(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.says("找不到讀卡機")
    assert "card software looks" not in anna.last["text"]
    assert phrases.MORE.chinese in anna.labels
