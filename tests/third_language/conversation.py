"""What a person finds who writes Vietnamese, where Vietnamese is a folder among the languages.

Runs in a process of its own, ``python -m tests.third_language.conversation FOLDER``, in which
`locales` is a copy with that folder.
"""

import asyncio
import sys
from datetime import date
from pathlib import Path

import locales
from bot.cli.faq_check import find_problems
from bot.telegram import command_menus
from handlers.faq.other_languages import load_texts
from handlers.screen.dates import format_date, format_dates
from sandbox.engine import Engine
from services.faq.entries import load_entries
from services.language_detection import detect_language
from tests.bot_harness import TOKEN, BotHarness

QUESTIONS = {
    "tôi bị mất thẻ rồi, báo ở đâu": "Tôi bị mất thẻ",
    "hôm qua tôi làm rơi mất thẻ": "Tôi bị mất thẻ",
    "xin thẻ tốn bao nhiêu tiền vậy": "Lệ phí bao nhiêu?",
    "thẻ này dùng được mấy năm thì hết hạn": "Thẻ dùng được bao lâu",
    "how much is the fee": "How much does it cost?",
    "我的憑證卡遺失了怎麼辦": "卡片遺失怎麼辦",
}
"""Questions that are no phrasings, and the title of the answer to each."""
TRANSLATED = ("fee", "lost-card", "validity")
TUESDAY, SATURDAY = date(2026, 12, 8), date(2026, 12, 12)


async def talk(folder: Path) -> None:
    """Ask, switch the language, and look at the menus."""
    engine = Engine(TOKEN)
    async with BotHarness.start(engine, folder) as harness:
        linh = harness.add_user("Linh", language="vi")
        for question, title in QUESTIONS.items():
            await linh.says(question)
            linh.sees(title)
        await linh.says("/language")
        linh.sees("Bạn muốn dùng ngôn ngữ nào?")
        assert linh.labels == ["English", "✓ Tiếng Việt", "繁體中文"], linh.labels
        await linh.says("บัตรหาย")
        linh.sees(load_texts()["th"]["lines"][0])
        await command_menus.publish(harness.kaika.application.bot)
        menu = await engine.call("getMyCommands", {"language_code": "vi"})
        described = {each["command"]: each["description"] for each in menu["result"]}
        assert described["faq"] == "Tất cả câu hỏi theo chủ đề", described


def check_files() -> None:
    """Look at what does not need the bot."""
    assert locales.LANGUAGES == ("en", "vi", "zh_Hant"), locales.LANGUAGES
    assert locales.resolve("vi-VN") == "vi"
    assert detect_language("thẻ này để được ở đâu vậy") == "vi"
    assert format_date(TUESDAY, "vi") == "Thứ Ba, 8/12/2026"
    assert format_dates([TUESDAY, SATURDAY], "vi") == "Thứ Ba, 8/12 và Thứ Bảy, 12/12"
    entry = load_entries().get("fee", "vi")
    assert entry is not None
    assert "15 ngày" in entry.body
    wrong = [
        found
        for found in find_problems(date(2026, 11, 24))
        if found.path.stem.partition(".")[0] in TRANSLATED and not found.is_warning
    ]
    assert wrong == [], wrong


if __name__ == "__main__":
    check_files()
    asyncio.run(talk(Path(sys.argv[1])))
