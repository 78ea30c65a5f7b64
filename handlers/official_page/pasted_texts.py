"""Explanations of texts that people paste from the official page, recognised by keywords.

The exact wording of the page is not known (docs/facts.md §6); the patterns come from the error
tables and from users' reports (docs/facts.md §2.4, §4).
"""

import re

import opencc

from handlers.engine.model import Explanation
from handlers.screen.text import N_, say
from services.formats.text_cleaning import normalize

_TRADITIONAL = opencc.OpenCC("s2t")

_MEANINGS: tuple[tuple[str, str], ...] = (
    (
        r"查無(?:此|相關|您的|任何)?(?:資料|申請|紀錄|記錄)|沒有(?:您的|相關)(?:資料|紀錄|記錄)"
        r"|no (?:information|data|record)s?(?: \w+)? ?(?:found|available|exists?)?$"
        r"|(?:data|records?|information) not found",
        N_(
            "🔎 <b>The page finds no data.</b> If you just applied, it may take until the next "
            "working day (users' reports). Also check the UI No., the code's capital letters, "
            "and the {pay_days} to pay: after that the application is deleted."
        ),
    ),
    (
        r"(?:已|已經)(?:完成)?開卡|already (?:been )?activated",
        N_("✅ <b>The card is already activated.</b> You can skip this."),
    ),
    (
        r"(?:尚未|未|還沒)開卡|not (?:yet )?(?:been )?activated",
        N_("🪪 <b>The card is not activated yet.</b> Activate it first (開卡): send /guide."),
    ),
    (
        r"用戶代碼.{0,8}(?:鎖|停權)|code (?:is|has been|was) locked|locked (?:subscriber )?code",
        N_(
            "🔒 <b>The subscriber code is locked.</b> This happens after several wrong "
            "attempts, and is separate from a locked PIN. Call {hotline}."
        ),
    ),
    (
        r"用戶代碼.{0,8}(?:錯誤|不正確|不符|有誤)"
        r"|(?:wrong|incorrect|invalid) (?:subscriber )?code"
        r"|code (?:is )?(?:wrong|incorrect|invalid)",
        N_(
            "🔑 <b>The subscriber code was wrong.</b> Compare it with the form: capital and "
            "small letters, O and 0, I, l and 1. Stop after two wrong attempts; too many lock "
            "the code."
        ),
    ),
    (
        r"PIN碼?.{0,8}(?:鎖|封鎖)|鎖卡|pin (?:is|has been|was) (?:locked|blocked)|card is locked",
        N_(
            "🔢 <b>The PIN is locked.</b> Don't try again. On the unlock page you can set a new "
            "PIN with the card, a reader and the subscriber code: send /guide."
        ),
    ),
    (
        r"PIN碼?.{0,8}(?:錯誤|不正確)|(?:wrong|incorrect|invalid) pin"
        r"|pin (?:is )?(?:wrong|incorrect)",
        N_(
            "🔢 <b>The PIN is incorrect.</b> Stop after two wrong attempts: the third one may "
            "lock the card. With the subscriber code you can set a new PIN."
        ),
    ),
    (
        r"卡號.{0,6}(?:錯誤|不存在|不正確|不符)|card number.{0,12}(?:wrong|invalid|not exist)",
        N_(
            "💳 <b>The card number was wrong.</b> It has {card_number_shape}, 16 in "
            "all. It's not the UI No. or the ARC's number."
        ),
    ),
    (
        r"彈出|快顯|popup|pop-up",
        N_(
            "🪟 <b>The browser blocks a pop-up window.</b> Allow pop-ups for the MOICA pages, "
            "reload the page and repeat the step."
        ),
    ),
    (
        r"(?:找不到|偵測不到|沒有|未偵測到)讀卡機"
        r"|(?:no|find|found).{0,10}reader|reader.{0,6}not found",
        N_(
            "🔌 <b>The page finds no reader.</b> Plug it in, then restart the card software or "
            "the computer."
        ),
    ),
    (
        r"(?:找不到|請插入|未插入|偵測不到)(?:IC)?卡|insert.{0,10}card|no (?:ic )?card",
        N_(
            "💳 <b>The page finds no card.</b> Take it out, put it back in, chip first, or try "
            "another USB port."
        ),
    ),
    (
        r"(?:安裝|啟動|偵測不到|下載).{0,8}元件|元件.{0,8}(?:未安裝|沒有|未啟動)"
        r"|(?:install|start|missing).{0,20}(?:component|plug-?in|hicos)",
        N_(
            "🧩 <b>The card software is missing or not running.</b> Install it from <a "
            'href="https://{site}/rac_plugin.html">the MOICA download page</a> and '
            "restart the browser."
        ),
    ),
    (
        r"系統忙碌|忙線|稍後再試|busy|try again later",
        N_("⏳ <b>The site is busy.</b> Try again later."),
    ),
)
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), message) for pattern, message in _MEANINGS)
_CODE_REFUSED = tuple(message for _, message in _MEANINGS if message.startswith(("🔒", "🔑")))
_QUESTION = re.compile(
    r"[?？]|\b(?:how|what|why|where|when|can|do|does|is there)\b|怎麼|如何|什麼|嗎"
)
_MAX_LENGTH = 600
"""Characters of a pasted text that are looked at."""


def explain(text: str, language: str) -> Explanation | None:
    """Return what a pasted text means; `None` for a question or an unknown text."""
    plain = _TRADITIONAL.convert(normalize(text[:_MAX_LENGTH]).strip())
    if _QUESTION.search(plain):
        return None
    meaning = next((message for pattern, message in _PATTERNS if pattern.search(plain)), None)
    if meaning is None:
        return None
    return Explanation(say(language, meaning), is_code_refused=meaning in _CODE_REFUSED)
