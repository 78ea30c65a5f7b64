"""The parts of an answer to reset that matter here (ISO/IEC 7816-3 §8, 7816-4 §8.1.1)."""

MAX_ATR_BYTES = 33
CARD_CAPABILITIES = 0x7
"""The compact-TLV tag number of the card capabilities."""
EXTENDED_LENGTH = 0x40
"""In their third byte: extended Lc and Le fields are understood."""


def historical_bytes(atr: bytes) -> bytes:
    """Return the historical bytes; empty where the answer to reset is malformed."""
    if len(atr) < 2 or len(atr) > MAX_ATR_BYTES or atr[0] not in (0x3B, 0x3F):
        return b""
    count = atr[1] & 0x0F
    offset, presence = 2, atr[1] >> 4
    while presence:
        if presence & 0x8:
            delimiter = offset + (presence & 0x7).bit_count()
            if delimiter >= len(atr):
                return b""
            offset, presence = delimiter + 1, atr[delimiter] >> 4
        else:
            offset, presence = offset + presence.bit_count(), 0
    history = atr[offset : offset + count]
    return history if len(history) == count else b""


def supports_extended_length(atr: bytes) -> bool:
    """Whether the card says that it accepts extended-length commands."""
    history = historical_bytes(atr)
    if not history or history[0] not in (0x00, 0x80):
        return False
    objects = history[1:-3] if history[0] == 0x00 else history[1:]
    while objects:
        tag, length = objects[0] >> 4, objects[0] & 0x0F
        value, objects = objects[1 : 1 + length], objects[1 + length :]
        if tag == CARD_CAPABILITIES and len(value) == 3:
            return bool(value[2] & EXTENDED_LENGTH)
    return False
