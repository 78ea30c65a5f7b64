"""OCSP requests, in the body and in the address.

Inputs name the authority and a certificate of it by the marks below, since both are made anew.
"""

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import aiohttp
from cryptography.x509 import ocsp
from hypothesis import strategies as st

from reader_bridge.card.tlv import encode
from services.authority.ca.publication import OCSP_PATH
from services.authority.lifecycle import CertificateState
from services.storage.database import Database
from services.storage.upgrade import upgrade
from tests.fuzz.boundary import Boundary, Feed
from tests.services.authority.ca.ca_harness import CaHarness, serve_certificates

NAME_HASH, KEY_HASH, SERIAL = b"N" * 20, b"K" * 20, b"S" * 20
_SERIAL_BYTES = 20
_LONGEST_ADDRESS = 4000

_SEQUENCE, _INTEGER, _OCTETS, _OID, _BOOLEAN = 0x30, 0x02, 0x04, 0x06, 0x01
_SHA1 = bytes.fromhex("2b0e03021a")
_NONCE = bytes.fromhex("2b0601050507300102")
_SERVICE_LOCATOR = bytes.fromhex("2b0601050507300107")


def _encode_certificate_id(algorithm: bytes, name: bytes, key: bytes, serial: bytes) -> bytes:
    hash_algorithm = encode(_SEQUENCE, encode(_OID, algorithm) + b"\x05\x00")
    named = encode(_OCTETS, name) + encode(_OCTETS, key) + encode(_INTEGER, serial)
    return encode(_SEQUENCE, hash_algorithm + named)


def _encode_extension(oid: bytes, critical: bool, value: bytes) -> bytes:
    flag = encode(_BOOLEAN, b"\xff") if critical else b""
    return encode(_SEQUENCE, encode(_OID, oid) + flag + encode(_OCTETS, value))


def _encode_extensions(tag: int, extensions: list[bytes]) -> bytes:
    return encode(tag, encode(_SEQUENCE, b"".join(extensions))) if extensions else b""


def _encode_single(certificate: bytes, extensions: list[bytes]) -> bytes:
    return encode(_SEQUENCE, certificate + _encode_extensions(0xA0, extensions))


def _encode_request(
    version: bytes, requestor: bytes, requests: list[bytes], extensions: list[bytes], end: bytes
) -> bytes:
    asked = encode(_SEQUENCE, b"".join(requests))
    body = version + requestor + asked + _encode_extensions(0xA2, extensions)
    return encode(_SEQUENCE, encode(_SEQUENCE, body) + end)


_HASHES = st.sampled_from([NAME_HASH, KEY_HASH, b"", bytes(20), bytes(64), bytes(65)])
_ALGORITHMS = st.sampled_from([_SHA1, bytes.fromhex("608648016503040201"), b"\x2a"])
_SERIALS = st.sampled_from([SERIAL, SERIAL, b"\0", b"\xff", bytes(300)]) | st.binary(max_size=24)
_EXTENSIONS = st.lists(
    st.builds(
        _encode_extension,
        st.sampled_from([_NONCE, _NONCE, _SERVICE_LOCATOR, b""]),
        st.booleans(),
        st.binary(max_size=20) | st.binary(max_size=130).map(lambda n: encode(_OCTETS, n)),
    ),
    max_size=3,
)
_OWN = _encode_certificate_id(_SHA1, NAME_HASH, KEY_HASH, SERIAL)
_SINGLES = st.builds(
    _encode_single,
    st.just(_OWN) | st.builds(_encode_certificate_id, _ALGORITHMS, _HASHES, _HASHES, _SERIALS),
    _EXTENSIONS,
)
_ENDS = st.sampled_from(
    [
        b"",
        encode(0xA0, encode(_SEQUENCE, encode(_SEQUENCE, encode(_OID, _SHA1)) + b"\x03\x02\x00a")),
        b"\0",
    ]
)
REQUESTS = st.builds(
    _encode_request,
    st.sampled_from([b"", b"", encode(0xA0, b"\x02\x01\x00"), encode(0xA0, b"\x02\x01\x01")]),
    st.sampled_from([b"", b"", encode(0xA1, encode(0x82, b"host.example")), encode(0xA1, b"")]),
    st.lists(_SINGLES, max_size=22),
    _EXTENSIONS,
    _ENDS,
)


def list_seeds() -> list[bytes]:
    """Return requests in order: about one certificate, about three, with a nonce."""
    nonce = _encode_extension(_NONCE, False, encode(_OCTETS, bytes(16)))
    single = _encode_single(_OWN, [])
    return [
        _encode_request(b"", b"", [single], [], b""),
        _encode_request(b"", b"", [single] * 3, [nonce], b""),
    ]


@asynccontextmanager
async def open_ocsp() -> AsyncIterator[Feed]:
    """Serve an authority with one card, and post inputs to it."""
    now = datetime.now(UTC)
    with TemporaryDirectory(prefix="kaika-fuzz-") as folder:
        database = Database(f"sqlite+aiosqlite:///{folder}/kaika.db")
        await upgrade(database)
        world = await CaHarness.open(database, Path(folder), now)
        serial = await _issue_with_long_serial(world, now)
        (hashes,) = {pair for pair in world.service.ocsp._hashes.values() if len(pair[0]) == 20}
        async with (
            serve_certificates(world.service) as url,
            aiohttp.ClientSession() as client,
        ):

            async def feed(data: bytes) -> None:
                for mark, value in zip(
                    (NAME_HASH, KEY_HASH, SERIAL), (*hashes, serial), strict=True
                ):
                    data = data.replace(mark, value)
                await _ask(client, url + OCSP_PATH, data)

            yield feed
        await database.close()


async def _issue_with_long_serial(world: CaHarness, now: datetime) -> bytes:
    """Issue cards until a serial number is as long as its mark."""
    while True:
        card = await world.issue(now, CertificateState.ACTIVE)
        serial = card.serials[0]
        if serial.bit_length() // 8 + 1 == _SERIAL_BYTES:
            return serial.to_bytes(_SERIAL_BYTES, "big")


async def _ask(client: aiohttp.ClientSession, url: str, data: bytes) -> None:
    async with client.post(url, data=data) as answer:
        posted = ocsp.load_der_ocsp_response(await answer.read()).response_status
        assert answer.status in (200, 413)
    address = f"{url}/{quote(b64encode(data), safe='')}"
    if data and len(address) < _LONGEST_ADDRESS:
        async with client.get(address) as answer:
            got = ocsp.load_der_ocsp_response(await answer.read()).response_status
            assert got is posted, "body and address are answered differently"


OCSP = Boundary("ocsp", open_ocsp, list_seeds, REQUESTS, max_length=20_000)
