"""Issuing three certificates for one card, for keys that are made elsewhere.

The authority sees public keys only.
"""

import asyncio
from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from services.authority.ca import certificate_profile
from services.authority.ca.ca_certificate import CaSigner
from services.authority.ca.errors import UnsuitableKeyError, ValidityError
from services.authority.ca.publication import PublicationUrls
from services.authority.interface.certificates import (
    CertificateKind,
    CertificateRequest,
    IssuedCertificate,
)

_RSA_BITS = range(2048, 4097)
"""From what MOICA's own cards have (docs/facts.md §2.7) up to what the authority itself has."""
_CURVES = (ec.SECP256R1, ec.SECP384R1)

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


class CaIssuer:
    """Signs certificates (`services.authority.interface.certificates.CertificateIssuer`)."""

    def __init__(self, signer: CaSigner, urls: PublicationUrls) -> None:
        self._signer = signer
        self._urls = urls

    async def issue(self, request: CertificateRequest) -> Sequence[IssuedCertificate]:
        """Sign one certificate for each public key, off the event loop.

        :raises UnsuitableKeyError: for a key no certificate is issued for.
        :raises ValidityError: for a time beyond the authority's own.
        """
        limit = self._signer.certificate.not_valid_after_utc
        if not request.not_before < request.not_after <= limit:
            raise ValidityError(limit)
        return await asyncio.to_thread(self._issue_all, request)

    def _issue_all(self, request: CertificateRequest) -> list[IssuedCertificate]:
        return [self._issue(kind, key, request) for kind, key in request.public_keys.items()]

    def _issue(
        self, kind: CertificateKind, public_der: bytes, request: CertificateRequest
    ) -> IssuedCertificate:
        key = _load_suitable_key(kind, public_der)
        serial = x509.random_serial_number()
        builder = (
            x509.CertificateBuilder()
            .subject_name(certificate_profile.build_subject(request))
            .public_key(key)
            .serial_number(serial)
            .not_valid_before(request.not_before)
            .not_valid_after(request.not_after)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )
        ca_key_id = self._signer.key_id
        for extension, critical in certificate_profile.build_extensions(
            kind, request, self._urls, ca_key_id
        ):
            builder = builder.add_extension(extension, critical)
        certificate = self._signer.sign_certificate(builder)
        der = certificate.public_bytes(serialization.Encoding.DER)
        return IssuedCertificate(kind, serial, der)


def _load_suitable_key(kind: CertificateKind, public_der: bytes) -> PublicKey:
    try:
        key = serialization.load_der_public_key(public_der)
    except (ValueError, UnsupportedAlgorithm):
        raise UnsuitableKeyError(kind) from None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in _RSA_BITS:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES):
        return key
    raise UnsuitableKeyError(kind)
