"""Output of certificates: as JSON, as files, and with the commands to check them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from ssl import DER_cert_to_PEM_cert as pem_of
from typing import Any

from bot.cli.authority_session import AuthoritySession
from services.authority.ca.models import ROW_ID, CertificateAuthority
from services.authority.ca.publication import PublicationUrls
from services.authority.embedded.certificates.issuing import IssuedCard
from services.authority.errors import NoIssuerError
from services.authority.interface.certificates import IssuedCertificate

_CA_FILE = "ca.pem"


@dataclass(frozen=True)
class CaPublication:
    """The authority's own certificate, and the addresses it publishes at."""

    pem: str
    ocsp: str
    crl: str


async def find_ca_publication(session: AuthoritySession) -> CaPublication:
    """Return what is needed to check certificates.

    :raises NoIssuerError: where no certificate authority was ever set up.
    """
    async with session.authority.database.unit_of_work() as db:
        row = await db.get(CertificateAuthority, ROW_ID)
    if row is None or session.settings.public_url is None:
        raise NoIssuerError
    place = PublicationUrls(session.settings.public_url)
    return CaPublication(pem_of(row.certificate), place.ocsp, place.crl(row.key_id))


@dataclass(frozen=True)
class CertificatesView:
    """A person's certificates, to be printed or written to files.

    :ivar folder: where they are written to.
    """

    certificates: Sequence[IssuedCertificate]
    authority: CaPublication
    folder: Path | None

    def write(self) -> None:
        """Write every certificate, and the authority's own beside them.

        :raises OSError: where that cannot be.
        """
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for one in self.certificates:
            (self.folder / f"{one.kind}.pem").write_text(pem_of(one.der))
        (self.folder / _CA_FILE).write_text(self.authority.pem)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "certificates": certificates_to_json(self.certificates),
            "authority": self.authority.pem,
            "ocsp": self.authority.ocsp,
            "crl": self.authority.crl,
            "folder": str(self.folder) if self.folder else None,
        }

    def format_lines(self) -> list[str]:
        """Return everything as lines of text; where nothing is written to files, the PEM."""
        if not self.certificates:
            return ["There are no certificates on record."]
        if self.folder is None:
            return [pem_of(one.der).strip() for one in self.certificates]
        ca = quote(str(self.folder / _CA_FILE))
        one = quote(str(self.folder / f"{self.certificates[0].kind}.pem"))
        crl = quote(str(self.folder / "list.crl"))
        return [
            f"In {self.folder}: {', '.join(f'{one.kind}.pem' for one in self.certificates)}, "
            f"{_CA_FILE}.",
            "Ask for the status of one (-CAfile checks the answer's signature):",
            f"  openssl ocsp -issuer {ca} -CAfile {ca} -url {self.authority.ocsp} -cert {one}",
            "Check it against the revocation list:",
            f"  curl -sS -o {crl} {self.authority.crl}",
            f"  openssl verify -crl_check -CAfile {ca} -CRLfile {crl} {one}",
        ]


def certificates_to_json(certificates: Sequence[IssuedCertificate]) -> list[dict[str, str]]:
    """Return certificates as JSON values."""
    return [
        {"kind": one.kind, "serial": f"{one.serial:x}", "pem": pem_of(one.der)}
        for one in certificates
    ]


def issued_card_to_json(
    issued: IssuedCard, path: Path, certificates: Sequence[IssuedCertificate]
) -> dict[str, Any]:
    """Return an issued card as JSON values.

    :param path: where its file is, unless it was moved since.
    """
    return {
        "changed": issued.changed,
        "application": issued.application,
        "card_serial": issued.card_serial,
        "card_number": issued.card_number.reveal() if issued.card_number else None,
        "card_file": str(path) if path.exists() else None,
        "certificates": certificates_to_json(certificates),
    }


def format_issued_card(values: Mapping[str, Any]) -> list[str]:
    """Return an issued card as lines of text."""
    done = "Issued" if values["changed"] else "Was issued before"
    place = values["card_file"] or "its file is elsewhere"
    return [f"{done}; IC card number {values['card_number']}, {place}."]
