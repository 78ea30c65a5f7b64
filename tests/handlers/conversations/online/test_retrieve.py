"""Getting a forgotten code back: shown for a minute, under a spoiler, and to nobody else."""

from datetime import timedelta
from typing import Any

import pytest

from sandbox.world.fault_injection import InjectedFault
from tests import phrases
from tests.bot_harness import BotHarness, ChatUser, buttons
from tests.handlers.clock import NOW, current_time, follow_clock, set_time
from tests.handlers.conversations.online.cardholders import (
    Cardholder,
    Office,
    is_deleted,
    read_newest_mail,
    read_one_time_code,
)
from tests.handlers.engine.navigation import press, state
from tests.moving_clock import DISTURBANCES, MovingClock

WORDS = {
    "en": {"ready": phrases.SHOWN_WHO_YOU_ARE, "shown": "in a separate message",
           "tap": phrases.TAP_TO_SEE, "gone": "disappears in 60 seconds",
           "kept": phrases.KEEP_IT_SAFE, "after": "no one, including us, can give the code back",
           "before": "After activation (開卡) the code is gone"},
    "zh-hant": {"ready": "身分驗證完成", "shown": "在另一則訊息", "tap": "點一下顯示您的用戶代碼",
                "gone": "60 秒後消失", "kept": "請妥善保管",
                "after": "任何人（包括我們）都無法再提供用戶代碼", "before": "開卡後就無法取回"},
}  # fmt: skip
languages = pytest.mark.parametrize("language", WORDS)


async def identify(anna: ChatUser, holder: Cardholder, typed: str | None = None) -> None:
    """Go to the step that shows the code."""
    await anna.starts("do-retrieve")
    await press(anna, "gone")
    await anna.says(typed or f"{holder.ui_number_text} {holder.birth_date}")
    await anna.says(await read_one_time_code(anna.harness, holder))


def messages_with_code(anna: ChatUser, holder: Cardholder) -> list[dict[str, Any]]:
    """Return the messages that show the code."""
    return [m for m in anna.messages if holder.code_text in m.get("text", "")]


@languages
async def test_the_code_is_shown_for_a_minute(
    harness: BotHarness, office: Office, language: str
) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user(language=language)
    said = WORDS[language]
    await identify(anna, holder)
    anna.sees(said["ready"])
    await press(anna, "show")
    (message,) = messages_with_code(anna, holder)
    assert said["tap"] in message["text"]
    assert said["gone"] in message["text"]
    assert message["has_protected_content"]
    assert "spoiler" in [entity["type"] for entity in message["entities"]]
    assert buttons(message)[0]["copy_text"] == {"text": holder.code_text}
    assert (await state(anna)).step == "shown"
    await harness.run_due_jobs(current_time(harness) + timedelta(seconds=59))
    assert messages_with_code(anna, holder)
    await harness.run_due_jobs(current_time(harness) + timedelta(seconds=60))
    assert not messages_with_code(anna, holder)
    assert is_deleted(anna, message["message_id"])
    assert "shown" in await read_newest_mail(harness, holder)


@languages
@pytest.mark.parametrize("card_state", ["active", "suspended"])
async def test_a_code_that_is_gone_is_promised_to_nobody(
    harness: BotHarness, office: Office, language: str, card_state: str
) -> None:
    holder, anna = await office.cardholder(card_state), harness.add_user(language=language)
    await identify(anna, holder)
    anna.sees(WORDS[language]["after"])
    assert (await state(anna)).step == "not_kept"
    promised = {"en": "will be shown", "zh-hant": "會顯示"}[language]
    assert [m for m in anna.bot_messages if promised in m.get("text", "")] == []


@languages
async def test_before_it_starts_it_says_that_after_activation_the_code_is_gone(
    harness: BotHarness, language: str
) -> None:
    anna = harness.add_user(language=language)
    await anna.starts("do-retrieve")
    anna.sees(WORDS[language]["before"])


@pytest.mark.parametrize("how", DISTURBANCES)
async def test_the_minute_is_counted_though_the_clock_is_set(
    harness: BotHarness, office: Office, how: str
) -> None:
    holder, anna, clock = await office.cardholder("submitted"), harness.add_user(), MovingClock(NOW)
    follow_clock(harness, clock.now)
    await identify(anna, holder)
    await press(anna, "show")
    clock.disturb(how)
    await harness.run_due_jobs(clock.wait(seconds=59))
    assert messages_with_code(anna, holder)
    await harness.run_due_jobs(clock.wait(seconds=1))
    assert not messages_with_code(anna, holder)


