"""What happens in the picture stories of the conversations that are carried out."""

from collections.abc import Awaitable, Callable, Mapping

from reader_bridge.prompter import PinKind
from tests.handlers.clock import current_time
from tests.handlers.conversations.online.bridge_stage import (
    NEW_PIN,
    WRONG_PIN,
    button_keys,
    open_bridge_stage,
)
from tests.handlers.conversations.online.cardholders import Office, read_one_time_code
from tests.handlers.conversations.online.payments import invoices, pay_invoice
from tests.handlers.engine.navigation import declared_conversations, press, state
from tests.pictures.storyboard import Film

Told = Callable[[Film, Office], Awaitable[None]]


async def retrieve(film: Film, office: Office) -> None:
    """Somebody forgot the code."""
    holder = await office.cardholder("submitted")
    await film.starts("do-retrieve", "/guide → retrieve")
    await film.presses("gone")
    await film.says(f"{holder.ui_number_text} {holder.birth_date}", "birth")
    await film.says(await read_one_time_code(office.stage, holder), "mailed")
    await film.presses("show")
    await film.presses("noted")


async def pay(film: Film, office: Office) -> None:
    """Somebody pays for the card."""
    holder = await office.cardholder("submitted")
    await film.starts("do-pay", "/guide → pay")
    await film.says(holder.number_and_code, "both")
    await film.presses("pay")
    await pay_invoice(film.person, invoices(film.person)[-1])
    await film.takes("💳 Pay")


async def status(film: Film, office: Office) -> None:
    """Somebody looks where things stand."""
    holder = await office.cardholder("posted")
    await film.starts("do-status", "/guide → status")
    await film.says(holder.number_and_code, "both")
    await film.presses("no")


async def suspend(film: Film, office: Office) -> None:
    """Somebody lost the card."""
    holder = await office.cardholder()
    english = film.language == "en"
    await film.says("I lost my card" if english else "我的卡掉了")
    await film.starts("do-suspend", "Lead me through it" if english else "帶我一步一步做")
    await film.says(holder.number_and_code, "both")
    await film.presses("mail")
    await film.says(await read_one_time_code(office.stage, holder), "mailed")
    await film.presses("suspend")
    await film.presses("yes")


async def resume(film: Film, office: Office) -> None:
    """Somebody found the card again."""
    holder = await office.cardholder("suspended")
    await film.starts("do-resume-safe", "/guide → resume")
    await film.presses("yes")
    await film.says(holder.number_and_code, "both")
    await film.says(await holder.read_card_number(), "card")
    await film.presses("mail")
    await film.says(await read_one_time_code(office.stage, holder), "mailed")
    await film.presses("tell")
    await film.presses("resume")


async def triage(film: Film, office: Office) -> None:
    """Somebody does not know what they need."""
    await film.says("/guide")
    await film.starts("do-triage", "🛟")
    await film.presses("card")
    for _ in range(3):
        here = await state(film.person)
        step = declared_conversations(office.stage)[here.conversation].steps[here.step]
        if step.is_end or here.conversation != "triage":
            break
        await film.presses(step.buttons[0].key)


async def was_this_you(film: Film, office: Office) -> None:
    """Somebody else used the code; the chat that is linked hears of it."""
    holder = await office.cardholder()
    await holder.links(film.person.person.id, current_time(office.stage))
    other = office.stage.subscriber("Stranger")
    await other.starts("do-suspend")
    await other.says(holder.number_and_code)
    await press(other, "mail")
    await other.says(await read_one_time_code(office.stage, holder))
    await press(other, "suspend")
    await press(other, "yes")
    await office.stage.works_off(current_time(office.stage))
    await film.takes("⏸ 👤")
    await film.says("/privacy")


async def activate(film: Film, office: Office) -> None:
    """Somebody connects their PC, and activates the card that came by post."""
    words = _WORDS[film.language]
    async with open_bridge_stage(office.stage, office) as cards:
        holder = await cards.cardholder("posted")
        async with cards.open_pc(holder) as pc:
            await film.starts("do-activate", "/guide → activate")
            await film.presses("go")
            await cards.enter_pairing_code(film.person, pc)
            await film.takes(words["typed"])
            await film.presses("same")
            await cards.wait_until(lambda: "other" not in button_keys(film.person))
            await film.takes(words["yes"])
            await film.says(holder.number_and_code, "both")
            pc.person.may_type_pin.clear()
            await film.presses("start")
            await cards.wait_for_text(film.person, words["go on"])
            await film.takes(words["yes"])
            pc.person.may_type_pin.set()
            await cards.wait_for_text(film.person, words["activated"])
            await film.takes(words["new PIN"])


async def unlock(film: Film, office: Office) -> None:
    """Somebody types a wrong PIN three times, unlocks the card, and looks at it."""
    words = _WORDS[film.language]
    async with open_bridge_stage(office.stage, office) as cards:
        holder = await cards.cardholder("posted")
        async with cards.open_pc(holder) as pc:
            await cards.prepare_operation(film.person, pc, holder, "activate")
            await press(film.person, "start")
            await cards.wait_for_text(film.person, words["activated"])
            await press(film.person, "no")
            film.passes_over()
            pc.person.pins = {PinKind.CURRENT: [WRONG_PIN], PinKind.NEW: [NEW_PIN]}
            await film.starts("do-change_pin", "/guide → change_pin")
            await film.presses("yes")
            await cards.wait_for_text(film.person, words["locked"])
            await film.takes(words["wrong PIN"])
            await film.starts("do-unlock", words["unlock"])
            await film.presses("go")
            await film.says(holder.number_and_code, "both")
            await film.presses("start")
            await cards.wait_for_text(film.person, words["unlocked"])
            await film.takes(words["new PIN"])
            await film.starts("do-card_check", "/guide → card_check")
            await film.presses("go")
            await cards.wait_for_text(film.person, words["card"])
            await film.takes("💻")


_WORDS = {
    "en": {
        "typed": "💻 the code is typed at the PC",
        "yes": "💻 yes at the PC",
        "go on": "Go on at your PC",
        "activated": "Activated (開卡).",
        "new PIN": "💻 the new PIN, twice",
        "wrong PIN": "💻 a wrong PIN, three times",
        "locked": "The PIN is locked",
        "unlock": "Unlock the card",
        "unlocked": "Unlocked (解碼).",
        "card": "What the card says",
    },
    "zh": {
        "typed": "💻 在電腦上輸入配對碼",
        "yes": "💻 在電腦上同意",
        "go on": "請到電腦上繼續",
        "activated": "已開卡",
        "new PIN": "💻 輸入新的 PIN碼兩次",
        "wrong PIN": "💻 輸錯 PIN碼三次",
        "locked": "PIN碼已鎖住",
        "unlock": "卡片解鎖（解碼）",
        "unlocked": "已解碼",
        "card": "卡片的狀況",
    },
}
STORIES: Mapping[str, Told] = {
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
