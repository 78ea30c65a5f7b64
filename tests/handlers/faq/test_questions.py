"""A person asks and gets the answer, in either language and script."""

import pytest
from sqlalchemy import select

from services.storage.models import UnansweredQuestion
from tests import phrases
from tests.bot_harness import BotHarness
from tests.faq_titles import title


@pytest.mark.parametrize(
    ("question", "entry_id"),
    [
        ("how much does the card cost", "fee"),
        ("工本費多少錢", "fee"),
        ("工本费多少钱", "fee"),
        ("I lost my card on the bus what now", "lost-card"),
        ("卡片掉了怎麼辦", "lost-card"),
        ("卡丢了怎么办", "lost-card"),
    ],
)
async def test_a_question_gets_its_answer_in_its_language(
    harness: BotHarness, question: str, entry_id: str
) -> None:
    anna = harness.add_user(language="en")
    await anna.says(question)
    language = "en" if question.isascii() else "zh_Hant"
    entry = harness.kaika.application.bot_data["services"].entries.get(entry_id, language)
    anna.sees(entry.title)
    assert (phrases.MORE if language == "en" else phrases.MORE.chinese) in anna.labels


async def test_the_other_language_is_one_tap_away(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.says("how much does the card cost")
    before = anna.last["message_id"]
    await anna.presses("中文")
    assert anna.last["message_id"] == before
    anna.sees(title("fee", "zh_Hant"), "278")
    await anna.presses("English")
    anna.sees(title("fee"), "278")


async def test_related_questions_come_below_the_answer(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.says("how much does the card cost")
    first = anna.last
    await anna.presses("How to pay")
    assert anna.last["message_id"] != first["message_id"]
    assert first["text"] in [message["text"] for message in anna.bot_messages]


async def test_a_question_nobody_knows_is_asked_back_and_kept(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.says("who won the football match yesterday")
    anna.sees("not sure", "Did you mean")
    assert 3 <= len(anna.labels) <= 6
    assert "🙋 Ask a person" in anna.labels
    await anna.presses("Ask a person")
    anna.sees("0800-080-117")


async def test_a_suggestion_becomes_the_answer_in_place(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.says("football")
    message_id = anna.last["message_id"]
    await anna.presses(anna.labels[0])
    assert anna.last["message_id"] == message_id
    assert phrases.MORE in anna.labels


@pytest.mark.parametrize(
    "code", ["0x76000006", "76000006", "1979711494", "-2147483647", "ret_code=1979711501"]
)
async def test_an_error_code_is_explained(harness: BotHarness, code: str) -> None:
    anna = harness.add_user()
    await anna.says(code)
    anna.sees("Error code", "What to do:")
    await anna.presses(anna.labels[0])
    assert phrases.MORE in anna.labels


@pytest.mark.parametrize("text", ["11/20", "278?", "ok", "15", "0x76000006"])
async def test_what_has_no_language_is_answered_in_the_language_of_who_asks(
    harness: BotHarness, text: str
) -> None:
    mei = harness.add_user("Mei", "zh-hant")
    await mei.says(text)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in mei.last["text"])


@pytest.mark.parametrize("text", ["👍👍👍", "?", "。。。", "x" * 4096, "卡" * 4096])
async def test_there_is_never_silence(harness: BotHarness, text: str) -> None:
    anna = harness.add_user()
    await anna.says(text)
    assert anna.last["text"]
    assert anna.labels


async def test_ten_thousand_characters_are_answered(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.says("please tell me a story about the sea and the wind " * 200)
    anna.sees("long message")


async def test_an_edited_question_is_answered_anew(harness: BotHarness) -> None:
    anna = harness.add_user()
    asked = await anna.says("football")
    await anna.edits(asked, "how much does the card cost")
    anna.sees("278")


async def test_the_same_update_twice_is_answered_once(harness: BotHarness) -> None:
    anna = harness.add_user()
    anna.person.send("how much does the card cost")
    batch = await harness.updates()
    for _ in range(2):
        await harness.kaika.intake.accept(batch)
        await harness.kaika.application.update_queue.join()
    await harness.kaika.intake.accept(batch + batch)
    await harness.kaika.application.update_queue.join()
    assert len(anna.bot_messages) == 1


@pytest.mark.parametrize(
    ("small", "said"),
    [
        ("hi", "Just type your question"),
        ("Hello!", "Just type your question"),
        ("您好～", "直接輸入您的問題"),
        ("thanks", "You're welcome"),
        ("Thank you very much!!", "You're welcome"),
        ("谢谢！", "不客氣"),
        ("👍", "You're welcome"),
        ("cancel", phrases.NOTHING_UNDER_WAY),
    ],
)
async def test_small_words_are_no_question_and_not_kept_as_one(
    harness: BotHarness, small: str, said: str
) -> None:
    anna = harness.add_user(language="en")
    await anna.says(small)
    anna.sees(said)
    async with harness.kaika.database.unit_of_work() as session:
        assert not (await session.scalars(select(UnansweredQuestion))).all()


@pytest.mark.parametrize(
    "question", ["hi, how much is the card", "ok how do I pay", "謝謝，費用多少"]
)
async def test_a_question_with_small_words_is_a_question(
    harness: BotHarness, question: str
) -> None:
    anna = harness.add_user(language="en")
    await anna.says(question)
    assert "278" in anna.last["text"]


@pytest.mark.parametrize(
    ("complaint", "button", "step"),
    [
        ("hi, my card doesn't work!!", "Card doesn't work", "card_fails"),
        ("我的卡片不能用了", "卡片無法使用", "card_fails"),
        ("something is wrong", "I can't pay", "cannot_pay"),
        ("忘記密碼", "忘記用戶代碼或PIN碼", "forgot"),
    ],
)
async def test_a_complaint_without_a_name_is_led_to_where_it_gets_one(
    harness: BotHarness, complaint: str, button: str, step: str
) -> None:
    anna = harness.add_user(language="en")
    await anna.says(complaint)
    anna.sees("🛟")
    await anna.presses(button)
    assert f"v1:dlg:triage.{step}." in str(anna.last["reply_markup"])
