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

from services.authority.ca import ocsp_messages as messages
from services.authority.ca.ca_certificate import CaSigner
from services.authority.ca.delegated_signer import OcspSigner, OcspSigningKey
from services.authority.ca.ocsp_messages import CertificateId, OcspExtension, OcspRequest
from services.authority.ca.status_lookup import StatusLookup
from services.authority.ca.statuses import UNKNOWN, CertificateStatus
from services.storage.availability import DatabaseUnavailableError

MAX_CONCURRENT_REQUESTS = 256
"""Pending requests beyond which further ones get ``tryLater``."""
NONCE_OID = x509.ObjectIdentifier("1.3.6.1.5.5.7.48.1.2")
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

    def __init__(self, signer: CaSigner, statuses: StatusLookup) -> None:
        self._delegate = OcspSigner(signer)
        self._statuses = statuses
        self._hashes = _issuer_hashes(signer)
        self._pending = 0

    async def answer(self, request: bytes, now: datetime) -> bytes:
        """Return the response, which is an error response where the request cannot be answered."""
        if self._pending >= MAX_CONCURRENT_REQUESTS:
            return error_response(ocsp.OCSPResponseStatus.TRY_LATER)
        self._pending += 1
        try:
            return await self._answer(request, now)
        except _RefusedError as error:
            return error_response(error.status)
        except DatabaseUnavailableError as error:
            _log.error("ocsp_not_answered", error=type(error).__name__)
            return error_response(ocsp.OCSPResponseStatus.TRY_LATER)
        finally:
            self._pending -= 1

    async def _answer(self, der: bytes, now: datetime) -> bytes:
        request = _parse(der)
        nonce = _check_extensions(request)
        asked = [one.certificate for one in request.body.requests]
        mine = [one.serial_number for one in asked if self._is_mine(one)]
        if not mine:
            raise _RefusedError(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        known = await self._statuses.look_up(mine, now)
        answers = [
            messages.build_single_response(one, self._status(one, known), now) for one in asked
        ]
        return self._sign(answers, nonce, now)

    def _is_mine(self, certificate: CertificateId) -> bool:
        hashes = (certificate.issuer_name_hash, certificate.issuer_key_hash)
        return self._hashes.get(certificate.hash_algorithm.algorithm) == hashes

    def _status(
        self, certificate: CertificateId, known: Mapping[int, CertificateStatus]
    ) -> CertificateStatus:
        if not self._is_mine(certificate):
            return UNKNOWN
        return known.get(certificate.serial_number, UNKNOWN)

    def _sign(
        self, answers: Sequence[messages.SingleResponse], nonce: OcspExtension | None, now: datetime
    ) -> bytes:
        signer: OcspSigningKey = self._delegate.get_key(now)
        data = messages.ResponseData(
            responder_key_hash=signer.key_hash,
            produced_at=messages.to_asn1_time(now),
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
        return messages.encode_response(signed)


def error_response(status: ocsp.OCSPResponseStatus) -> bytes:
    """Return an error response, which is never signed."""
    response = ocsp.OCSPResponseBuilder.build_unsuccessful(status)
    return response.public_bytes(serialization.Encoding.DER)


def _parse(der: bytes) -> OcspRequest:
    try:
        return messages.parse_request(der)
    except ValueError:
        raise _RefusedError(ocsp.OCSPResponseStatus.MALFORMED_REQUEST) from None


def _check_extensions(request: OcspRequest) -> OcspExtension | None:
    """Check every extension of the request; return the nonce to send back."""
    malformed = _RefusedError(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    single = [one.extensions or [] for one in request.body.requests]
    if any(extension.critical for extensions in single for extension in extensions):
        raise malformed
    given = request.body.extensions or []
    nonces = [extension for extension in given if extension.oid == NONCE_OID]
    if len(nonces) > 1 or any(one.critical for one in given if one.oid != NONCE_OID):
        raise malformed
    if nonces and not _is_valid_nonce(nonces[0].value):
        raise malformed
    return OcspExtension(oid=NONCE_OID, critical=False, value=nonces[0].value) if nonces else None


def _is_valid_nonce(value: bytes) -> bool:
    try:
        return len(asn1.decode_der(bytes, value)) in _NONCE_BYTES
    except ValueError:
        return False


def _issuer_hashes(signer: CaSigner) -> dict[x509.ObjectIdentifier, tuple[bytes, bytes]]:
    """Return the hashes of name and key by which requests name this authority."""
    name = signer.name.public_bytes()
    public = signer.certificate.public_key()
    key = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    return {
        oid: (hashlib.new(used, name).digest(), hashlib.new(used, key).digest())
        for oid, used in _HASHES.items()
    }
