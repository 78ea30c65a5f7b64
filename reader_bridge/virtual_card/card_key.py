"""The private RSA keys of a virtual card."""

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo
from cryptography.hazmat.primitives.serialization import load_der_private_key

from reader_bridge.virtual_card.card_content import CardContainer, ContainerKind
from reader_bridge.virtual_card.card_tlv import encode_tlv

MAX_DIGEST_INFO_BYTES = 83
"""SHA-512 with its name; a longer input is no digest."""
SIGN_PKCS1, DECRYPT_PKCS1 = 0x50, 0x40
"""High half of the algorithm reference; the low half names the length."""
_LENGTHS = {1024: 0x06, 2048: 0x07, 3072: 0x08, 4096: 0x09}


class CardKey:
    """One key of the card."""

    def __init__(self, container: CardContainer) -> None:
        key = load_der_private_key(container.private_key, None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, RSAPrivateKey) or key.key_size not in _LENGTHS:
            raise ValueError("a GIDS card has RSA keys of 1024 to 4096 bits")
        self._key = key
        self.kind = container.kind

    @property
    def bits(self) -> int:
        """Length of the modulus."""
        return self._key.key_size

    def can_sign(self, algorithm: int) -> bool:
        """Whether a key signs with this algorithm. On GIDS cards that for encryption does too."""
        return algorithm == SIGN_PKCS1 | _LENGTHS[self.bits]

    def can_decrypt(self, algorithm: int) -> bool:
        """Whether this key decrypts with this algorithm."""
        decrypts = self.kind is ContainerKind.ENCRYPTION
        return decrypts and algorithm == DECRYPT_PKCS1 | _LENGTHS[self.bits]

    def sign(self, digest_info: bytes) -> bytes:
        """Sign a DigestInfo as it is, padded by PKCS #1 v1.5."""
        return self._key.sign(digest_info, PKCS1v15(), NoDigestInfo())

    def decrypt(self, cryptogram: bytes) -> bytes:
        """Decrypt what was padded by PKCS #1 v1.5."""
        return self._key.decrypt(cryptogram, PKCS1v15())

    def public_template(self) -> bytes:
        """Return the public key as in ISO/IEC 7816-8 §5.1: modulus and exponent."""
        numbers = self._key.public_key().public_numbers()
        modulus = encode_tlv(0x81, numbers.n.to_bytes(self.bits // 8, "big"))
        return encode_tlv(0x7F49, modulus + encode_tlv(0x82, numbers.e.to_bytes(3, "big")))
