"""A postal address typed in the chat, told apart from a question."""

import re

from handlers.engine.model import InputRejectedError, StepContext
from handlers.screen.text import N_
from services.formats.contact import parse_postal_address
from services.formats.errors import FormatError, FormatProblem
from services.formats.hidden import Hidden

_QUESTION = ("?", "？", "嗎", "吗", "呢", "么")
_LEAST_ADDRESS = 8
_PLACE = re.compile(
    r"[市縣县區区鄉乡鎮镇村里路街巷弄].*[市縣县區区鄉乡鎮镇村里路街巷弄號号樓楼]"
    r"|(?:[縣县區区鄉乡鎮镇村里街巷弄樓楼]|(?<![網网])路)$"
    r"|[台臺][北中南東东]|新北|桃園|桃园|新竹|高雄|基隆|嘉義|嘉义|花蓮|花莲"
    r"|\b(?:road|rd|street|lane|alley|section|district|city|county|floor|township|village|taipei|"
    r"taoyuan|hsinchu|taichung|tainan|kaohsiung|keelung|chiayi|hualien|taitung|yilan)\b",
    re.I,
)
"""Words that addresses are made of."""
_SENTENCE = re.compile(
    r"\b(?:i|my|card|how|what|why|when|where|which)\b|卡|怎|什麼|什么|如何|哪", re.I
)
_TOO_LONG = N_("That is too long for an address; at most 200 characters. Nothing was changed.")
_NO_NUMBER = N_(
    "That is no address a card could be posted to: street, number and town, at least 8 "
    "characters. Nothing was changed."
)
_ODD = N_("There are characters in it that cannot be printed. Please type it; nothing was changed.")
_REFUSALS = {FormatProblem.LENGTH: _TOO_LONG, FormatProblem.CHARACTERS: _ODD}


def parse_typed_address(text: str, _ctx: StepContext) -> Hidden | None:
    """Return the address; `None` for a question, a few words, or one word such as an error code.

    :raises InputRejectedError: for what is meant as an address and cannot be one.
    """
    if text.rstrip(" 。.!！~").endswith(_QUESTION):
        return None
    is_part = len(text.strip()) < _LEAST_ADDRESS or (text.isascii() and len(text.split()) == 1)
    try:
        if not is_part:
            return Hidden(parse_postal_address(text))
    except FormatError as error:
        if error.reason is not FormatProblem.SHAPE:
            raise InputRejectedError(_REFUSALS.get(error.reason, _NO_NUMBER)) from None
    if _PLACE.search(text.strip()) and not _SENTENCE.search(text):
        raise InputRejectedError(_NO_NUMBER)
    return None
