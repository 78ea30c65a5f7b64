"""Verification of proofs of possession: statements signed by a card's key."""

from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm

from reader_bridge.protocol import Operation, SignatureAlgorithm, build_possession_statement
from reader_bridge.protocol.operation_payloads import Receipt

_CURVES: Final[dict[SignatureAlgorithm, tuple[type[ec.EllipticCurve], HashAlgorithm]]] = {
    SignatureAlgorithm.ES256: (ec.SECP256R1, SHA256()),
    SignatureAlgorithm.ES384: (ec.SECP384R1, SHA384()),
}
_SMALLEST_RSA: Final = 2048


def verify_receipt(
    receipt: Receipt, certificate: bytes, origin: str, operation: Operation, server_nonce: bytes
) -> bool:
    """Whether the key of `certificate` signed the statement that belongs to a receipt.

    :param certificate: DER, from our records where there is one; the receipt's own is only the
        bridge's claim.
    """
    try:
        statement = build_possession_statement(
            origin,
            operation,
            server_nonce=server_nonce,
            bridge_nonce=receipt.bridge_nonce,
            card_serial=receipt.card_serial,
        )
        _verify(receipt, certificate, statement)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _verify(receipt: Receipt, certificate: bytes, statement: bytes) -> None:
    """Verify the signature.

    :raises InvalidSignature: where it is not this key's, or of an algorithm not of the key's kind.
    :raises ValueError: for a malformed certificate.
    """
    key = x509.load_der_x509_certificate(certificate).public_key()
    if receipt.algorithm is SignatureAlgorithm.RS256:
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < _SMALLEST_RSA:
            raise InvalidSignature
        key.verify(receipt.signature, statement, padding.PKCS1v15(), SHA256())
        return
    curve, digest = _CURVES[receipt.algorithm]
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, curve):
        raise InvalidSignature
    key.verify(receipt.signature, statement, ec.ECDSA(digest))