async def test_number_and_date_one_after_the_other_and_in_roc_years(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder("paid"), harness.add_user()
    await anna.starts("do-retrieve")
    await press(anna, "gone")
    number = await anna.says(holder.ui_number_text)
    anna.sees("Now type the birth date", holder.ui_number.mask())
    date = await anna.says("民國79年5月17日")
    assert is_deleted(anna, number)
    assert is_deleted(anna, date)
    anna.sees(phrases.MAIL_MAY_BE_SENT)
    await anna.says(await read_one_time_code(harness, holder))
    anna.sees(phrases.SHOWN_WHO_YOU_ARE)


async def test_who_mistyped_number_or_date_is_told_the_way_back(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder("paid"), harness.add_user()
    await anna.starts("do-retrieve")
    await press(anna, "gone")
    await anna.says(f"{holder.ui_number_text} 1991-01-01")
    typed = await anna.says(f"{holder.ui_number_text} {holder.birth_date}")
    assert is_deleted(anna, typed)
    assert "Press ‹ Back" in anna.bot_messages[-2]["text"]
    await press(anna, "back")
    await anna.says(f"{holder.ui_number_text} {holder.birth_date}")
    await anna.says(await read_one_time_code(harness, holder))
    anna.sees(phrases.SHOWN_WHO_YOU_ARE)


async def test_who_waits_for_the_mail_is_told_what_to_look_at(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder("paid"), harness.add_user()
    await anna.starts("do-retrieve")
    await press(anna, "gone")
    await anna.says(f"{holder.ui_number_text} {holder.birth_date}")
    await press(anna, "no_mail")
    anna.sees("spam folder", "not the subscriber code")
    await anna.says(await read_one_time_code(harness, holder))
    anna.sees(phrases.SHOWN_WHO_YOU_ARE)


async def test_who_does_not_exist_reads_the_same_and_gets_no_mail(
    harness: BotHarness, office: Office
) -> None:
    holder = await office.cardholder("submitted")
    read = []
    for name, typed in (
        ("Anna", f"{holder.ui_number_text} {holder.birth_date}"),
        ("Bình", f"A800000014 {holder.birth_date}"),
        ("Citra", f"{holder.ui_number_text} 1991-01-01"),
    ):
        person = harness.add_user(name)
        await person.starts("do-retrieve")
        await press(person, "gone")
        await person.says(typed)
        read.append(person.last["text"])
    assert len(set(read)) == 1
    await harness.run_due_jobs(current_time(harness))
    codes = [m for m in harness.engine.world.mailbox.mails if phrases.ONE_TIME_CODE_MAIL in m.text]
    assert len(codes) == 1


async def test_after_activation_the_answer_is_honest(harness: BotHarness, office: Office) -> None:
    for language, said in WORDS.items():
        holder = await office.cardholder("active", seed=len(language))
        anna = harness.add_user(f"Anna {language}", language)
        await identify(anna, holder)
        anna.sees(said["after"])
        assert not messages_with_code(anna, holder)
        targets = [b["callback_data"] for b in buttons(anna.last) if "v1:do:" in b["callback_data"]]
        assert targets == ["v1:do:change_pin", "v1:do:suspend.by_mail"]


async def test_shown_twice_is_told_once(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user()
    await identify(anna, holder)
    await press(anna, "show")
    step = anna.messages[-2]["message_id"]
    again = next(b for m in anna.bot_messages for b in buttons(m) if "Show it again" in b["text"])
    await anna.forges(step, again["callback_data"])
    assert len(messages_with_code(anna, holder)) == 1, "the earlier copy is gone"
    await harness.run_due_jobs(current_time(harness) + timedelta(minutes=2))
    assert not messages_with_code(anna, holder)
    mails = [m for m in harness.engine.world.mailbox.mails if "was shown in a chat" in m.text]
    assert len(mails) == 1


async def test_ten_minutes_later_it_is_asked_for_again(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user()
    await identify(anna, holder)
    set_time(harness, current_time(harness) + timedelta(minutes=11))
    await press(anna, "show")
    anna.sees(phrases.TEN_MINUTES_PASSED, "For your security", phrases.TYPE_BOTH_AGAIN)
    assert not messages_with_code(anna, holder)


async def test_a_code_that_cannot_be_deleted_is_emptied(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user()
    await identify(anna, holder)
    await press(anna, "show")
    (message,) = messages_with_code(anna, holder)
    harness.engine.world.faults.add(
        InjectedFault("deletemessage", 400, "Bad Request: message can't be deleted")
    )
    await harness.run_due_jobs(current_time(harness) + timedelta(minutes=1))
    assert not messages_with_code(anna, holder)
    emptied = next(m for m in anna.messages if m["message_id"] == message["message_id"])
    assert "has been removed" in emptied["text"]
    assert not buttons(emptied)


async def test_a_copy_that_another_process_took_away_is_not_an_error(
    harness: BotHarness, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes may take the same tap; who reveals it last takes the first one's copy away."""
    holder, anna = await office.cardholder("submitted"), harness.add_user()
    await identify(anna, holder)
    call = harness.engine.call

    async def taken_away(method: str, params: Any = None, files: Any = None) -> Any:
        if method.lower() == "editmessagetext" and holder.code_text in str(params):
            place = {name: params[name] for name in ("chat_id", "message_id")}
            await call("deleteMessage", place)
        return await call(method, params, files)

    monkeypatch.setattr(harness.engine, "call", taken_away)
    await press(anna, "show")
    assert not messages_with_code(anna, holder)
    assert (await state(anna)).step == "shown"
    assert not [m for m in anna.messages if phrases.OUR_ERROR in m.get("text", "")]
    monkeypatch.undo()
    await press(anna, "again")
    assert len(messages_with_code(anna, holder)) == 1


async def test_an_expired_application_is_nobodys(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user()
    later = current_time(harness) + timedelta(days=20)
    set_time(harness, later)
    await harness.authority.expire_overdue(later)
    await anna.starts("do-retrieve")
    await press(anna, "gone")
    await anna.says(f"{holder.ui_number_text} {holder.birth_date}")
    anna.sees(phrases.MAIL_MAY_BE_SENT)
    await harness.run_due_jobs(later)
    assert not any(
        phrases.ONE_TIME_CODE_MAIL in mail.text for mail in harness.engine.world.mailbox.mails
    )


@languages
async def test_it_ends_with_what_the_code_is_for(
    harness: BotHarness, office: Office, language: str
) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user(language=language)
    await identify(anna, holder)
    await press(anna, "show")
    step = next(m for m in reversed(anna.bot_messages) if any("noted" in b.get("callback_data", "")
                                                       for b in buttons(m)))  # fmt: skip
    noted = next(b for b in buttons(step) if "noted" in b["callback_data"])
    await anna.forges(step["message_id"], noted["callback_data"])
    edited = next(m for m in anna.messages if m["message_id"] == step["message_id"])
    assert WORDS[language]["kept"] in edited["text"]
