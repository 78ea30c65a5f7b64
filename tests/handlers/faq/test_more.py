"""A short answer, one action, and the rest behind *More*."""

import pytest

from handlers.conversations.registry import GUIDES
from handlers.faq import answers
from services.faq.entries import Entry, Mode, load_entries
from tests import phrases
from tests.bot_harness import BotHarness, buttons, plain
from tests.faq_titles import title

ENTRIES = load_entries()
WITH_CONVERSATION = [e for e in ENTRIES.all("en") if e.conversation is not None]


def first_row(entry: Entry, mode: Mode) -> list[tuple[str, str]]:
    """Return the label and the target of the first buttons."""
    keyboard = answers.answer_view(ENTRIES, entry, mode).keyboard
    assert keyboard is not None
    return [(b.text, str(b.url or b.callback_data)) for b in keyboard.inline_keyboard[0]]


async def test_more_comes_in_place_with_the_sources_and_goes_back(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.says("how much does the card cost")
    short, count = anna.last, len(anna.bot_messages)
    assert phrases.SOURCE not in short["text"]
    await anna.presses(phrases.MORE)
    anna.sees(title("fee"), phrases.SOURCE)
    await anna.presses("中文")
    anna.sees(title("fee", "zh_Hant"), phrases.SOURCE.chinese)
    await anna.presses("English")
    await anna.presses("« Short answer")
    assert anna.last["text"] == short["text"]
    assert len(anna.bot_messages) == count


async def test_more_works_under_an_answer_far_above(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.says("how much does the card cost")
    old = anna.last
    await anna.says("I lost my card on the bus what now")
    more = next(b["callback_data"] for b in buttons(old) if b["text"] == phrases.MORE)
    await anna.forges(old["message_id"], more)
    turned = next(m for m in anna.bot_messages if m["message_id"] == old["message_id"])
    assert phrases.SOURCE in turned["text"]


async def test_more_works_in_a_message_sent_inline(harness: BotHarness) -> None:
    anna = harness.add_user()
    found = await anna.asks_inline("how much does the card cost")
    anna.person.choose_result(found["inline_query_id"], found["results"][0]["id"])
    await harness.settle()
    sent = anna.messages[-1]
    for label, seen in ((phrases.MORE, phrases.SOURCE), ("« Short answer", "278")):
        data = next(b["callback_data"] for b in buttons(anna.messages[-1]) if b["text"] == label)
        await anna.forges(sent["message_id"], data)
        assert seen in plain(anna.messages[-1]["text"])


async def test_more_works_after_a_deep_link_and_in_a_group(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.starts("faq-fee")
    await anna.presses(phrases.MORE)
    anna.sees(phrases.SOURCE)
    group = harness.engine.add_group("Tea", [anna.person], bot_is_admin=True)
    there, name = anna.within(group.id), harness.kaika.application.bot.username
    await there.says(f"@{name} how much does the card cost")
    await there.presses(phrases.MORE)
    there.sees(title("fee"), phrases.SOURCE)


async def test_forged_buttons_do_nothing(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.says("how much does the card cost")
    before = anna.last
    for data in ("v1:more:no-such.en", "v1:more:fee.xx", "v1:more:fee", "v1:inline:fee.en.x"):
        await anna.forges(before["message_id"], data)
        assert "no longer works" in (anna.toast or "")
    assert anna.last == before


@pytest.mark.parametrize("entry", WITH_CONVERSATION, ids=lambda entry: entry.id)
def test_the_first_button_does_it_here_or_opens_the_official_page(entry: Entry) -> None:
    assert entry.conversation in GUIDES
    go = f"v1:go:{entry.conversation}"
    ((_, target),) = first_row(entry, Mode.EMBEDDED)
    assert target == go
    official, (_, guide) = first_row(entry, Mode.GUIDE)
    assert official == ("🏛 Official page", entry.page)
    assert guide == go
