"""Parser of a postal address typed in the chat."""

import re

from handlers.engine.model import InputRejectedError, StepContext
from handlers.screen.text import N_
from services.formats.contact import parse_postal_address
from services.formats.errors import FormatError, FormatProblem
from services.formats.hidden import Hidden

_QUESTION_ENDINGS = ("?", "？", "嗎", "吗", "呢", "么")
_MIN_LENGTH = 8
_ADDRESS_WORDS = re.compile(
    r"[市縣县區区鄉乡鎮镇村里路街巷弄].*[市縣县區区鄉乡鎮镇村里路街巷弄號号樓楼]"
    r"|(?:[縣县區区鄉乡鎮镇村里街巷弄樓楼]|(?<![網网])路)$"
    r"|[台臺][北中南東东]|新北|桃園|桃园|新竹|高雄|基隆|嘉義|嘉义|花蓮|花莲"
    r"|\b(?:road|rd|street|lane|alley|section|district|city|county|floor|township|village|taipei|"
    r"taoyuan|hsinchu|taichung|tainan|kaohsiung|keelung|chiayi|hualien|taitung|yilan)\b",
    re.I,
)
"""Words that occur in addresses."""
_SENTENCE = re.compile(
    r"\b(?:i|my|card|how|what|why|when|where|which)\b|卡|怎|什麼|什么|如何|哪", re.I
)
_TOO_LONG = N_("The address is too long: at most 200 characters. It was not changed.")
_NO_NUMBER = N_(
    "This is not a full address. Please include street, number and town, at least 8 "
    "characters. The address was not changed."
)
_UNPRINTABLE = N_(
    "Some characters cannot be printed. Please type the address as text. It was not changed."
)
_REFUSALS = {FormatProblem.LENGTH: _TOO_LONG, FormatProblem.CHARACTERS: _UNPRINTABLE}


def parse_typed_address(text: str, _ctx: StepContext) -> Hidden | None:
    """Return the address; `None` for a question, a few words, or one word such as an error code.

    :raises InputRejectedError: for a text that is meant as an address and cannot be one.
    """
    if text.rstrip(" 。.!！~").endswith(_QUESTION_ENDINGS):
        return None
    is_too_short = len(text.strip()) < _MIN_LENGTH or (text.isascii() and len(text.split()) == 1)
    try:
        if not is_too_short:
            return Hidden(parse_postal_address(text))
    except FormatError as error:
        if error.reason is not FormatProblem.SHAPE:
            raise InputRejectedError(_REFUSALS.get(error.reason, _NO_NUMBER)) from None
    if _ADDRESS_WORDS.search(text.strip()) and not _SENTENCE.search(text):
        raise InputRejectedError(_NO_NUMBER)
    return None
