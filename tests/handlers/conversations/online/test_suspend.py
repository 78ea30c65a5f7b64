"""Suspending: from "I lost my card" to "suspended", and everything that leads elsewhere."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from handlers.engine.model import Step
from handlers.engine.session import ConversationSession
from services.faq.search import FaqSearch
from services.formats.subscriber_code import SubscriberCode
from services.storage.models import InboxUpdate
from tests import phrases
from tests.bot_harness import BotHarness, ChatUser, buttons
from tests.handlers.clock import current_time, set_time
from tests.handlers.conversations.online.cardholders import (
    Cardholder,
    Office,
    is_deleted,
    read_newest_mail,
    read_one_time_code,
    wrong_code,
)
from tests.handlers.conversations.online.step_walker import enter_wrong_code
from tests.handlers.engine.navigation import press, state, step_keys

WORDS = {
    "en": {
        "right": phrases.CODE_IS_RIGHT,
        "confirm": phrases.SUSPEND_NOW,
        "done": phrases.SUSPENDED,
        "undo": "To reactivate it",
        "undo online": "Without the code, only the counter can",
        "not yet": "The card is not suspended yet",
        "already": "already suspended",
        "letter": "emergency suspension",
    },
    "zh-hant": {
        "right": phrases.CODE_IS_RIGHT.chinese,
        "confirm": phrases.SUSPEND_NOW.chinese,
        "done": phrases.SUSPENDED.chinese,
        "undo": "要復用時",
        "undo online": "沒有用戶代碼，只能到櫃檯辦理",
        "not yet": "卡片還沒有停用",
        "already": "憑證先前已停用",
        "letter": "緊急停用申請書",
    },
}
languages = pytest.mark.parametrize("language", WORDS)


async def test_a_lost_card_is_suspended_within_seven_messages(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.says("I lost my card")
    await anna.presses(phrases.SUSPEND_BUTTON)
    anna.sees("Suspend (停用)", phrases.WHO_ARE_YOU, phrases.DEMONSTRATION)
    sent = await anna.says(holder.number_and_code)
    assert is_deleted(anna, sent)
    anna.sees(phrases.CODE_IS_RIGHT)
    await anna.presses(phrases.SEND_ONE_TIME_CODE)
    anna.sees("We are sending a one-time code")
    sent = await anna.says(await read_one_time_code(harness, holder))
    assert is_deleted(anna, sent)
    anna.sees(phrases.SUSPEND_NOW, "No one can sign")
    await anna.presses(phrases.SUSPEND_BUTTON)
    anna.sees(phrases.SUSPENDED, "To reactivate it")
    assert await holder.certificate_state() == "suspended"
    assert len(anna.bot_messages) + 3 <= 7, "four of the bot's, three of hers"


async def test_typing_it_in_chinese_leads_there_too(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder(), harness.add_user(language="zh-hant")
    await anna.says("我的卡掉了")
    await anna.presses(phrases.SUSPEND_BUTTON.chinese)
    anna.sees("停用", "統一證號", phrases.DEMONSTRATION.chinese)
    await anna.says(f"統一證號{holder.ui_number_text}")
    anna.sees("接著請輸入", holder.ui_number.mask())
    await anna.says(holder.code_text)
    anna.sees(phrases.CODE_IS_RIGHT.chinese)


@languages
async def test_with_the_card_number(harness: BotHarness, office: Office, language: str) -> None:
    holder, anna = await office.cardholder(), harness.add_user(language=language)
    said = WORDS[language]
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    anna.sees(said["right"])
    sent = await anna.says((await holder.read_card_number()).lower())
    assert is_deleted(anna, sent)
    anna.sees(said["confirm"])
    await press(anna, "suspend")
    anna.sees(said["done"], said["undo"])
    assert await holder.certificate_state() == "suspended"
    await press(anna, "no")
    assert {"do"} == {b["callback_data"].split(":")[1] for b in buttons(anna.last)[:2]}


@languages
async def test_doing_it_twice_does_nothing_twice(
    harness: BotHarness, office: Office, language: str
) -> None:
    holder, anna = await office.cardholder("suspended"), harness.add_user(language=language)
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    anna.sees(WORDS[language]["already"])
    assert not (await state(anna)).is_open
    assert await holder.certificate_state() == "suspended"


async def test_what_somebody_else_suspends_meanwhile_is_not_suspended_again(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    await press(anna, "mail")
    await anna.says(await read_one_time_code(harness, holder))
    await suspend_by_mail(bob := harness.add_user("Bob"), holder)
    bob.sees(phrases.SUSPENDED)
    await press(anna, "suspend")
    anna.sees("already suspended")
    assert await holder.certificate_state() == "suspended"


@pytest.mark.parametrize(
    ("reached", "end", "offered"),
    [("submitted", "unpaid", "pay"), ("revoked", "revoked", "status"),
     ("posted", "inactive", "activate")],
)  # fmt: skip
async def test_another_state_is_told_with_the_way_that_is_open(
    harness: BotHarness, office: Office, reached: str, end: str, offered: str
) -> None:
    holder, anna = await office.cardholder(reached), harness.add_user()
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    assert (await state(anna)).step == end
    anna.sees("No changes were made")
    assert f"v1:do:{offered}" in [b["callback_data"] for b in buttons(anna.last)]


async def test_a_wrong_code_tells_the_tries_and_that_capitals_matter(
    harness: BotHarness, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SubscriberCode, "generate", lambda: SubscriberCode("aB3dE5gH"))
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    sent = await anna.says(f"{holder.ui_number_text} {holder.code_text.swapcase()}")
    assert is_deleted(anna, sent)
    anna.sees("UI No. or code is incorrect", "Attempts left: 3", "capital and small letters matter")
    await anna.says(wrong_code(holder))
    anna.sees("Attempts left: 2")
    await anna.says(holder.code_text)
    anna.sees(phrases.CODE_IS_RIGHT)


async def test_who_does_not_exist_reads_the_same(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    await anna.says(f"{holder.ui_number_text} {wrong_code(holder)}")
    known = anna.last["text"]
    nobody = harness.add_user("Bình")
    await nobody.starts("do-suspend")
    await nobody.says(f"A800000014 {wrong_code(holder)}")
    masked = holder.ui_number.mask()
    assert nobody.last["text"].replace("A•••014", masked) == known


async def test_a_chat_that_guesses_has_to_wait(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    await anna.says(f"{holder.ui_number_text} {wrong_code(holder)}")
    for _ in range(2):
        await anna.says(wrong_code(holder))
    anna.sees("no attempts left until", "(Taipei)", "To continue now", "birth date")
    await anna.says(holder.birth_date)
    await anna.says(await read_one_time_code(harness, holder))
    anna.sees(phrases.SUSPEND_NOW)


async def test_a_code_that_strangers_tried_leaves_the_mail(
    harness: BotHarness, office: Office
) -> None:
    holder = await office.cardholder()
    for name in ("Bình", "Citra"):
        other = harness.add_user(name)
        await other.starts("do-suspend")
        await other.says(f"{holder.ui_number_text} {wrong_code(holder)}")
        await other.says(wrong_code(holder))
    anna = harness.add_user()
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    anna.sees(phrases.CODE_IS_PROTECTED, "Type the birth date")
    await anna.says(holder.birth_date)
    await anna.says(await read_one_time_code(harness, holder))
    anna.sees(phrases.SUSPEND_NOW)


async def test_a_locked_code_still_suspends_by_mail(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    for chat in (anna.person.id, 21, 22):
        await holder.links(chat, current_time(harness))
    for chat in (21, 21, 21, 22):
        await enter_wrong_code(holder, chat)
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    anna.sees(phrases.CODE_IS_LOCKED, "To have it released", "You can still suspend the card now")
    await press(anna, "birth")
    anna.sees("birth date", holder.ui_number.mask())
    sent = await anna.says(holder.birth_date)
    assert is_deleted(anna, sent)
    anna.sees(phrases.MAIL_MAY_BE_SENT)
    await anna.says(await read_one_time_code(harness, holder))
    anna.sees(phrases.SUSPEND_NOW)
    await press(anna, "suspend")
    anna.sees(phrases.SUSPENDED)
    assert (await state(anna)).step == "done", "no offer to link: there was no code"
    assert await holder.certificate_state() == "suspended"


@languages
async def test_who_lost_card_and_form_suspends_by_mail(
    harness: BotHarness, office: Office, language: str
) -> None:
    holder, anna = await office.cardholder(), harness.add_user(language=language)
    await anna.starts("do-suspend")
    await press(anna, "none")
    assert step_keys(anna)[0] == "mail", "the quickest way comes first"
    await press(anna, "mail")
    await anna.says(f"{holder.ui_number_text} {holder.birth_date}")
    await anna.says(await read_one_time_code(harness, holder))
    anna.sees(WORDS[language]["confirm"], WORDS[language]["undo online"])
    await press(anna, "suspend")
    anna.sees(WORDS[language]["done"], WORDS[language]["undo"])
    assert (await state(anna)).step == "done", "no offer to link: there was no code"
    assert await holder.certificate_state() == "suspended"


async def test_without_code_and_mailbox_the_fax_is_left(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    await press(anna, "none")
    assert {"mail", "forgotten", "fax"} <= set(step_keys(anna))
    await press(anna, "mail")
    await anna.says(f"{holder.ui_number_text} 1991-01-01")
    anna.sees(phrases.MAIL_MAY_BE_SENT)
    await harness.run_due_jobs(current_time(harness))
    assert not any(
        phrases.ONE_TIME_CODE_MAIL in mail.text for mail in harness.engine.world.mailbox.mails
    ), "another birth date"
    await press(anna, "back")
    await press(anna, "fax")
    anna.sees("0800-080-117", "cse@moica.nat.gov.tw", "緊急停用申請書")


async def test_a_wrong_one_time_code_and_a_new_one(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    await press(anna, "mail")
    right = await read_one_time_code(harness, holder)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    sent = await anna.says(wrong)
    assert is_deleted(anna, sent)
    anna.sees(
        "one-time code is incorrect", "Attempts left: 4", "Only the code in the newest mail works"
    )
    for _ in range(4):
        await anna.says(wrong)
    anna.sees("no attempts are left", "Please send a new one")
    await anna.says(right)
    anna.sees("has expired")
    await press(anna, "again")
    anna.sees("sending a new one-time code")
    await anna.sends("sticker")
    assert "sending a new one-time code" not in anna.last["text"], "it is told once"
    right = await read_one_time_code(harness, holder)
    await anna.says(right)
    anna.sees("Too many attempts", "did not use up an attempt")
    set_time(harness, current_time(harness) + timedelta(minutes=2))
    await anna.says(right)
    anna.sees(phrases.SUSPEND_NOW)


async def test_too_many_mails_say_when_the_next_goes_out(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    for key in ("mail", "again", "again"):
        await press(anna, key)
    last = await read_one_time_code(harness, holder)
    await press(anna, "again")
    anna.sees(phrases.MAIL_LIMIT, "newest mail still works", "(Taipei)")
    await anna.says(last)
    anna.sees(phrases.SUSPEND_NOW)


async def test_who_has_a_code_types_it_although_no_more_mails_go_out(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    typed = f"{holder.ui_number_text} {holder.birth_date}"
    await anna.starts("do-suspend-by_mail")
    for _ in range(3):
        await anna.says(typed)
        last = await read_one_time_code(harness, holder)
        await press(anna, "back")
    await anna.says(typed)
    anna.sees(phrases.MAIL_LIMIT, "newest mail still works")
    await anna.says(last)
    anna.sees(phrases.SUSPEND_NOW)


@languages
async def test_where_others_used_the_mails_up_the_fax_comes_first(
    harness: BotHarness, office: Office, language: str
) -> None:
    holder, anna = await office.cardholder(), harness.add_user(language=language)
    read = []
    for turn, number in enumerate((holder.ui_number_text, "A800000014")):
        for name in ("Bình", "Citra", "Dewi"):
            other = harness.add_user(f"{name} {turn}")
            await other.starts("do-suspend-by_mail")
            await other.says(f"{number} {holder.birth_date}")
        await anna.starts("do-suspend-by_mail")
        await anna.says(f"{number} {holder.birth_date}")
        anna.sees(WORDS[language]["not yet"])
        assert not (await state(anna)).is_open
        assert buttons(anna.last)[0]["callback_data"] == "v1:do:suspend.fax"
        read.append(anna.last["text"])
    assert read[0] == read[1], "it looks the same for nobody"


async def test_without_mails_the_card_number_is_left(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    for name in ("Bình", "Citra", "Dewi"):
        other = harness.add_user(name)
        await other.starts("do-suspend-by_mail")
        await other.says(f"{holder.ui_number_text} {holder.birth_date}")
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    await press(anna, "mail")
    anna.sees(phrases.MAIL_LIMIT, "Type the IC card number")
    await anna.says(await holder.read_card_number())
    anna.sees(phrases.SUSPEND_NOW)


async def test_a_wrong_card_number_leaves_the_mail(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    sent = await anna.says("GP00000000000000")
    assert is_deleted(anna, sent)
    anna.sees("card number is incorrect", "Attempts left: 2")
    await press(anna, "mail")
    await anna.says(await read_one_time_code(harness, holder))
    anna.sees(phrases.SUSPEND_NOW)


async def test_everybody_is_told_by_mail(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await suspend_by_mail(anna, holder)
    assert "suspended" in await read_newest_mail(harness, holder)


@languages
async def test_stop_in_the_first_step_may_mean_the_card(
    harness: BotHarness, office: Office, language: str
) -> None:
    holder, anna = await office.cardholder(), harness.add_user(language=language)
    await anna.says("/lost")
    await anna.says("停止" if language == "zh-hant" else "stop")
    anna.sees({"en": phrases.SUSPEND_OR_STOP, "zh-hant": phrases.SUSPEND_OR_STOP.chinese}[language])
    await press(anna, "here")
    await anna.says(holder.number_and_code)
    anna.sees(WORDS[language]["right"])


@languages
async def test_the_words_of_the_fax_are_the_guides(harness: BotHarness, language: str) -> None:
    anna = harness.add_user(language=language)
    await anna.starts("do-suspend-fax")
    anna.sees(WORDS[language]["letter"], "請寄給我「緊急停用申請書」")


def test_every_step_that_needs_a_grant_is_no_entrance(harness: BotHarness) -> None:
    steps: dict[str, Step] = dict(
        harness.kaika.application.bot_data["conversations"]["suspend"].steps
    )
    for name in ("proof", "mailed", "confirm", "offer", "linked", "done", "code", "born"):
        assert steps[name].requires, name


async def suspend_by_mail(anna: ChatUser, holder: Cardholder) -> None:
    """Go through the whole conversation, with a one-time code."""
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    await press(anna, "mail")
    await anna.says(await read_one_time_code(anna.harness, holder))
    await press(anna, "suspend")


async def test_of_what_is_typed_as_secret_nothing_is_kept_where_an_error_stops_it(
    harness: BotHarness, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("a bug")

    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    monkeypatch.setattr(ConversationSession, "run_action", fail)
    monkeypatch.setattr(FaqSearch, "search", fail)
    await anna.says(holder.number_and_code)
    await anna.says("no shape of a secret")
    await harness.kaika.inbox.store([])
    query = select(InboxUpdate.payload).where(InboxUpdate.state == "failed")
    async with harness.kaika.database.unit_of_work() as session:
        assert (await session.scalars(query)).all() == [None, None]
