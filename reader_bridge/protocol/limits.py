"""The limits of the protocol. Times are in seconds."""

from typing import Final

API_LEVEL: Final = 2
"""What both sides speak; it rises when a program of the level before would misunderstand."""
DEFAULT_PATH: Final = "/bridge/v1"
SUBPROTOCOL: Final = "kaika.bridge.v1"
"""What both sides name in `Sec-WebSocket-Protocol`."""

MAX_FRAME_BYTES: Final = 65_536
MAX_KEPT_MESSAGES: Final = 64
"""Messages kept by each side for a resumption."""
MAX_SEQ: Final = 2**31 - 1
NONCE_BYTES: Final = 32
SECRET_BYTES: Final = 32
MAX_CERTIFICATE_BYTES: Final = 16_384

GREETING_SECONDS: Final = 10
"""How long either side waits for the other's part of the greeting."""
HEARTBEAT_SECONDS: Final = 20
"""How often each side sends a websocket ping; a pong has to come within half of it."""
PAIRING_SECONDS: Final = 300
"""How long a pairing code is good, and an offer may stay unanswered."""
PAIRED_SECONDS: Final = 12 * 3600
OPERATION_SECONDS: Final = 900
"""The longest deadline of an operation."""
WITHOUT_LINK_SECONDS: Final = 60
"""An operation that is without a link for longer is over, on both sides."""
CHALLENGE_SECONDS: Final = 60
"""A challenge of a card is answered within this time or not at all."""

PROGRESS_IN_A_ROW: Final = 5
"""Progress of one operation that is passed on without a pause."""
PROGRESS_SECONDS: Final = 1
"""The pause between two more; only the newest is passed on then."""
