"""The ASN.1 messages of OCSP (RFC 6960 §4): parsing requests, encoding responses.

The library reads and writes messages about one certificate; the standard lets a request name
several, and a card has three. Requests are hostile input: everything is bounded, and what does
not fit the grammar is a `ValueError`.
"""

from datetime import datetime
from typing import Annotated, Literal

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509.ocsp import OCSPCertStatus

from services.authority.ca.statuses import CertificateStatus

MAX_CERTIFICATES = 20
"""How many certificates one request may name."""
_OID = x509.ObjectIdentifier


@asn1.sequence
class AlgorithmIdentifier:
    """An algorithm; none that is used here takes parameters."""

    algorithm: x509.ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class CertificateId:
    """A certificate, named by hashes of its issuer's name and key, and its serial number."""

    hash_algorithm: AlgorithmIdentifier
    issuer_name_hash: Annotated[bytes, asn1.Size(1, 64)]
    issuer_key_hash: Annotated[bytes, asn1.Size(1, 64)]
    serial_number: int


@asn1.sequence
class OcspExtension:
    """An extension of a request or a response."""

    oid: x509.ObjectIdentifier
    critical: Annotated[bool, asn1.Default(False)]
    value: bytes


@asn1.sequence
class SingleRequest:
    """One certificate that is asked about."""

    certificate: CertificateId
    extensions: Annotated[list[OcspExtension] | None, asn1.Explicit(0)]


_Requestor = (
    Annotated[asn1.Variant[asn1.IA5String, Literal["mail"]], asn1.Implicit(1)]
    | Annotated[asn1.Variant[asn1.IA5String, Literal["host"]], asn1.Implicit(2)]
    | Annotated[asn1.Variant[asn1.TLV, Literal["name"]], asn1.Explicit(4)]
    | Annotated[asn1.Variant[asn1.IA5String, Literal["uri"]], asn1.Implicit(6)]
)


@asn1.sequence
class _RequestBody:
    version: Annotated[int, asn1.Explicit(0), asn1.Default(0)]
    requestor: Annotated[_Requestor | None, asn1.Explicit(1)]
    requests: Annotated[list[SingleRequest], asn1.Size(1, MAX_CERTIFICATES)]
    extensions: Annotated[list[OcspExtension] | None, asn1.Explicit(2)]


@asn1.sequence
class _RequestSignature:
    """Not verified: everybody gets the same answer."""

    algorithm: AlgorithmIdentifier
    value: asn1.BitString
    certificates: Annotated[list[asn1.TLV] | None, asn1.Explicit(0)]


@asn1.sequence
class OcspRequest:
    """A request for the status of certificates."""

    body: _RequestBody
    signature: Annotated[_RequestSignature | None, asn1.Explicit(0)]


@asn1.sequence
class _Revoked:
    since: asn1.GeneralizedTime
    reason: Annotated[asn1.TLV, asn1.Explicit(0)]


_Status = (
    Annotated[asn1.Variant[asn1.Null, Literal["good"]], asn1.Implicit(0)]
    | Annotated[asn1.Variant[_Revoked, Literal["revoked"]], asn1.Implicit(1)]
    | Annotated[asn1.Variant[asn1.Null, Literal["unknown"]], asn1.Implicit(2)]
)


@asn1.sequence
class SingleResponse:
    """The status of one certificate.

    There is no next update: newer information is there at any time (RFC 6960 §2.4).
    """

    certificate: CertificateId
    status: _Status
    this_update: asn1.GeneralizedTime


@asn1.sequence
class ResponseData:
    """What is signed."""

    responder_key_hash: Annotated[bytes, asn1.Explicit(2)]
    produced_at: asn1.GeneralizedTime
    responses: list[SingleResponse]
    extensions: Annotated[list[OcspExtension] | None, asn1.Explicit(1)]


@asn1.sequence
class BasicResponse:
    """The signed response, with the signer's certificate."""

    data: ResponseData
    algorithm: AlgorithmIdentifier
    signature: asn1.BitString
    certificates: Annotated[list[x509.Certificate], asn1.Explicit(0)]


@asn1.sequence
class _ResponseBytes:
    type: x509.ObjectIdentifier
    response: bytes


@asn1.sequence
class _OcspResponse:
    status: asn1.TLV
    content: Annotated[_ResponseBytes, asn1.Explicit(0)]


_BASIC_RESPONSE = _OID("1.3.6.1.5.5.7.48.1.1")
_CRL_REASONS = {
    x509.ReasonFlags.unspecified: 0,
    x509.ReasonFlags.key_compromise: 1,
    x509.ReasonFlags.ca_compromise: 2,
    x509.ReasonFlags.affiliation_changed: 3,
    x509.ReasonFlags.superseded: 4,
    x509.ReasonFlags.cessation_of_operation: 5,
    x509.ReasonFlags.certificate_hold: 6,
    x509.ReasonFlags.privilege_withdrawn: 9,
    x509.ReasonFlags.aa_compromise: 10,
}
"""The numbers of RFC 5280 §5.3.1."""


def parse_request(der: bytes) -> OcspRequest:
    """Parse a request.

    :raises ValueError: when it is none.
    """
    request = asn1.decode_der(OcspRequest, der)
    if request.body.version != 0:
        raise ValueError("unknown version")
    return request


def build_single_response(
    certificate: CertificateId, status: CertificateStatus, now: datetime
) -> SingleResponse:
    """Return the status of one certificate."""
    return SingleResponse(
        certificate=certificate, status=_status(status), this_update=to_asn1_time(now)
    )


def encode_response(response: BasicResponse) -> bytes:
    """Wrap a signed response."""
    content = _ResponseBytes(type=_BASIC_RESPONSE, response=asn1.encode_der(response))
    return asn1.encode_der(_OcspResponse(status=_encode_enumerated(0), content=content))


def to_asn1_time(moment: datetime) -> asn1.GeneralizedTime:
    """Return a moment in whole seconds."""
    return asn1.GeneralizedTime(moment.replace(microsecond=0))


def _status(status: CertificateStatus) -> _Status:
    if status.ocsp_status is OCSPCertStatus.GOOD:
        return asn1.Variant(asn1.Null(), "good")
    if status.ocsp_status is OCSPCertStatus.UNKNOWN:
        return asn1.Variant(asn1.Null(), "unknown")
    assert status.since is not None
    reason = _CRL_REASONS[status.reason or x509.ReasonFlags.unspecified]
    revoked = _Revoked(since=to_asn1_time(status.since), reason=_encode_enumerated(reason))
    return asn1.Variant(revoked, "revoked")


def _encode_enumerated(value: int) -> asn1.TLV:
    return asn1.decode_der(asn1.TLV, bytes([0x0A, 1, value]))
