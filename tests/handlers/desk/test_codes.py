"""Answers sent by their codes: typed, found by words, chosen inline, and canned ones."""

import pytest

from sandbox.world.chats import ForumTopic
from services.desk.library import load_library
from services.faq import canned
from services.faq.canned import CannedAnswer
from tests.bot_harness import ChatUser, buttons
from tests.handlers.desk.desk_harness import DeskHarness


@pytest.fixture
async def topic(desk: DeskHarness, anna: ChatUser) -> ForumTopic:
    """The topic of Anna's ticket, which nobody has taken."""
    return await desk.asks(anna, "my card sings at night")


@pytest.fixture
async def chen(desk: DeskHarness, anna: ChatUser) -> ChatUser:
    """A subscriber who reads Chinese."""
    chen = desk.harness.add_user("Chen", "zh-hant")
    await chen.starts()
    return chen


@pytest.fixture
async def chens(desk: DeskHarness, chen: ChatUser) -> ForumTopic:
    """The topic of Chen's ticket."""
    await chen.says("/person")
    await chen.presses("找真人")
    await chen.says("卡片晚上會唱歌")
    await desk.work()
    return desk.topics[-1]


def last_of(desk: DeskHarness, topic: ForumTopic) -> str:
    return desk.messages_in(topic)[-1]


