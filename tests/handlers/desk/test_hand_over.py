"""From the question of a subscriber to the answer of an agent, and back to the bot."""

from tests import phrases
from tests.bot_harness import ChatUser
from tests.handlers.desk.desk_harness import DeskHarness

TAKEN = "is answering your question"


async def test_a_question_becomes_a_topic_and_the_answer_comes_back(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser
) -> None:
    await anna.says("I want to talk to a person")
    await anna.presses(phrases.ASK_PERSON)
    anna.sees("first name", "30 days", "Mon–Fri 9:00–12:00, 13:30–18:00", "Never write your PIN")
    await desk.work()
    assert desk.topics == [], "nobody hears of it before the yes"
    await anna.presses(phrases.YES_ASK_PERSON)
    anna.sees("Please write your question")
    await anna.says("my card sings at night")
    anna.sees("Passed on")
    await anna.says("every night")
    await desk.work()
    (topic,) = desk.topics
    assert "Anna" in topic.name
    (card,) = desk.messages_in(topic)
    assert "English" in card
    assert "👤 my card sings at night\n\nevery night" in card
    assert await desk.presses_in(bo, topic, "Take") == "OK"
    anna.sees("Bo", TAKEN)
    await desk.says_in(bo, topic, "Which song?")
    anna.sees("Which song?")
    await anna.says("the anthem")
    await desk.work()
    assert desk.messages_in(topic)[-1] == "👤 the anthem"
    assert anna.last["text"] == "Which song?", "the bot is silent"
    await desk.presses_in(bo, topic, "Resolve")
    anna.sees("resolved")
    assert topic.is_closed
    await anna.says("how much is the card")
    assert phrases.MORE in anna.labels


async def test_back_shows_nothing_to_anybody(desk: DeskHarness, anna: ChatUser) -> None:
    await anna.says("/person")
    await anna.presses("Back")
    await anna.says("xyzzy plugh frobnicate")
    await desk.work(120)
    assert desk.topics == []


async def test_of_two_agents_one_gets_the_ticket(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, cai: ChatUser
) -> None:
    topic = await desk.asks(anna, "my card sings at night")
    assert await desk.presses_in(bo, topic, "Take") == "OK"
    assert desk.group is not None
    card = topic.id + 1
    late = cai.within(desk.group.id)
    await late.forges(card, "v1:staff:take.1")
    assert late.toast == "Bo has this ticket."
    assert await desk.presses_in(cai, topic, "take over") == "OK"
    assert "Cai has taken over from Bo" in desk.messages_in(topic)[-1]
    anna.sees("Cai", TAKEN)


async def test_only_what_the_assignee_writes_to_the_subscriber_is_sent(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, cai: ChatUser
) -> None:
    topic = await desk.asks(anna, "my card sings at night")
    await desk.says_in(bo, topic, "nobody has it yet")
    assert "Not sent" in desk.messages_in(topic)[-1]
    await desk.presses_in(bo, topic, "Take")
    seen = len(anna.bot_messages)
    theirs = await desk.says_in(cai, topic, "I would ask for the song")
    assert "Bo has this ticket" in desk.messages_in(topic)[-1]
    await desk.says_in(cai, topic, "told once is enough")
    assert "told once" in desk.messages_in(topic)[-1]
    await desk.says_in(bo, topic, "// good idea")
    await desk.says_in(bo, topic, "thanks", reply_to=theirs)
    assert len(anna.bot_messages) == seen
    await desk.says_in(bo, topic, "Which song?")
    assert len(anna.bot_messages) == seen + 1


async def test_the_subscriber_goes_back_to_the_bot(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser
) -> None:
    topic = await desk.asks(anna, "my card sings at night")
    await desk.presses_in(bo, topic, "Take")
    await anna.says("/bot")
    anna.sees("I'm back")
    await desk.work()
    assert "went back to the bot" in desk.messages_in(topic)[-1]
    await anna.says("how much is the card")
    assert phrases.MORE in anna.labels
    await desk.work()
    assert "how much" not in str(desk.messages_in(topic)), "they ended it themselves"


async def test_a_secret_never_reaches_the_topic(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser
) -> None:
    topic = await desk.asks(anna, "my card sings at night")
    await anna.says("my PIN is 83472615")
    await desk.work()
    await desk.presses_in(bo, topic, "Take")
    await anna.says("A123456789")
    anna.sees("did not pass it on")
    await desk.work()
    shown = "\n".join(desk.messages_in(topic))
    assert shown.count(phrases.WITHHELD) == 2
    assert "83472615" not in shown
    assert "A123456789" not in shown
    assert "83472615" not in str(anna.messages)


async def test_a_lost_card_is_offered_suspension_first(desk: DeskHarness, anna: ChatUser) -> None:
    await anna.says("I lost my card")
    await anna.presses("Not helpful")
    await anna.presses(phrases.ASK_PERSON)
    anna.sees("Suspend the card first")
    await anna.presses(phrases.ASK_PERSON)
    await anna.presses(phrases.YES_ASK_PERSON)
    await desk.work(40)
    (topic,) = desk.topics
    assert topic.name.startswith("🚨")


async def test_who_left_the_group_has_no_say(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser
) -> None:
    topic = await desk.asks(anna, "my card sings at night")
    await desk.presses_in(bo, topic, "Take")
    await desk.says_in(bo, topic, "Which song?")
    assert desk.group is not None
    desk.group.remove(bo.person)
    await desk.work()
    there = bo.within(desk.group.id)
    await desk.presses_in(desk.admin, topic, "take over")
    anna.sees("Mei", TAKEN)
    assert there.toast is None


async def test_every_step_of_a_guide_offers_a_person_and_goes_on_afterwards(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser
) -> None:
    await anna.starts("do-pay-date")
    await anna.presses(phrases.ASK_PERSON)
    anna.sees("A person can answer you here")
    await anna.presses(phrases.YES_ASK_PERSON)
    await anna.says("which date is meant")
    await desk.work()
    (topic,) = desk.topics
    assert "At the step pay/" in desk.messages_in(topic)[0]
    await desk.presses_in(bo, topic, "Take")
    await desk.presses_in(bo, topic, "Resolve")
    await anna.presses("Continue")
    assert phrases.ASK_PERSON in str(anna.labels)
