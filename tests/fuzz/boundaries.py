"""All boundaries, by name."""

from tests.fuzz.bot_api import BUTTONS, INLINE, UPDATES, WEBHOOK
from tests.fuzz.boundary import Boundary
from tests.fuzz.cards import CARDS
from tests.fuzz.certificates import OCSP
from tests.fuzz.files import FAQ_FILES, SETTINGS
from tests.fuzz.frames import BRIDGE_FRAMES, SERVER_FRAMES

BOUNDARIES: dict[str, Boundary] = {
    boundary.name: boundary
    for boundary in (
        UPDATES,
        BUTTONS,
        INLINE,
        WEBHOOK,
        SERVER_FRAMES,
        BRIDGE_FRAMES,
        CARDS,
        FAQ_FILES,
        SETTINGS,
        OCSP,
    )
}
