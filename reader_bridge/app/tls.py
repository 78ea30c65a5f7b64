"""The TLS context: trusts the system's authorities, or those of one file."""

import ssl
from pathlib import Path

MAX_FILE_BYTES = 1_000_000
MACOS_AUTHORITIES = Path("/etc/ssl/cert.pem")
"""Where macOS keeps them for programs that bring their own OpenSSL."""


class AuthorityFileError(Exception):
    """The file given with `--ca` cannot be read, or holds no certificate.

    :ivar name: of the file.
    :ivar readable: whether it could be read at all.
    """

    def __init__(self, name: str, *, readable: bool) -> None:
        super().__init__(name)
        self.name, self.readable = name, readable


def create_tls_context(ca: Path | None) -> ssl.SSLContext:
    """Return a TLS context; with a file, only its authorities are trusted.

    :raises AuthorityFileError: the file is of no use.
    """
    if ca is None:
        trusted = ssl.create_default_context()
        if not trusted.cert_store_stats()["x509_ca"] and MACOS_AUTHORITIES.is_file():
            trusted.load_verify_locations(MACOS_AUTHORITIES)
        return trusted
    try:
        with ca.open("rb") as file:
            content = file.read(MAX_FILE_BYTES).decode("ascii")
    except UnicodeDecodeError as error:
        raise AuthorityFileError(ca.name, readable=True) from error
    except OSError as error:
        raise AuthorityFileError(ca.name, readable=False) from error
    try:
        if "BEGIN CERTIFICATE" not in content:
            raise ValueError("PEM")  # with nothing given, Python would believe the system's
        return ssl.create_default_context(cadata=content)
    except (ssl.SSLError, ValueError) as error:
        raise AuthorityFileError(ca.name, readable=True) from error