async def test_a_code_typed_blind_takes_five_keystrokes(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    code = "/lost"
    assert len(code) == 5
    await desk.says_in(bo, topic, code)
    anna.sees("I lost my card")
    assert last_of(desk, topic).startswith("👌 Bo sent this answer")


@pytest.mark.parametrize("typed", ["/LOST", "／lost", "/lost@kaika_sandbox_bot", "/los"])
async def test_a_code_is_read_as_people_type_it(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic, typed: str
) -> None:
    await desk.says_in(bo, topic, typed)
    anna.sees("I lost my card")


@pytest.mark.parametrize("typed", ["／／call her", "//lost"])
async def test_a_note_stays_one(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic, typed: str
) -> None:
    await desk.presses_in(bo, topic, "Take")
    count = len(anna.bot_messages)
    await desk.says_in(bo, topic, typed)
    assert len(anna.bot_messages) == count


async def test_a_code_in_reply_to_a_message_quotes_it(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await anna.says("and then it is gone")
    await desk.work(61)
    copy = desk.all_in(topic)[-1]["message_id"]
    await desk.says_in(bo, topic, "/lost", reply_to=copy)
    assert anna.last["reply_to_message"]["text"] == "and then it is gone"


async def test_several_hits_are_buttons_and_a_tap_sends(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    count = len(anna.bot_messages)
    await desk.says_in(bo, topic, "/pi")
    assert len(anna.bot_messages) == count
    found = [each["text"].split("/")[-1] for each in buttons(desk.all_in(topic)[-1])]
    assert found[:2] == ["pinc", "pin"]
    await desk.presses_in(bo, topic, "/pinc")
    anna.sees("Change a PIN you know")


@pytest.mark.parametrize("typed", ["/suspend the certificate", "/掛失", "/tax return"])
async def test_words_find_answers_but_send_none(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic, typed: str
) -> None:
    count = len(anna.bot_messages)
    await desk.says_in(bo, topic, typed)
    assert "Which answer?" in last_of(desk, topic)
    assert buttons(desk.all_in(topic)[-1])
    assert len(anna.bot_messages) == count


async def test_what_finds_nothing_is_said(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    count = len(anna.bot_messages)
    await desk.says_in(bo, topic, "/zzzz")
    assert "no answer has this code" in last_of(desk, topic)
    assert len(anna.bot_messages) == count


async def test_the_code_of_somebody_else_is_not_sent(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, cai: ChatUser, topic: ForumTopic
) -> None:
    await desk.presses_in(bo, topic, "Take")
    count = len(anna.bot_messages)
    await desk.says_in(cai, topic, "/lost")
    assert "Bo has this ticket" in last_of(desk, topic)
    assert len(anna.bot_messages) == count


async def test_a_code_in_a_resolved_ticket_is_not_sent(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.presses_in(bo, topic, "Take")
    await desk.says_in(bo, topic, "/resolve")
    count = len(anna.bot_messages)
    topic.is_closed = False  # administrators write in closed topics as well
    await desk.says_in(bo, topic, "/lost")
    await desk.work(61)
    assert "not possible while the ticket is resolved" in str(desk.messages_in(topic))
    assert len(anna.bot_messages) == count


async def test_changing_a_code_changes_nothing_at_the_subscribers(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    assert desk.group is not None
    command = await desk.says_in(bo, topic, "/lost")
    bo.person.edit(command, "/fee", desk.group.id)
    await desk.work(61)
    anna.sees("I lost my card")
    await desk.says_in(bo, topic, "/undo", reply_to=command)
    assert "I lost my card" not in str(anna.bot_messages)


async def test_the_menu_of_the_group_has_every_code(desk: DeskHarness, anna: ChatUser) -> None:
    assert desk.group is not None
    scope = {"type": "chat", "chat_id": desk.group.id}
    answer = await desk.harness.engine.call("getMyCommands", {"scope": scope})
    menu = {each["command"]: each["description"] for each in answer["result"]}
    assert menu["lost"] == "I lost my card"
    assert menu["case"] == "Passed on, with a number: /case 1234"
    assert "take" in menu
    assert 60 < len(menu) <= 100


async def test_a_code_chosen_inline_is_read_in_its_topic(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, chens: ForumTopic
) -> None:
    assert desk.group is not None
    await desk.says_in(bo, chens, "/take")
    there = bo.within(desk.group.id, chens.id)
    answer = await there.asks_inline("lost")
    found = [(each["title"], each["description"]) for each in answer["results"]]
    assert found[0] == ("📤 I lost my card", "/lost")
    bo.person.choose_result(
        answer["inline_query_id"], answer["results"][0]["id"], desk.group.id, chens.id
    )
    await desk.work(61)
    assert "卡片遺失" in last_of(desk, chens)
    strangers = await anna.asks_inline("lost")
    assert strangers["results"][0]["title"] == "I lost my card"


async def test_a_canned_answer_is_filled_in(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.says_in(bo, topic, "/case <A-12> *b*")
    anna.sees("The reference is <A-12> *b*.")
    await desk.says_in(bo, topic, "/case NIA-4711")
    anna.sees("The reference is NIA-4711.")
    await desk.says_in(bo, topic, "/hi")
    anna.sees("Hello, this is Bo.")


async def test_a_canned_answer_is_in_the_language_of_the_subscriber(
    desk: DeskHarness, bo: ChatUser, chens: ForumTopic
) -> None:
    await desk.says_in(bo, chens, "/late")
    assert "下次服務時間是" in last_of(desk, chens)
    assert f"第 {len(desk.topics)} 號" in last_of(desk, chens)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("/case", "{detail} is empty"),
        ("/case my PIN is 83472615", "looks like a PIN"),
        ("/case A123456789", "looks like a PIN"),
        ("/case https://evil.example/x", "looks like a PIN"),
        ("/case see evil.example", "looks like a PIN"),
        ("/case 請到移民署櫃台辦理", "may not read"),
    ],
)
async def test_a_canned_answer_that_cannot_be_filled_in_stops_with_the_reason(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic, typed: str, reason: str
) -> None:
    count = len(anna.bot_messages)
    await desk.says_in(bo, topic, typed)
    assert reason in last_of(desk, topic)
    assert len(anna.bot_messages) == count
    assert await desk.presses_in(bo, topic, "Take") == "OK", "nobody has taken it"


async def test_an_answer_that_is_not_in_the_subscribers_language_is_not_sent(
    desk: DeskHarness,
    bo: ChatUser,
    chens: ForumTopic,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    only = CannedAnswer("only-english", "only", "en", "English alone", "Hello")
    known = {**canned.load_canned_answers(), ("only-english", "en"): only}
    monkeypatch.setattr("services.desk.library.load_canned_answers", lambda: known)
    monkeypatch.setattr("handlers.desk.library_answers.load_canned_answers", lambda: known)
    load_library.cache_clear()
    await desk.says_in(bo, chens, "/only")
    load_library.cache_clear()
    assert "“English alone” isn't written in the subscriber's language" in last_of(desk, chens)


async def test_a_text_in_a_script_that_is_not_read_waits_for_its_author(
    desk: DeskHarness, bo: ChatUser, cai: ChatUser, chen: ChatUser, chens: ForumTopic
) -> None:
    await desk.says_in(bo, chens, "/take")
    await desk.says_in(bo, chens, "Please come to the counter tomorrow")
    assert "they read 繁體中文" in last_of(desk, chens)
    assert "has this ticket" in await desk.presses_in(cai, chens, "Send anyway")
    assert await desk.presses_in(bo, chens, "Send anyway") == "OK"
    chen.sees("Please come to the counter tomorrow")
    await desk.work(61)
    await desk.says_in(bo, chens, "OK, 請明天到櫃台")
    chen.sees("請明天到櫃台")
