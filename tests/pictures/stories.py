"""The scripts of the picture stories of the online conversations."""

from collections.abc import Awaitable, Callable, Mapping

from reader_bridge.prompter import PinKind
from tests import phrases
from tests.handlers.clock import current_time
from tests.handlers.conversations.online.bridge_harness import (
    NEW_PIN,
    WRONG_PIN,
    button_keys,
    open_bridge_harness,
)
from tests.handlers.conversations.online.cardholders import Office, read_one_time_code
from tests.handlers.conversations.online.payments import invoices, pay_invoice
from tests.handlers.engine.navigation import declared_conversations, press, state
from tests.pictures.storyboard import Storyboard

StoryScript = Callable[[Storyboard, Office], Awaitable[None]]


async def retrieve(board: Storyboard, office: Office) -> None:
    """Somebody forgot the code."""
    holder = await office.cardholder("submitted")
    await board.starts("do-retrieve", "/guide → retrieve")
    await board.presses("gone")
    await board.says(f"{holder.ui_number_text} {holder.birth_date}", "birth")
    await board.says(await read_one_time_code(office.harness, holder), "mailed")
    await board.presses("show")
    await board.presses("noted")


async def pay(board: Storyboard, office: Office) -> None:
    """Somebody pays for the card."""
    holder = await office.cardholder("submitted")
    await board.starts("do-pay", "/guide → pay")
    await board.says(holder.number_and_code, "number_and_code")
    await board.presses("pay")
    await pay_invoice(board.person, invoices(board.person)[-1])
    await board.capture("💳 Pay")


async def status(board: Storyboard, office: Office) -> None:
    """Somebody looks up the status."""
    holder = await office.cardholder("posted")
    await board.starts("do-status", "/guide → status")
    await board.says(holder.number_and_code, "number_and_code")
    await board.presses("no")


async def suspend(board: Storyboard, office: Office) -> None:
    """Somebody lost the card."""
    holder = await office.cardholder()
    english = board.language == "en"
    await board.says("I lost my card" if english else "我的卡掉了")
    await board.starts(
        "do-suspend", phrases.SUSPEND_BUTTON if english else phrases.SUSPEND_BUTTON.chinese
    )
    await board.says(holder.number_and_code, "number_and_code")
    await board.presses("mail")
    await board.says(await read_one_time_code(office.harness, holder), "mailed")
    await board.presses("suspend")
    await board.presses("yes")


async def resume(board: Storyboard, office: Office) -> None:
    """Somebody found the card again."""
    holder = await office.cardholder("suspended")
    await board.starts("do-resume-safe", "/guide → resume")
    await board.presses("yes")
    await board.says(holder.number_and_code, "number_and_code")
    await board.says(await holder.read_card_number(), "card")
    await board.presses("mail")
    await board.says(await read_one_time_code(office.harness, holder), "mailed")
    await board.presses("tell")
    await board.presses("resume")


async def triage(board: Storyboard, office: Office) -> None:
    """Somebody does not know what they need."""
    await board.says("/guide")
    await board.starts("do-triage", "🛟")
    await board.presses("card")
    for _ in range(3):
        here = await state(board.person)
        step = declared_conversations(office.harness)[here.conversation].steps[here.step]
        if step.is_end or here.conversation != "triage":
            break
        await board.presses(step.buttons[0].key)


async def was_this_you(board: Storyboard, office: Office) -> None:
    """Somebody else used the code; the linked chat is asked about it."""
    holder = await office.cardholder()
    await holder.links(board.person.person.id, current_time(office.harness))
    other = office.harness.add_user("Stranger")
    await other.starts("do-suspend")
    await other.says(holder.number_and_code)
    await press(other, "mail")
    await other.says(await read_one_time_code(office.harness, holder))
    await press(other, "suspend")
    await press(other, "yes")
    await office.harness.run_due_jobs(current_time(office.harness))
    await board.capture("⏸ 👤")
    await board.says("/privacy")


async def activate(board: Storyboard, office: Office) -> None:
    """Somebody connects their PC, and activates the card that came by post."""
    words = _WORDS[board.language]
    async with open_bridge_harness(office.harness, office) as cards:
        holder = await cards.cardholder("posted")
        async with cards.open_pc(holder) as pc:
            await board.starts("do-activate", "/guide → activate")
            await board.presses("go")
            await cards.enter_pairing_code(board.person, pc)
            await board.capture(words["typed"])
            await board.presses("same")
            await cards.wait_until(lambda: "other" not in button_keys(board.person))
            await board.capture(words["yes"])
            await board.says(holder.number_and_code, "number_and_code")
            pc.person.may_type_pin.clear()
            await board.presses("start")
            await cards.wait_for_text(board.person, words["go on"])
            await board.capture(words["yes"])
            pc.person.may_type_pin.set()
            await cards.wait_for_text(board.person, words["activated"])
            await board.capture(words["new PIN"])


async def unlock(board: Storyboard, office: Office) -> None:
    """Somebody types a wrong PIN three times, unlocks the card, and looks at it."""
    words = _WORDS[board.language]
    async with open_bridge_harness(office.harness, office) as cards:
        holder = await cards.cardholder("posted")
        async with cards.open_pc(holder) as pc:
            await cards.prepare_operation(board.person, pc, holder, "activate")
            await press(board.person, "start")
            await cards.wait_for_text(board.person, words["activated"])
            await press(board.person, "no")
            board.skip()
            pc.person.pins = {PinKind.CURRENT: [WRONG_PIN], PinKind.NEW: [NEW_PIN]}
            await board.starts("do-change_pin", "/guide → change_pin")
            await board.presses("yes")
            await cards.wait_for_text(board.person, words["locked"])
            await board.capture(words["wrong PIN"])
            await board.starts("do-unlock", words["unlock"])
            await board.presses("go")
            await board.says(holder.number_and_code, "number_and_code")
            await board.presses("start")
            await cards.wait_for_text(board.person, words["unlocked"])
            await board.capture(words["new PIN"])
            await board.starts("do-card_check", "/guide → card_check")
            await board.presses("go")
            await cards.wait_for_text(board.person, words["card"])
            await board.capture("💻")


_WORDS = {
    "en": {
        "typed": "💻 types the pairing code on the PC",
        "yes": "💻 approves on the PC",
        "go on": phrases.GO_ON_AT_PC,
        "activated": phrases.ACTIVATED,
        "new PIN": "💻 types the new PIN twice",
        "wrong PIN": "💻 types a wrong PIN three times",
        "locked": "The PIN is locked",
        "unlock": phrases.UNLOCK_BUTTON,
        "unlocked": phrases.UNLOCKED,
        "card": phrases.CARD_FINDINGS,
    },
    "zh": {
        "typed": "💻 在電腦上輸入配對碼",
        "yes": "💻 在電腦上同意",
        "go on": phrases.GO_ON_AT_PC.chinese,
        "activated": phrases.ACTIVATED.chinese,
        "new PIN": "💻 輸入新的PIN碼兩次",
        "wrong PIN": "💻 輸錯PIN碼三次",
        "locked": phrases.PIN_IS_LOCKED.chinese,
        "unlock": phrases.UNLOCK_BUTTON.chinese,
        "unlocked": phrases.UNLOCKED.chinese,
        "card": phrases.CARD_FINDINGS.chinese,
    },
}
SCRIPTS: Mapping[str, StoryScript] = {
    "retrieve": retrieve,
    "pay": pay,
    "status": status,
    "suspend": suspend,
    "resume": resume,
    "triage": triage,
    "was-this-you": was_this_you,
    "activate": activate,
    "unlock": unlock,
}
