"""A person's card over its whole life, looked at from outside after every act."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from shutil import copy
from urllib.parse import urlsplit

import aiohttp
import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from services.authority.interface.certificates import CertificateKind
from tests.services.authority.authority_harness import Applicant
from tests.services.authority.authority_harness import AuthorityHarness as Authority
from tests.services.authority.ca.ca_harness import CaHarness, serve_certificates
from tests.services.authority.conftest import MakeUrl

HOLD = "revoked (certificateHold)"


class Outside:
    """Who has the certificates of a card, the authority's own, and OpenSSL."""

    def __init__(self, world: CaHarness, certificates: list[x509.Certificate], url: str) -> None:
        self._world = world
        self._certificates = certificates
        self._url = url

    async def sees(self) -> set[tuple[str, str]]:
        """Return what ``openssl ocsp`` and ``openssl verify`` say for all certificates."""
        said = await self._world.openssl.ocsp(self._certificates, f"{self._url}/ocsp")
        assert "Response verify OK" in said
        crl = await self._fetch_crl()
        return {
            (_ocsp_status(said, number), await self._verified(certificate, crl))
            for number, certificate in enumerate(self._certificates)
        }

    async def _verified(
        self, certificate: x509.Certificate, crl: x509.CertificateRevocationList
    ) -> str:
        said = await self._world.openssl.verify(certificate, crl)
        return "OK" if "leaf.pem: OK" in said else said.partition("lookup: ")[2].split("\n")[0]

    async def _fetch_crl(self) -> x509.CertificateRevocationList:
        points = self._certificates[0].extensions.get_extension_for_class(
            x509.CRLDistributionPoints
        )
        (name,) = list(points.value[0].full_name or [])
        address = self._url + urlsplit(str(name.value)).path
        async with aiohttp.ClientSession() as session, session.get(address) as answer:
            return x509.load_der_x509_crl(await answer.read())


def _ocsp_status(said: str, number: int) -> str:
    """Return the status of one certificate, with the reason."""
    _, _, rest = said.partition(f"leaf{number}.pem: ")
    lines = rest.splitlines()
    reason = next((line.split(": ")[1] for line in lines[:4] if "Reason: " in line), "")
    return f"{lines[0]} ({reason})" if reason else lines[0]


@pytest.fixture
async def authority(make_url: MakeUrl, folder: Path) -> AsyncIterator[Authority]:
    authority = Authority(await make_url(folder), folder)
    await authority.authority.start(datetime.now(UTC))
    yield authority
    await authority.close()


@pytest.fixture
async def signing(authority: Authority, ca_file: Path, folder: Path) -> CaHarness:
    """The certificate authority, with the other half of the authority put onto it."""
    copy(ca_file, folder / "ca.json")
    world = await CaHarness.open(authority.database, folder, datetime.now(UTC))
    authority.signs_with = world.service.issuer
    authority.open(authority.database)
    return world


def _certificates(authority: Authority) -> list[x509.Certificate]:
    documents = authority.maker.orders[-1].certificates
    return [x509.load_der_x509_certificate(documents[kind]) for kind in CertificateKind]


async def _gets_a_card(someone: Applicant) -> None:
    now = datetime.now(UTC)
    await someone.applies(now)
    await someone.pays(now)
    assert (await someone.is_issued(now)).changed


async def test_openssl_agrees_with_the_records_after_every_act_and_its_repetition(
    authority: Authority, signing: CaHarness
) -> None:
    someone = authority.person()
    await _gets_a_card(someone)
    held, good = (HOLD, "certificate revoked"), ("good", "OK")
    acts = (
        (someone.is_issued, held),
        (someone.is_posted, held),
        (someone.activates, good),
        (someone.suspends, held),
        (someone.resumes, good),
        (someone.suspends, held),
        (someone.is_revoked, ("revoked (keyCompromise)", "certificate revoked")),
    )
    async with serve_certificates(signing.service) as url:
        outside = Outside(signing, _certificates(authority), url)
        assert await outside.sees() == {held}
        for act, seen in acts:
            for _ in range(2):
                await act(datetime.now(UTC))
                assert await outside.sees() == {seen}, act.__name__


async def test_the_certificates_name_the_person_and_where_to_ask(
    authority: Authority, signing: CaHarness
) -> None:
    someone = authority.person()
    await _gets_a_card(someone)
    for certificate in _certificates(authority):
        text = await signing.openssl.text(certificate)
        assert f"CN={someone.data.name}" in text
        assert f"email:{someone.data.mail_address}" in text
        assert someone.ui_number.reveal() not in text
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
        methods = {one.access_method for one in access.value}
        assert methods == {
            AuthorityInformationAccessOID.OCSP,
            AuthorityInformationAccessOID.CA_ISSUERS,
        }
