"""The OCSP responder: what it answers, and what it refuses and how."""

import asyncio
import os
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.authority.ca import delegated_signer
from services.authority.ca.ca_certificate import CaName, CaSigner, self_sign
from services.authority.ca.ocsp import MAX_CONCURRENT_REQUESTS, OcspResponder
from services.authority.ca.statuses import GOOD, CertificateStatus
from services.authority.lifecycle import CertificateState, RevocationReason
from services.storage.availability import DatabaseUnavailableError
from tests.services.authority.ca.ca_harness import SHA1, CaHarness, make_request, response_status

_S = CertificateState
_V = ocsp.OCSPCertStatus
_E = ocsp.OCSPResponseStatus
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("state", "verdict", "reason"),
    [
        (_S.INACTIVE, _V.REVOKED, x509.ReasonFlags.certificate_hold),
        (_S.ACTIVE, _V.GOOD, None),
        (_S.SUSPENDED, _V.REVOKED, x509.ReasonFlags.certificate_hold),
        (_S.REVOKED, _V.REVOKED, x509.ReasonFlags.unspecified),
        (_S.EXPIRED, _V.UNKNOWN, None),
    ],
)
async def test_every_state_is_answered(
    world: CaHarness,
    now: datetime,
    state: CertificateState,
    verdict: ocsp.OCSPCertStatus,
    reason: x509.ReasonFlags | None,
) -> None:
    card = await world.issue(now, state)
    for kind in card.certificates:
        answer = await world.ask_about(card.x509(kind), now)
        assert answer.response_status is _E.SUCCESSFUL
        assert answer.certificate_status is verdict
        assert answer.serial_number == card.x509(kind).serial_number
        assert answer.revocation_reason is reason
        since = now.replace(microsecond=0) if verdict is _V.REVOKED else None
        assert answer.revocation_time_utc == since


async def test_a_change_counts_from_the_next_answer_on(world: CaHarness, now: datetime) -> None:
    card = await world.issue(now)
    seen = []
    for state in (_S.ACTIVE, _S.SUSPENDED, _S.SUSPENDED, _S.ACTIVE, _S.REVOKED, _S.REVOKED):
        await world.move(card, state, now, RevocationReason.LOST)
        answer = await world.ask_about(card.x509(), now)
        seen.append((answer.certificate_status, answer.revocation_reason))
    hold = (_V.REVOKED, x509.ReasonFlags.certificate_hold)
    lost = (_V.REVOKED, x509.ReasonFlags.key_compromise)
    good = (_V.GOOD, None)
    assert seen == [good, hold, hold, good, lost, lost]


async def test_a_certificate_that_is_not_on_record_is_unknown(
    world: CaHarness, now: datetime
) -> None:
    never_recorded = await world.service.issuer.issue(make_request(now))
    for one in never_recorded:
        answer = await world.ask_about(x509.load_der_x509_certificate(one.der), now)
        assert (answer.certificate_status, answer.serial_number) == (_V.UNKNOWN, one.serial)


async def test_the_answer_is_signed_by_whom_the_authority_delegated_it_to(
    world: CaHarness, now: datetime
) -> None:
    card = await world.issue(now)
    answer = await world.ask_about(card.x509(), now)
    (signer,) = answer.certificates
    key = signer.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(hashes.SHA256()))
    signer.verify_directly_issued_by(world.service.signer.certificate)
    usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert list(usage.value) == [ExtendedKeyUsageOID.OCSP_SIGNING]
    assert signer.extensions.get_extension_for_class(x509.OCSPNoCheck)
    named = signer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    assert answer.responder_key_hash == named.value.digest
    assert answer.this_update_utc == answer.produced_at_utc == now.replace(microsecond=0)
    assert answer.next_update_utc is None


async def test_the_signer_is_replaced_before_its_end_and_stays_until_then(
    world: CaHarness, now: datetime
) -> None:
    signer = delegated_signer.OcspSigner(world.service.signer)
    first = signer.get_key(now)
    assert first.certificate.not_valid_before_utc <= now
    day = timedelta(days=1)
    last_moment = now + delegated_signer.LIFETIME - day - SECOND
    assert signer.get_key(last_moment) is first
    second = signer.get_key(now + delegated_signer.LIFETIME - day)
    assert second is not first
    assert second.key_hash != first.key_hash
    assert second.not_after > first.not_after


async def test_no_signer_outlives_the_authority(world: CaHarness) -> None:
    certificate = world.service.signer.certificate
    signer = delegated_signer.OcspSigner(world.service.signer)
    early = signer.get_key(certificate.not_valid_before_utc).certificate
    assert early.not_valid_before_utc == certificate.not_valid_before_utc
    late = signer.get_key(certificate.not_valid_after_utc - timedelta(days=2)).certificate
    assert late.not_valid_after_utc == certificate.not_valid_after_utc


