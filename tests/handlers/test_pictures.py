"""Pictures of ours: sent when asked for, uploaded once, and a conversation goes on beside them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
from sqlalchemy import select
from telegram import Bot, InputFile

import locales
from bot.telegram.transport import AiohttpRequest
from handlers.pictures import picture_button
from locales.pictures import Picture, find_picture, load_picture_texts
from sandbox.engine import Engine
from sandbox.server import serve
from sandbox.world.fault_injection import InjectedFault
from sandbox.world.file_store import FileStore
from services.faq.entries import load_entries
from services.messaging.picture_files import PictureKey, keep_file_id
from services.repeated_taps import RepeatedTaps
from services.storage.models import PictureFile
from tests import phrases
from tests.bot_harness import TOKEN, BotHarness, ChatUser, Json, buttons, plain
from tests.handlers.engine.navigation import declared_conversations, state

CLIENTS = {"en": "en", "zh_Hant": "zh-hant"}
QUESTIONS = {"en": "what is the subscriber code", "zh_Hant": "用戶代碼是什麼"}


@pytest.fixture(params=["guide", "embedded"])
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BotHarness]:
    """The bot in either mode."""
    mode: Literal["guide", "embedded"] = request.param
    async with BotHarness.start(Engine(TOKEN), tmp_path, mode) as ready:
        yield ready


def picture(name: str, language: str = "en") -> Picture:
    found = find_picture(name, language)
    assert found is not None
    return found


def photos(person: ChatUser) -> list[Json]:
    """Return the messages with a picture."""
    return [message for message in person.bot_messages if "photo" in message]


async def taps_picture(person: ChatUser, message: Json, name: str, language: str = "en") -> None:
    """Tap the button of a message to a picture."""
    wanted = picture_button(name, language)
    (data,) = [b["callback_data"] for b in buttons(message) if b["text"] == wanted.text]
    assert data == wanted.callback_data
    await person.forges(message["message_id"], data)


async def asks(person: ChatUser, language: str = "en") -> Json:
    """Ask what the subscriber code is; return the answer."""
    await person.says(QUESTIONS[language])
    return person.last


async def kept_ids(harness: BotHarness) -> list[tuple[int, str, str, str]]:
    async with harness.kaika.database.reading() as session:
        rows = await session.scalars(select(PictureFile))
        return [(r.bot_id, r.content_hash, r.language, r.file_id) for r in rows]


def shows(message: Json, expected: Picture) -> None:
    """Expect a message to be a picture, with what it shows in words."""
    assert message["caption"] == plain(expected.caption).strip()
    assert (message["photo"][-1]["width"], len(message["photo"])) == (1080, 1)


@pytest.mark.parametrize("language", locales.LANGUAGES)
async def test_an_answer_has_its_picture_on_tap(either: BotHarness, language: str) -> None:
    anna = either.add_user(language=CLIENTS[language])
    answer = await asks(anna, language)
    await taps_picture(anna, answer, "form", language)
    shows(anna.last, picture("form", language))
    assert anna.bot_messages[-2] == answer
    stored = either.engine.world.files.find(anna.last["photo"][-1]["file_id"])
    assert stored is not None
    assert stored.upload.content == picture("form", language).content


@pytest.mark.parametrize("language", locales.LANGUAGES)
async def test_a_step_that_asks_for_something_shows_where_it_is(
    either: BotHarness, language: str
) -> None:
    """The step is not posted again, and its buttons and input go on as before."""
    for conversation in declared_conversations(either).values():
        for name, step in conversation.steps.items():
            if step.picture is None or step.requires:
                continue
            anna = either.add_user(language=CLIENTS[language])
            await anna.starts(f"do-{conversation.name}-{name}")
            shown, before = anna.last, await state(anna)
            await taps_picture(anna, shown, step.picture, language)
            shows(anna.last, picture(step.picture, language))
            assert anna.bot_messages[-2] == shown
            assert await state(anna) == before
            cancel = [b for b in buttons(shown) if b["callback_data"].endswith(".cancel")]
            await anna.forges(shown["message_id"], cancel[0]["callback_data"])
            assert not (await state(anna)).is_open


async def test_what_is_asked_for_can_be_typed_below_the_picture(tmp_path: Path) -> None:
    async with BotHarness.start(Engine(TOKEN), tmp_path, "embedded") as harness:
        anna = harness.add_user()
        await anna.starts("do-status-who")
        await taps_picture(anna, anna.last, "form")
        typed = await anna.says("A800000014")
        assert typed not in [message["message_id"] for message in anna.messages]
        assert (await state(anna)).step == "code"
        await taps_picture(anna, anna.last, "form")
        assert len(photos(anna)) == 2


async def test_a_picture_is_uploaded_once_for_everybody(harness: BotHarness) -> None:
    anna, bo, mei = harness.add_user(), harness.add_user("Bo"), harness.add_user("Mei", "zh-hant")
    for person, language in ((anna, "en"), (bo, "en"), (mei, "zh_Hant")):
        await taps_picture(person, await asks(person, language), "form", language)
    ids = [photos(person)[0]["photo"][-1]["file_id"] for person in (anna, bo, mei)]
    assert ids[0] == ids[1] != ids[2]
    bot_id = harness.kaika.application.bot.id
    assert sorted(await kept_ids(harness)) == sorted(
        (bot_id, picture("form", language).hash, language, file_id)
        for language, file_id in (("en", ids[0]), ("zh_Hant", ids[2]))
    )


async def test_a_picture_is_uploaded_again_when_telegram_refuses_its_id(
    harness: BotHarness,
) -> None:
    anna, bo = harness.add_user(), harness.add_user("Bo")
    await taps_picture(anna, await asks(anna), "form")
    harness.engine.world.files = FileStore()
    await taps_picture(bo, await asks(bo), "form")
    shows(bo.last, picture("form"))
    (kept,) = await kept_ids(harness)
    assert kept[3] == bo.last["photo"][-1]["file_id"] != anna.last["photo"][-1]["file_id"]


@pytest.mark.parametrize(
    "description",
    [
        "Bad Request: wrong file identifier/HTTP URL specified",
        "Bad Request: wrong remote file identifier specified: Wrong padding in the string",
        "Bad Request: wrong remote file identifier specified: can't unserialize it",
        "Bad Request: FILE_REFERENCE_EXPIRED",
    ],
)
async def test_whatever_telegram_says_of_an_id_the_picture_comes(
    harness: BotHarness, description: str
) -> None:
    anna = harness.add_user()
    answer = await asks(anna)
    key = PictureKey(harness.kaika.application.bot.id, picture("form").hash, "en")
    async with harness.kaika.database.unit_of_work() as session:
        await keep_file_id(session, key, "AgACAgUAAxkDAAIB")
    harness.engine.world.faults.add(InjectedFault("sendphoto", 400, description))
    await taps_picture(anna, answer, "form")
    shows(anna.last, picture("form"))
    assert [kept[3] for kept in await kept_ids(harness)] == [anna.last["photo"][-1]["file_id"]]


async def test_the_id_of_another_bot_or_of_an_older_picture_is_not_used(
    harness: BotHarness,
) -> None:
    anna, bot_id = harness.add_user(), harness.kaika.application.bot.id
    async with harness.kaika.database.unit_of_work() as session:
        await keep_file_id(session, PictureKey(bot_id + 1, picture("form").hash, "en"), "other bot")
        await keep_file_id(session, PictureKey(bot_id, "0" * 64, "en"), "older")
    await taps_picture(anna, await asks(anna), "form")
    shows(anna.last, picture("form"))
    assert {kept[3] for kept in await kept_ids(harness)} >= {"other bot", "older"}


@pytest.mark.parametrize("error_code", [400, 500])
async def test_what_a_picture_shows_is_said_where_it_cannot_be_sent(
    harness: BotHarness, error_code: int
) -> None:
    harness.kaika.application.bot.rate_limiter.stop_waiting()
    anna = harness.add_user()
    answer = await asks(anna)
    harness.engine.world.faults.add(InjectedFault("sendphoto", error_code, times=10))
    await taps_picture(anna, answer, "form")
    anna.sees(plain(picture("form").caption).strip())
    assert photos(anna) == []


async def test_taps_in_a_row_send_one_picture(harness: BotHarness) -> None:
    anna = harness.add_user()
    answer = await asks(anna)
    wanted = picture_button("form", "en").callback_data
    for _ in range(3):
        anna.person.press(answer["message_id"], str(wanted))
    await harness.settle()
    assert len(photos(anna)) == 1
    await taps_picture(anna, answer, "form")
    assert (len(photos(anna)), anna.toast) == (1, "The picture is below.")
    await taps_picture(anna, await asks(anna), "form")
    assert len(photos(anna)) == 2, "another answer has a picture of its own"


def test_a_tap_counts_again_after_a_while_and_memory_is_bounded() -> None:
    now = 0.0
    taps = RepeatedTaps(lambda: now)
    assert not taps.is_done("form")
    taps.mark_done("form")
    assert taps.is_done("form")
    assert not taps.is_done("cards")
    now += 20.0
    assert not taps.is_done("form")
    for number in range(1001):
        taps.mark_done(number)
    assert not taps.is_done(0)
    assert taps.is_done(1000)


async def test_a_picture_can_be_hidden(harness: BotHarness) -> None:
    anna = harness.add_user()
    answer = await asks(anna)
    await taps_picture(anna, answer, "form")
    shown = anna.last
    await anna.presses("✖️ Hide the picture")
    assert anna.last == answer
    await anna.forges(shown["message_id"], "v1:picture:hide")
    assert "no longer" in (anna.toast or "")


async def test_a_picture_comes_in_the_group_and_topic_where_it_was_asked_for(
    harness: BotHarness,
) -> None:
    anna = harness.add_user()
    group = harness.engine.add_group("Tea", [anna.person], bot_is_admin=True)
    there, name = anna.within(group.id), harness.kaika.application.bot.username
    await there.says(f"@{name} {QUESTIONS['en']}")
    await taps_picture(there, there.last, "form")
    shows(there.last, picture("form"))


async def test_a_group_that_takes_no_pictures_reads_what_the_picture_shows(
    harness: BotHarness,
) -> None:
    anna = harness.add_user()
    answer = await asks(anna)
    words = "Bad Request: not enough rights to send photos to the chat"
    harness.engine.world.faults.add(InjectedFault("sendphoto", 400, words))
    await taps_picture(anna, answer, "form")
    anna.sees(plain(picture("form").caption).strip())


async def test_forged_buttons_show_nothing(harness: BotHarness) -> None:
    anna = harness.add_user()
    answer = await asks(anna)
    for data in ("form.xx", "no-such.en", "form", "form.en.x", "", "hide.en"):
        await anna.forges(answer["message_id"], f"v1:picture:{data}")
        assert phrases.NO_LONGER_WORKS in (anna.toast or ""), data
    assert anna.last == answer


async def test_a_picture_is_uploaded_and_sent_again_over_http(engine: Engine) -> None:
    anna = engine.add_person("Anna", "en")
    anna.start()
    sandbox = await serve(engine, "page-token")
    base_url = f"{sandbox.api_url}/bot"
    async with Bot(TOKEN, base_url=base_url, request=AiohttpRequest()) as bot:
        upload = InputFile(picture("form").content, filename="form.png")
        first = await bot.send_photo(anna.id, upload, caption="sample")
        again = await bot.send_photo(anna.id, first.photo[-1].file_id)
    await sandbox.close()
    assert first.photo[-1].file_id == again.photo[-1].file_id
    stored = engine.world.files.find(first.photo[-1].file_id)
    assert stored is not None
    assert stored.upload.content == picture("form").content


@pytest.mark.parametrize("language", locales.LANGUAGES)
def test_every_picture_of_an_entry_exists_and_every_picture_is_shown(language: str) -> None:
    shown = {entry.picture for entry in load_entries().all(language)} - {None}
    assert shown == set(load_picture_texts(language))
