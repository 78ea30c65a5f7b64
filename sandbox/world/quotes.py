"""The part of a message that a reply quotes."""

from sandbox.types import Json


def make_quote(message: Json, words: str, position: int | None = None) -> Json | None:
    """Return a TextQuote of `words`, or None where the message does not say that.

    :param position: about where it stands, in UTF-16 units, if that is known.
    """
    text = message.get("text") or message.get("caption") or ""
    places = _find_places(text, words)
    if not places or not words:
        return None
    nearest = min(places, key=lambda place: abs(place - (position or 0)))
    return {"text": words, "position": nearest, "is_manual": True}


def _find_places(text: str, words: str) -> list[int]:
    """Return where `words` stand in a text, in UTF-16 units."""
    places = []
    at = text.find(words)
    while at >= 0:
        places.append(len(text[:at].encode("utf-16-le")) // 2)
        at = text.find(words, at + 1)
    return places
