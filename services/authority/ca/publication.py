"""The addresses at which the authority publishes, written into every certificate it issues."""

from dataclasses import dataclass

CRL_PATH = "/crl/{key_id}.crl"
CA_PATH = "/ca/{key_id}.cer"
OCSP_PATH = "/ocsp"


@dataclass(frozen=True)
class PublicationUrls:
    """The addresses below the listener's public one.

    :ivar base_url: such as ``http://certificates.example``, with or without a path. Plain http
        is what these addresses commonly use: what lies there is signed, and a client that checks
        a TLS certificate would have to check it there first (RFC 5280 §8).
    """

    base_url: str

    @property
    def ocsp(self) -> str:
        """The OCSP responder."""
        return self._join(OCSP_PATH)

    def crl(self, key_id: str) -> str:
        """The revocation list of one generation of the authority."""
        return self._join(CRL_PATH.format(key_id=key_id))

    def ca_certificate(self, key_id: str) -> str:
        """The certificate of one generation of the authority."""
        return self._join(CA_PATH.format(key_id=key_id))

    def _join(self, path: str) -> str:
        return self.base_url.rstrip("/") + path
