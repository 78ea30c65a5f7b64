"""How long texts, fields and lists of a call may be, from the Bot API's documentation."""

from collections.abc import Mapping
from html.parser import HTMLParser

TEXT_LIMITS = {
    ("sendMessage", "text"): (1, 4096),
    ("editMessageText", "text"): (1, 4096),
    ("sendPhoto", "caption"): (0, 1024),
    ("sendDocument", "caption"): (0, 1024),
    ("copyMessage", "caption"): (0, 1024),
    ("editMessageCaption", "caption"): (0, 1024),
    ("answerCallbackQuery", "text"): (0, 200),
    ("setMyName", "name"): (0, 64),
    ("setMyDescription", "description"): (0, 512),
    ("setMyShortDescription", "short_description"): (0, 120),
    ("createForumTopic", "name"): (1, 128),
    ("editForumTopic", "name"): (0, 128),
    ("sendInvoice", "title"): (1, 32),
    ("sendInvoice", "description"): (1, 255),
}
"""How many characters a parameter may have, after the markup is taken out."""
LIST_LIMITS = {
    ("answerInlineQuery", "results"): 50,
    ("setMyCommands", "commands"): 100,
    ("deleteMessages", "message_ids"): 100,
}
FIELD_LIMITS = {"callback_data": (1, 64), "next_offset": (0, 64), "payload": (1, 128)}
"""How many bytes a field may have wherever it stands."""


def find_length_problem(method: str, params: Mapping[str, object]) -> str | None:
    """Return what of a call is too long, too short or there twice, if anything."""
    for (name, field), (low, high) in TEXT_LIMITS.items():
        value = params.get(field)
        if name.lower() != method.lower() or not isinstance(value, str):
            continue
        shown = (
            _strip_markup(value) if str(params.get("parse_mode", "")).lower() == "html" else value
        )
        if not low <= len(shown.strip()) <= high:
            return f"{method}: {field} has {len(shown.strip())} characters"
    for (name, field), high in LIST_LIMITS.items():
        value = params.get(field)
        if name.lower() == method.lower() and isinstance(value, list) and len(value) > high:
            return f"{method}: {field} has {len(value)} entries"
    return _find_result_problem(params.get("results"))


def _find_result_problem(results: object) -> str | None:
    if not isinstance(results, list):
        return None
    ids = [result["id"] for result in results]
    if len(set(ids)) != len(ids) or not all(1 <= len(one.encode()) <= 64 for one in ids):
        return f"results: ids {ids}"
    return None


class _TextExtractor(HTMLParser):
    """Takes markup out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def _strip_markup(source: str) -> str:
    parser = _TextExtractor()
    parser.feed(source)
    parser.close()
    return "".join(parser.parts)
