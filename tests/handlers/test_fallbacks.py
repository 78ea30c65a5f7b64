"""Media, groups, blocking, inline mode."""

import pytest

from services.storage.availability import DatabaseUnavailableError
from services.storage.models import ChatRow
from tests import phrases
from tests.bot_harness import BotHarness, buttons

MEDIA = {
    "sticker": "type your question",
    "animation": "type your question",
    "dice": "type your question",
    "poll": "type your question",
    "photo": "pictures",
    "document": "pictures",
    "video": "pictures",
    "voice": "recordings",
    "audio": "recordings",
    "video_note": "recordings",
    "contact": "contacts",
    "location": "contacts",
    "venue": "contacts",
}


@pytest.mark.parametrize(("kind", "word"), MEDIA.items())
async def test_what_is_no_text_gets_a_sensible_answer(
    harness: BotHarness, kind: str, word: str
) -> None:
    anna = harness.add_user()
    await anna.starts()
    await anna.sends(kind)
    anna.sees(word)


async def test_words_under_a_picture_are_a_question(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.sends("photo", caption="how much does the card cost")
    anna.sees("278")


async def test_a_picture_can_be_deleted_with_one_tap(harness: BotHarness) -> None:
    anna = harness.add_user()
    sent = await anna.sends("photo")
    await anna.presses("Delete it")
    assert sent not in [message["message_id"] for message in anna.messages]
    anna.sees("Deleted.")


async def test_a_group_hears_only_commands_mentions_and_replies(harness: BotHarness) -> None:
    anna = harness.add_user()
    group = harness.engine.add_group("Tea", [anna.person], bot_is_admin=True)
    there, name = anna.within(group.id), harness.kaika.application.bot.username
    await harness.settle()
    introduced = len(there.bot_messages)
    for text in ("how much does the card cost", "hi all", "/nonsense", "/faq@other_bot"):
        await there.says(text)
    await there.sends("sticker")
    assert len(there.bot_messages) == introduced

    await there.says(f"@{name} how much does the card cost")
    there.sees("278")
    answer = there.last["message_id"]
    await there.says("and where do I apply", reply_to=answer)
    assert there.last["message_id"] > answer
    await there.says(f"/faq@{name}")
    there.sees("What is your question about?")


async def test_blocking_and_unblocking_is_noted(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.starts()
    anna.person.send("how much does the card cost")
    anna.person.block()
    await harness.settle()
    async with harness.kaika.database.unit_of_work() as session:
        chat = await session.get(ChatRow, anna.person.id)
        assert chat is not None
        assert chat.closed_at is not None
    assert (await harness.kaika.inbox.count_by_state())["failed"] == 0

    await anna.starts()
    async with harness.kaika.database.unit_of_work() as session:
        chat = await session.get(ChatRow, anna.person.id)
        assert chat is not None
        assert chat.closed_at is None


async def test_inline_lists_answers_and_sends_the_chosen_one(harness: BotHarness) -> None:
    anna = harness.add_user(language="en")
    found = await anna.asks_inline("用戶代碼是什麼")
    assert found["results"][0]["id"] == "code-what.zh_Hant"
    assert found["results"][0]["description"]
    anna.person.choose_result(found["inline_query_id"], found["results"][0]["id"])
    sent = anna.messages[-1]
    assert "用戶代碼" in sent["text"]
    await anna.forges(sent["message_id"], buttons(sent)[2]["callback_data"])
    assert "subscriber code" in anna.messages[-1]["text"]


async def test_inline_without_words_pages_through_everything(harness: BotHarness) -> None:
    anna = harness.add_user()
    ids, offset = [], ""
    while True:
        found = await anna.asks_inline("", offset)
        ids += [result["id"] for result in found["results"]]
        offset = found.get("next_offset", "")
        if not offset:
            break
    assert (
        len(ids) == len(set(ids)) == len(harness.kaika.application.bot_data["services"].entries.ids)
    )


async def test_a_handler_that_fails_is_noted_and_the_person_told(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    anna = harness.add_user()
    search = harness.kaika.application.bot_data["services"].search
    monkeypatch.setattr(type(search), "search", fail)
    await anna.says("how much does the card cost")
    anna.sees(phrases.OUR_ERROR)
    await harness.settle()
    async with harness.kaika.database.unit_of_work():
        pass
    assert (await harness.kaika.inbox.count_by_state())["done"] == 0


async def test_what_met_a_database_that_is_away_is_answered_later(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DatabaseUnavailableError("database is locked")

    anna, kaika = harness.add_user(), harness.kaika
    with monkeypatch.context() as patch:
        patch.setattr(type(kaika.application.bot_data["services"].search), "search", fail)
        await anna.says("how much does the card cost")
    assert anna.bot_messages == []
    with monkeypatch.context() as patch:
        patch.setattr(kaika.inbox, "load_unfinished", fail)
        with pytest.raises(DatabaseUnavailableError):
            await kaika.intake.enqueue_unfinished()  # it is away still
    await kaika.intake.enqueue_unfinished()
    await kaika.application.update_queue.join()
    anna.sees("278")
    assert len(anna.bot_messages) == 1
