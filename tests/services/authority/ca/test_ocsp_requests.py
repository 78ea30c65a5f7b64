"""Requests that OCSP allows and the library does not write, and requests nobody should."""

import os
from datetime import datetime
from typing import Annotated

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509 import ocsp

from services.authority.ca.ocsp import NONCE_OID
from services.authority.ca.ocsp_messages import (
    MAX_CERTIFICATES,
    CertificateId,
    OcspExtension,
    SingleRequest,
    parse_request,
)
from services.authority.lifecycle import CertificateState
from tests.services.authority.ca.ca_harness import CaHarness

pytestmark = pytest.mark.parametrize("make_url", ["sqlite"], indirect=True)
"""What is asked and how is no matter of the database."""
_S = CertificateState
_V = ocsp.OCSPCertStatus
_E = ocsp.OCSPResponseStatus


@asn1.sequence
class _Body:
    """The grammar of a request without its limits, to write what the library would not."""

    version: Annotated[int, asn1.Explicit(0), asn1.Default(0)]
    requests: list[SingleRequest]
    extensions: Annotated[list[OcspExtension] | None, asn1.Explicit(2)]


@asn1.sequence
class _Request:
    body: _Body


def _id(world: CaHarness, certificate: x509.Certificate) -> CertificateId:
    return parse_request(world.request_for(certificate)).body.requests[0].certificate


def _about(
    *certificates: CertificateId,
    version: int = 0,
    extensions: list[OcspExtension] | None = None,
    of_each: list[OcspExtension] | None = None,
) -> bytes:
    requests = [SingleRequest(certificate=one, extensions=of_each) for one in certificates]
    return asn1.encode_der(
        _Request(body=_Body(version=version, requests=requests, extensions=extensions))
    )


def _extension(
    value: bytes, oid: x509.ObjectIdentifier = NONCE_OID, critical: bool = False
) -> OcspExtension:
    return OcspExtension(oid=oid, critical=critical, value=value)


def _nonce(size: int) -> OcspExtension:
    return _extension(asn1.encode_der(os.urandom(size)))


SERVICE_LOCATOR = x509.ObjectIdentifier("1.3.6.1.5.5.7.48.1.7")


async def test_one_request_may_name_as_many_certificates_as_is_allowed(
    world: CaHarness, now: datetime
) -> None:
    card = await world.issue(now, _S.ACTIVE)
    ids = [_id(world, card.x509(kind)) for kind in card.certificates]
    unknown = CertificateId(
        hash_algorithm=ids[0].hash_algorithm,
        issuer_name_hash=ids[0].issuer_name_hash,
        issuer_key_hash=ids[0].issuer_key_hash,
        serial_number=5,
    )
    request = _about(*ids, unknown, *[ids[0]] * (MAX_CERTIFICATES - 4))
    answer = await world.ask(request, now)
    verdicts = [one.certificate_status for one in answer.responses]
    expected = [_V.GOOD] * MAX_CERTIFICATES
    expected[3] = _V.UNKNOWN
    assert verdicts == expected
    one_more = _about(*[ids[0]] * (MAX_CERTIFICATES + 1))
    assert (await world.ask(one_more, now)).response_status is _E.MALFORMED_REQUEST
    assert (await world.ask(_about(), now)).response_status is _E.MALFORMED_REQUEST


async def test_among_others_certificates_the_own_ones_are_answered(
    world: CaHarness, now: datetime
) -> None:
    card = await world.issue(now, _S.ACTIVE)
    own = _id(world, card.x509())
    foreign = CertificateId(
        hash_algorithm=own.hash_algorithm,
        issuer_name_hash=own.issuer_name_hash,
        issuer_key_hash=bytes(20),
        serial_number=own.serial_number,
    )
    answer = await world.ask(_about(foreign, own), now)
    verdicts = [one.certificate_status for one in answer.responses]
    assert verdicts == [_V.UNKNOWN, _V.GOOD]


@pytest.mark.parametrize("serial", [0, -1, 2**160, 2**2000])
async def test_a_number_that_is_no_serial_number_is_unknown(
    world: CaHarness, now: datetime, serial: int
) -> None:
    card = await world.issue(now, _S.ACTIVE)
    own = _id(world, card.x509())
    own.serial_number = serial
    (answer,) = (await world.ask(_about(own), now)).responses
    assert answer.certificate_status is _V.UNKNOWN


@pytest.mark.parametrize(
    ("extensions", "of_each"),
    [
        ([_nonce(0)], None),
        ([_nonce(129)], None),
        ([_extension(b"no octet string")], None),
        ([_extension(b"")], None),
        ([_nonce(16), _nonce(16)], None),
        ([_extension(b"\x05\x00", SERVICE_LOCATOR, critical=True)], None),
        (None, [_extension(b"\x05\x00", SERVICE_LOCATOR, critical=True)]),
    ],
)
async def test_extensions_that_cannot_be_obeyed_are_refused(
    world: CaHarness,
    now: datetime,
    extensions: list[OcspExtension] | None,
    of_each: list[OcspExtension] | None,
) -> None:
    card = await world.issue(now, _S.ACTIVE)
    own = _id(world, card.x509())
    request = _about(own, extensions=extensions, of_each=of_each)
    assert (await world.ask(request, now)).response_status is _E.MALFORMED_REQUEST


async def test_extensions_that_need_not_be_obeyed_are_left_aside(
    world: CaHarness, now: datetime
) -> None:
    card = await world.issue(now, _S.ACTIVE)
    optional = [_extension(b"\x05\x00", SERVICE_LOCATOR)]
    request = _about(_id(world, card.x509()), extensions=optional, of_each=optional)
    assert (await world.ask(request, now)).certificate_status is _V.GOOD


async def test_a_critical_nonce_comes_back_too(world: CaHarness, now: datetime) -> None:
    card = await world.issue(now, _S.ACTIVE)
    nonce = _extension(asn1.encode_der(b"0123456789abcdef"), critical=True)
    answer = await world.ask(_about(_id(world, card.x509()), extensions=[nonce]), now)
    given = answer.extensions.get_extension_for_class(x509.OCSPNonce)
    assert given.value.nonce == b"0123456789abcdef"


async def test_a_version_that_does_not_exist_yet_is_refused(
    world: CaHarness, now: datetime
) -> None:
    card = await world.issue(now, _S.ACTIVE)
    request = _about(_id(world, card.x509()), version=1)
    assert (await world.ask(request, now)).response_status is _E.MALFORMED_REQUEST


async def test_every_cut_of_a_request_is_refused_and_nothing_else_happens(
    world: CaHarness, now: datetime
) -> None:
    card = await world.issue(now, _S.ACTIVE)
    whole = world.request_for(card.x509(), os.urandom(16))
    for length in range(len(whole)):
        answer = await world.ask(whole[:length], now)
        assert answer.response_status is _E.MALFORMED_REQUEST
    assert (await world.ask(whole + b"\0", now)).response_status is _E.MALFORMED_REQUEST
    assert (await world.ask(whole, now)).response_status is _E.SUCCESSFUL
