"""The notice who keeps the records, shown wherever something secret is asked for."""

from handlers.screen.text import N_, Markup, say
from services.authority.interface.authority import Authority

_DEMONSTRATION = N_("ℹ️ <i>A demonstration: made-up records. Don't type real data.</i>")
_KEPT_BY = N_("ℹ️ <i>These records are kept by {keeper}, who runs this service.</i>")


def records_notice(authority: Authority, language: str) -> Markup:
    """Return who keeps the records, or that they are made up."""
    if authority.keeper is None:
        return say(language, _DEMONSTRATION)
    return say(language, _KEPT_BY, keeper=authority.keeper)
