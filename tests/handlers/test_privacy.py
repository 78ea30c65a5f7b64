"""/privacy in guide mode: what a chat holds of somebody, and erasing it."""

import pytest
from sqlalchemy import func, select

from services.storage.models import Job, PersonRow, Vote
from tests import phrases
from tests.bot_harness import BotHarness, ChatUser
from tests.handlers.engine.navigation import press


async def count_stored(harness: BotHarness) -> list[int]:
    """Count languages, votes and reminders."""
    async with harness.kaika.database.unit_of_work() as session:
        queries = (
            select(func.count()).select_from(PersonRow),
            select(func.count()).select_from(Vote),
            select(func.count()).select_from(Job).where(Job.kind == "payment_reminder"),
        )
        return [(await session.execute(query)).scalar_one() for query in queries]


async def create_stored_data(person: ChatUser) -> None:
    """Choose a language, vote, and have oneself reminded."""
    await person.says("/language")
    await person.presses("English")
    await person.says("What does it cost?")
    await person.presses("👍")
    await person.starts("do-pay-date")
    await press(person, "today")


async def test_nothing_is_kept_of_who_says_nothing(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.says("/privacy")
    anna.sees("language: as in your Telegram", "ratings: 0", "reminders: 0")
    anna.sees("no access", "0800-080-117")
    assert anna.labels == []


async def test_what_is_kept_is_counted_and_erased_after_a_yes(harness: BotHarness) -> None:
    anna, ben = harness.add_user(language="zh-hant"), harness.add_user("Ben")
    for person in (anna, ben):
        await create_stored_data(person)
    assert await count_stored(harness) == [2, 2, 4]
    await anna.says("/privacy")
    privacy = anna.bot_messages[-2]
    assert "language: English" in privacy["text"]
    assert "ratings: 1" in privacy["text"]
    assert "reminders: 2" in privacy["text"]
    await anna.forges(privacy["message_id"], "v1:privacy:erase")
    assert "Erase your language choice" in anna.bot_messages[-2]["text"]
    await anna.forges(privacy["message_id"], "v1:privacy:show")
    assert await count_stored(harness) == [2, 2, 4], "the way back"
    await anna.forges(privacy["message_id"], "v1:privacy:erased")
    assert await count_stored(harness) == [1, 1, 2], "and Ben's stay"
    assert "語言：與您的 Telegram 相同" in anna.bot_messages[-2]["text"]
    await anna.forges(privacy["message_id"], "v1:privacy:erased")
    assert await count_stored(harness) == [1, 1, 2]


async def test_what_was_erased_stays_so_after_a_restart(harness: BotHarness) -> None:
    anna = harness.add_user(language="zh-hant")
    await create_stored_data(anna)
    await anna.says("/privacy")
    await anna.forges(anna.bot_messages[-2]["message_id"], "v1:privacy:erased")
    await harness.kaika.languages.load()
    await anna.says("/help")
    assert any(phrases.HELP.chinese in message["text"] for message in anna.bot_messages[-2:])


@pytest.mark.parametrize(
    "data", ["v1:privacy:remove." + "f" * 32 + ".1", "v1:doubt:no." + "f" * 32, "v1:doubt:yes.x"]
)
async def test_buttons_of_another_mode_do_nothing(harness: BotHarness, data: str) -> None:
    anna = harness.add_user()
    await anna.says("/privacy")
    await anna.forges(anna.last["message_id"], data)
    assert await count_stored(harness) == [0, 0, 0]
