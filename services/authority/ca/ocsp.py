"""The OCSP responder (RFC 6960): a request in, a response out, whatever the request is."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import SignatureAlgorithmOID
from sqlalchemy.exc import SQLAlchemyError

from services.authority.ca import ocsp_messages as messages
from services.authority.ca.ca_certificate import CaIdentity
from services.authority.ca.delegated_signer import OcspSigner, SigningKey
from services.authority.ca.ocsp_messages import CertificateId, Extension, OcspRequest
from services.authority.ca.status_lookup import StatusStore
from services.authority.ca.statuses import UNKNOWN, CertificateStatus

MOST_AT_ONCE = 256
"""Requests in hand beyond which the others are told to come again."""
NONCE = x509.ObjectIdentifier("1.3.6.1.5.5.7.48.1.2")
_NONCE_BYTES = range(1, 129)
"""RFC 9654 §2.1."""
_HASHES = {
    x509.ObjectIdentifier("1.3.14.3.2.26"): "sha1",
    x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1"): "sha256",
    x509.ObjectIdentifier("2.16.840.1.101.3.4.2.2"): "sha384",
    x509.ObjectIdentifier("2.16.840.1.101.3.4.2.3"): "sha512",
}
"""By which requests name their issuer. SHA-1 is what nearly everybody uses; nothing rests on it."""
_ECDSA_WITH_SHA256 = messages.AlgorithmIdentifier(
    algorithm=SignatureAlgorithmOID.ECDSA_WITH_SHA256, parameters=None
)

_log = structlog.get_logger()


class _RefusedError(Exception):
    """A request is answered with an error."""

    def __init__(self, status: ocsp.OCSPResponseStatus) -> None:
        super().__init__(status.name)
        self.status = status


class OcspResponder:
    """Answers with what the records say at that moment."""

    def __init__(self, identity: CaIdentity, statuses: StatusStore) -> None:
        self._signer = OcspSigner(identity)
        self._statuses = statuses
        self._names = _hashes_of(identity)
        self._in_hand = 0

    async def answer(self, request: bytes, now: datetime) -> bytes:
        """Give the response, which is an error where the request cannot be answered."""
        if self._in_hand >= MOST_AT_ONCE:
            return refusal(ocsp.OCSPResponseStatus.TRY_LATER)
        self._in_hand += 1
        try:
            return await self._answer(request, now)
        except _RefusedError as error:
            return refusal(error.status)
        except SQLAlchemyError as error:
            _log.error("ocsp_not_answered", error=type(error).__name__)
            return refusal(ocsp.OCSPResponseStatus.TRY_LATER)
        finally:
            self._in_hand -= 1

    async def _answer(self, der: bytes, now: datetime) -> bytes:
        request = _read(der)
        nonce = _nonce(request)
        asked = [one.certificate for one in request.body.requests]
        mine = [one.serial_number for one in asked if self._is_mine(one)]
        if not mine:
            raise _RefusedError(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        known = await self._statuses.statuses(mine, now)
        answers = [messages.single_response(one, self._status(one, known), now) for one in asked]
        return self._sign(answers, nonce, now)

    def _is_mine(self, certificate: CertificateId) -> bool:
        hashes = (certificate.issuer_name_hash, certificate.issuer_key_hash)
        return self._names.get(certificate.hash_algorithm.algorithm) == hashes

    def _status(
        self, certificate: CertificateId, known: Mapping[int, CertificateStatus]
    ) -> CertificateStatus:
        if not self._is_mine(certificate):
            return UNKNOWN
        return known.get(certificate.serial_number, UNKNOWN)

    def _sign(
        self, answers: Sequence[messages.SingleResponse], nonce: Extension | None, now: datetime
    ) -> bytes:
        signer: SigningKey = self._signer.at(now)
        data = messages.ResponseData(
            responder_key_hash=signer.key_hash,
            produced_at=messages.time(now),
            responses=list(answers),
            extensions=[nonce] if nonce else None,
        )
        signature = signer.sign(asn1.encode_der(data))
        signed = messages.BasicResponse(
            data=data,
            algorithm=_ECDSA_WITH_SHA256,
            signature=asn1.BitString(signature, 0),
            certificates=[signer.certificate],
        )
        return messages.successful(signed)


def refusal(status: ocsp.OCSPResponseStatus) -> bytes:
    """Give a response that is an error. Errors are not signed."""
    response = ocsp.OCSPResponseBuilder.build_unsuccessful(status)
    return response.public_bytes(serialization.Encoding.DER)


def _read(der: bytes) -> OcspRequest:
    try:
        return messages.read_request(der)
    except ValueError:
        raise _RefusedError(ocsp.OCSPResponseStatus.MALFORMED_REQUEST) from None


def _nonce(request: OcspRequest) -> Extension | None:
    """Give the nonce to send back, after checking every extension of the request."""
    malformed = _RefusedError(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    single = [one.extensions or [] for one in request.body.requests]
    if any(extension.critical for extensions in single for extension in extensions):
        raise malformed
    given = request.body.extensions or []
    nonces = [extension for extension in given if extension.oid == NONCE]
    if len(nonces) > 1 or any(one.critical for one in given if one.oid != NONCE):
        raise malformed
    if nonces and not _is_nonce(nonces[0].value):
        raise malformed
    return Extension(oid=NONCE, critical=False, value=nonces[0].value) if nonces else None


def _is_nonce(value: bytes) -> bool:
    try:
        return len(asn1.decode_der(bytes, value)) in _NONCE_BYTES
    except ValueError:
        return False


def _hashes_of(identity: CaIdentity) -> dict[x509.ObjectIdentifier, tuple[bytes, bytes]]:
    """Give the hashes by which requests name this authority."""
    name = identity.name.public_bytes()
    public = identity.certificate.public_key()
    key = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    return {
        oid: (hashlib.new(used, name).digest(), hashlib.new(used, key).digest())
        for oid, used in _HASHES.items()
    }
