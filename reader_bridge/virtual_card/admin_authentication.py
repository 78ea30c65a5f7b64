"""The card's side of the administrator's mutual authentication (GIDS §10.3, as OpenSC uses it).

Host and card each draw 16 bytes. The host proves itself with three-key DES in CBC mode over
*card's, host's, seven random bytes, 80*; the card answers with *host's, card's, seven of its own,
80*. A try is spent, on the disk, before the proof is checked.
"""

import hmac
import secrets
from collections.abc import Callable

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC

from reader_bridge.virtual_card.card_content import CardState

CHALLENGE_BYTES, RANDOM_BYTES, CRYPTOGRAM_BYTES = 16, 7, 40
END_MARK = b"\x80"


class AdminAuthentication:
    """The administrator's key of a card, and the state of an authentication."""

    def __init__(self, key: bytes, state: CardState, save: Callable[[], None]) -> None:
        self._cipher = Cipher(TripleDES(key), CBC(bytes(8)))
        self._state, self._save = state, save
        self._challenges: tuple[bytes, bytes] | None = None
        self.is_authenticated = False

    @property
    def is_blocked(self) -> bool:
        """Whether no try is left."""
        return self._state.admin_tries <= 0

    def reset(self) -> None:
        """Forget the authentication and the open challenge."""
        self._challenges = None
        self.is_authenticated = False

    def begin(self, host: bytes) -> bytes:
        """Note the host's challenge and return the card's."""
        self.reset()
        card = secrets.token_bytes(CHALLENGE_BYTES)
        self._challenges = host, card
        return card

    def complete(self, proof: bytes) -> bytes | None:
        """Check the host's proof, spending a try; return the card's, or `None` if it is wrong."""
        challenges, self._challenges = self._challenges, None
        if challenges is None or self.is_blocked:
            return None
        self._state.admin_tries -= 1
        self._save()
        host, card = challenges
        decryptor = self._cipher.decryptor()
        plain = decryptor.update(proof) + decryptor.finalize()
        right = hmac.compare_digest(plain[: 2 * CHALLENGE_BYTES], card + host)
        if not right or plain[-1:] != END_MARK:
            return None
        self._state.admin_tries = self._state.admin_limit
        self._save()
        self.is_authenticated = True
        encryptor = self._cipher.encryptor()
        answer = host + card + secrets.token_bytes(RANDOM_BYTES) + END_MARK
        return encryptor.update(answer) + encryptor.finalize()

    @property
    def is_challenge_open(self) -> bool:
        """Whether a proof is expected."""
        return self._challenges is not None
