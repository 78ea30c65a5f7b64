"""How the counter gives certificates: as values, as files, and with the commands to check them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from ssl import DER_cert_to_PEM_cert as pem_of
from typing import Any

from bot.cli.session import Desk
from services.authority.ca.models import ONLY, CertificateAuthority
from services.authority.ca.publication import Publication
from services.authority.embedded.certificates.issuing import Issued
from services.authority.errors import NoIssuerError
from services.authority.interface.certificates import IssuedCertificate

_CA_FILE = "ca.pem"


@dataclass(frozen=True)
class OfAuthority:
    """The authority's own certificate, and where the status of others is asked for."""

    pem: str
    ocsp: str
    crl: str


async def certificate_of_authority(desk: Desk) -> OfAuthority:
    """Give what those need who check certificates.

    :raises NoIssuerError: where no certificate authority was ever set up.
    """
    async with desk.authority.database.unit_of_work() as session:
        row = await session.get(CertificateAuthority, ONLY)
    if row is None or desk.settings.public_url is None:
        raise NoIssuerError
    place = Publication(desk.settings.public_url)
    return OfAuthority(pem_of(row.certificate), place.ocsp, place.crl(row.key_id))


@dataclass(frozen=True)
class CertificatesView:
    """A person's certificates, to be given out.

    :ivar folder: where they are written to.
    """

    certificates: Sequence[IssuedCertificate]
    authority: OfAuthority
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

    def values(self) -> dict[str, Any]:
        """Give everything for machines."""
        return {
            "certificates": certificates_as_values(self.certificates),
            "authority": self.authority.pem,
            "ocsp": self.authority.ocsp,
            "crl": self.authority.crl,
            "folder": str(self.folder) if self.folder else None,
        }

    def lines(self) -> list[str]:
        """Give everything for people; where nothing is written to files, as PEM."""
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


def certificates_as_values(certificates: Sequence[IssuedCertificate]) -> list[dict[str, str]]:
    """Give certificates for machines."""
    return [
        {"kind": one.kind, "serial": f"{one.serial:x}", "pem": pem_of(one.der)}
        for one in certificates
    ]


def issued_as_values(
    issued: Issued, path: Path, certificates: Sequence[IssuedCertificate]
) -> dict[str, Any]:
    """Give a card that was issued for machines.

    :param path: where its file is, unless it was moved since.
    """
    return {
        "changed": issued.changed,
        "application": issued.application,
        "card_serial": issued.card_serial,
        "card_number": issued.card_number.reveal() if issued.card_number else None,
        "card_file": str(path) if path.exists() else None,
        "certificates": certificates_as_values(certificates),
    }


def issued_as_lines(values: Mapping[str, Any]) -> list[str]:
    """Give a card that was issued for people."""
    done = "Issued" if values["changed"] else "Was issued before"
    place = values["card_file"] or "its file is elsewhere"
    return [f"{done}; IC card number {values['card_number']}, {place}."]
