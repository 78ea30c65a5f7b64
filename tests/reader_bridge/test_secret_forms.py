"""The search for secrets that other tests rely on finds them."""

from base64 import b64encode, urlsafe_b64encode

import pytest

from tests.reader_bridge.secret_forms import secret_forms

SECRET = b"first123"


@pytest.mark.parametrize(
    "text",
    [
        SECRET.decode(),
        SECRET[::-1].decode(),
        SECRET.hex(),
        SECRET[::-1].hex().upper(),
        str(list(SECRET)),
        *(b64encode(b"~~~"[:before] + SECRET + b"~~~~").decode() for before in range(3)),
        *(urlsafe_b64encode(b"~~~"[:before] + SECRET[::-1]).decode() for before in range(3)),
    ],
)
def test_a_secret_is_found_however_it_is_written(text: str) -> None:
    found = [form for form in secret_forms(SECRET) if form in f"frame: {text};".encode()]
    assert found
    assert not [form for form in found if form in b"frame: something else"]
