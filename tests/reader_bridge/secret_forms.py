"""The encodings in which a secret might leak."""

from base64 import b64encode


def secret_forms(secret: bytes) -> set[bytes]:
    """Return the encodings in which a secret might leak."""
    plain = {secret, secret[::-1]}
    hexes = {each.hex().encode() for each in plain}
    shapes = plain | hexes | {each.upper() for each in hexes}
    shapes |= {str(list(each))[1:-1].encode() for each in plain}
    for each in plain:
        for before in range(3):
            coded = b64encode(bytes(before) + each)
            inner = coded[-(-before * 8 // 6) : (before + len(each)) * 8 // 6]
            shapes |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return shapes