@pytest.mark.parametrize("size", [1, 16, 32, 128])
async def test_a_nonce_comes_back(world: CaHarness, now: datetime, size: int) -> None:
    card = await world.issue(now)
    nonce = os.urandom(size)
    answer = await world.ask(world.request_for(card.x509(), nonce), now)
    assert answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == nonce


async def test_without_a_nonce_none_is_made_up(world: CaHarness, now: datetime) -> None:
    card = await world.issue(now)
    assert not list((await world.ask_about(card.x509(), now)).extensions)


@pytest.mark.parametrize("algorithm", [SHA1, hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
async def test_the_issuer_may_be_named_by_any_usual_hash(
    world: CaHarness, now: datetime, algorithm: hashes.HashAlgorithm
) -> None:
    card = await world.issue(now, _S.ACTIVE)
    builder = ocsp.OCSPRequestBuilder()
    builder = builder.add_certificate(card.x509(), world.service.signer.certificate, algorithm)
    request = builder.build().public_bytes(serialization.Encoding.DER)
    answer = await world.ask(request, now)
    assert answer.certificate_status is _V.GOOD
    assert answer.hash_algorithm.name == algorithm.name


async def test_about_certificates_of_others_the_authority_has_no_say(
    world: CaHarness, now: datetime
) -> None:
    card = await world.issue(now, _S.ACTIVE)
    impostor = self_sign(CaName(), rsa.generate_private_key(65537, 2048), now)
    assert impostor.subject == world.service.signer.name
    builder = ocsp.OCSPRequestBuilder().add_certificate(card.x509(), impostor, SHA1)
    request = builder.build().public_bytes(serialization.Encoding.DER)
    assert (await world.ask(request, now)).response_status is _E.UNAUTHORIZED


class _Slow:
    """Records that answer when they are let."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.full = asyncio.Event()
        self.asked = 0

    async def look_up(
        self, serials: Collection[int], now: datetime
    ) -> Mapping[int, CertificateStatus]:
        self.asked += 1
        if self.asked == MAX_CONCURRENT_REQUESTS:
            self.full.set()
        await self.let.wait()
        return dict.fromkeys(serials, GOOD)


async def test_too_many_at_once_are_told_to_come_again(world: CaHarness, now: datetime) -> None:
    card = await world.issue(now, _S.ACTIVE)
    slow = _Slow()
    responder = OcspResponder(world.service.signer, slow)
    request = world.request_for(card.x509())
    waiting = [
        asyncio.create_task(responder.answer(request, now)) for _ in range(MAX_CONCURRENT_REQUESTS)
    ]
    await slow.full.wait()
    for _ in range(2):
        answer = await asyncio.wait_for(responder.answer(request, now), 10)
        assert response_status(answer) is _E.TRY_LATER
    slow.let.set()
    answers = await asyncio.gather(*waiting)
    assert [response_status(answer) for answer in answers] == [{_V.GOOD}] * MAX_CONCURRENT_REQUESTS
    assert response_status(await responder.answer(request, now)) == {_V.GOOD}


class _Broken:
    """Records that cannot be read."""

    async def look_up(
        self, serials: Collection[int], now: datetime
    ) -> Mapping[int, CertificateStatus]:
        raise DatabaseUnavailableError("SELECT")


async def test_while_the_records_cannot_be_read_everybody_is_told_to_come_again(
    world: CaHarness, now: datetime
) -> None:
    card = await world.issue(now, _S.ACTIVE)
    responder = OcspResponder(world.service.signer, _Broken())
    with capture_logs() as logs:
        answer = await responder.answer(world.request_for(card.x509()), now)
    assert response_status(answer) is _E.TRY_LATER
    assert [entry["event"] for entry in logs] == ["ocsp_not_answered"]


class _Nobody:
    """Records in which nothing is."""

    async def look_up(
        self, serials: Collection[int], now: datetime
    ) -> Mapping[int, CertificateStatus]:
        return {}


@given(data=st.data())
async def test_whatever_comes_in_an_answer_goes_out(
    data: st.DataObject, identity: CaSigner
) -> None:
    responder = OcspResponder(identity, _Nobody())
    now = identity.certificate.not_valid_before_utc
    builder = ocsp.OCSPRequestBuilder()
    certificate = identity.certificate
    request = builder.add_certificate(certificate, certificate, SHA1).build()
    whole = bytearray(request.public_bytes(serialization.Encoding.DER))
    edits = st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=6)
    for place, value in data.draw(edits):
        whole[place] = value
    junk = data.draw(st.binary(max_size=300))
    allowed = ({_V.UNKNOWN}, _E.MALFORMED_REQUEST, _E.UNAUTHORIZED)
    for sent in (bytes(whole), bytes(whole) + junk, junk):
        assert response_status(await responder.answer(sent, now)) in allowed
