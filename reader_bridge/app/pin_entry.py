"""What is checked of a PIN before the card sees it."""

from reader_bridge.app import prompt_texts
from reader_bridge.app.secret_input import Typed
from reader_bridge.app.words import say
from reader_bridge.prompter import PinKind, PinRequest


def fits(typed: Typed, request: PinRequest, language: str) -> str | None:
    """Say why what was typed cannot be it; `None` where it can.

    A new PIN has letters and digits only (docs/facts.md §1.4), so that the official page takes it
    too.
    """
    if typed.foreign:
        return say(language, prompt_texts.FOREIGN)
    new = request.kind is PinKind.NEW
    if not typed.fits(request.rules, plain=new):
        said = prompt_texts.rules(request.rules, language, new=new)
        return say(language, "It has to be: {rule} The card has not seen it.", rule=said)
    return None
