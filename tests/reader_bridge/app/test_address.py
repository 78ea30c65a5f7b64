"""Addresses as people type them, and those that are never dialled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader_bridge.app.address import AddressError, AddressFault, parse_address
from reader_bridge.client.websocket import is_loopback


@pytest.mark.parametrize(
    ("typed", "url", "host"),
    [
        ("kaika.example", "wss://kaika.example/bridge/v1", "kaika.example"),
        ("  https://kaika.example/ ", "wss://kaika.example/bridge/v1", "kaika.example"),
        ("wss://kaika.example:8443", "wss://kaika.example:8443/bridge/v1", "kaika.example:8443"),
        ("wss://KAIKA.example:443/b", "wss://kaika.example/b", "kaika.example"),
        ("ws://localhost:8443", "ws://localhost:8443/bridge/v1", "localhost:8443"),
        ("http://127.0.0.9:1", "ws://127.0.0.9:1/bridge/v1", "127.0.0.9:1"),
        ("ws://[::1]:9", "ws://[::1]:9/bridge/v1", "[::1]:9"),
        ("wss://bücher.example", "wss://xn--bcher-kva.example/bridge/v1", "xn--bcher-kva.example"),
    ],
)
def test_an_address_is_read_as_it_is_meant(typed: str, url: str, host: str) -> None:
    address = parse_address(typed)
    assert (address.url, address.host) == (url, host)


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("", AddressFault.EMPTY),
        (" \t", AddressFault.EMPTY),
        ("ws://kaika.example", AddressFault.PLAIN_NOT_LOOPBACK),
        ("http://192.168.1.1", AddressFault.PLAIN_NOT_LOOPBACK),
        ("ws://127.0.0.1.evil.example", AddressFault.PLAIN_NOT_LOOPBACK),
        ("ws://127.1", AddressFault.PLAIN_NOT_LOOPBACK),
        ("ftp://kaika.example", AddressFault.SCHEME),
        ("file:///etc/passwd", AddressFault.NOT_AN_ADDRESS),
        ("wss://kaika.example@evil.example", AddressFault.CREDENTIALS),
        ("wss://a:b@kaika.example", AddressFault.CREDENTIALS),
        ("wss://kaika.example/?next=x", AddressFault.EXTRAS),
        ("wss://kaika.example/#x", AddressFault.EXTRAS),
        ("wss://", AddressFault.NOT_AN_ADDRESS),
        ("wss://:8", AddressFault.NOT_AN_ADDRESS),
        ("wss://x:0", AddressFault.NOT_AN_ADDRESS),
        ("wss://x:65536", AddressFault.NOT_AN_ADDRESS),
        ("wss://x:abc", AddressFault.NOT_AN_ADDRESS),
        ("wss://[::1", AddressFault.NOT_AN_ADDRESS),
        ("wss://a..b", AddressFault.NOT_AN_ADDRESS),
        ("wss://\x00", AddressFault.NOT_AN_ADDRESS),
        ("my card is locked", AddressFault.NOT_AN_ADDRESS),
        ("x" * 100_000, AddressFault.NOT_AN_ADDRESS),
    ],
)
def test_what_is_no_safe_address_is_refused_with_the_reason(
    typed: str, fault: AddressFault
) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(typed)
    assert caught.value.fault is fault


@given(st.text(max_size=60), st.sampled_from(["", "ws://", "wss://", "http://", "https://"]))
def test_no_text_makes_it_dial_another_machine_without_protection(text: str, scheme: str) -> None:
    try:
        address = parse_address(scheme + text)
    except AddressError:
        return
    host = address.url.split("://", 1)[1].split("/", 1)[0].rsplit(":", 1)[0].strip("[]")
    assert address.url.startswith("wss://") or is_loopback(host)
    assert address.host.isascii()
    assert "@" not in address.url
