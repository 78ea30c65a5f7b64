"""Links that carry a pairing code: `kaika://pair?code=…`, opened by a page or another program.

A link carries a code and nothing else. Any page can open one, so it is hostile input, and the
person has to say which words their chat shows instead of only agreeing.
"""

import re
from typing import Final

from reader_bridge.protocol.fields import PAIRING_CODE_ALPHABET, PAIRING_CODE_LENGTHS

SCHEME: Final = "kaika"
MAX_LINK_LENGTH: Final = 64
_LENGTHS: Final = "|".join(
    f"[{PAIRING_CODE_ALPHABET}]{{{length}}}" for length in sorted(PAIRING_CODE_LENGTHS)
)
_LINK: Final = re.compile(f"{SCHEME}://pair/?\\?code=({_LENGTHS})")
"""Some systems write a slash behind the host."""


class PairingLinkError(ValueError):
    """The text is not a link with a pairing code."""


def parse_pairing_link(text: str) -> str:
    """Return the code.

    :raises PairingLinkError: the text is anything but such a link.
    """
    match = _LINK.fullmatch(text) if len(text) <= MAX_LINK_LENGTH else None
    if match is None:
        raise PairingLinkError
    return match[1]
