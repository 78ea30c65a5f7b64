"""A whole authority that publishes: people, their certificates, and the lists of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from sqlalchemy import select

from services.authority.ca.certificate_service import CertificateService, open_certificate_service
from services.authority.embedded.audit import SYSTEM
from services.authority.embedded.certificates.certificates import list_certificates
from services.authority.embedded.certificates.reinstatement import (
    Reinstatement,
    reinstate_published,
)
from services.authority.embedded.models import Application, Certificate
from services.authority.interface.certificates import IssuedCertificate
from services.storage.database import Database
from tests.services.authority.authority_harness import Applicant, AuthorityHarness
from tests.services.authority.ca.ca_harness import PASSPHRASE, PUBLICATION, QUICK, REGISTER

SECOND = timedelta(seconds=1)


@dataclass
class Registry:
    """An authority with its certificate authority, as the bot puts them together.

    :ivar folder: of the files beside the database.
    """

    url: str
    folder: Path
    now: datetime
    world: AuthorityHarness = field(init=False)
    service: CertificateService = field(init=False)

    async def start(self) -> Reinstatement | None:
        """Start the authority as the bot does."""
        database = Database(self.url)
        key = self.folder / "ca.json"
        self.service = await open_certificate_service(
            database, REGISTER, key, PASSPHRASE, PUBLICATION, self.now, QUICK
        )
        await database.close()
        issuer = self.service.issuer
        self.world = AuthorityHarness(self.url, self.folder, signs_with=issuer)
        self.service = await open_certificate_service(
            self.world.database, REGISTER, key, PASSPHRASE, PUBLICATION, self.now, QUICK
        )
        await self.world.authority.start(self.now)
        certificates, published = self.world.authority.certificates, self.service.published
        return await reinstate_published(
            self.world.database, certificates, published, SYSTEM, self.now
        )

    async def holder(self, seed: int) -> Applicant:
        """Return somebody whose card is active."""
        self.world.maker.orders.clear()
        someone = self.world.person(seed)
        acts = (
            someone.applies, someone.pays, someone.is_issued, someone.is_posted, someone.activates,
        )  # fmt: skip
        for act in acts:
            await act(self.now)
        return someone

    async def publish(self) -> x509.CertificateRevocationList:
        """Return the list that somebody who asks gets."""
        self.now += SECOND
        return x509.load_der_x509_crl((await self.service.crl.get_current(self.now)).der)

    async def serials(self, someone: Applicant) -> list[int]:
        application = await self.application(someone)
        query = select(Certificate.serial).where(Certificate.application_id == application)
        async with self.world.database.unit_of_work() as session:
            return [int(serial, 16) for serial in await session.scalars(query)]

    async def certificates(self, someone: Applicant) -> Sequence[IssuedCertificate]:
        application = await self.application(someone)
        async with self.world.database.unit_of_work() as session:
            return await list_certificates(session, self.world.keys, application)

    async def application(self, someone: Applicant) -> str:
        async with self.world.database.unit_of_work() as session:
            person = await self.world.authority.records.require(session, someone.ui_number)
            query = select(Application.id).where(Application.subscriber_id == person.id)
            found: str = (await session.scalars(query)).one()
            return found

    async def state(self, someone: Applicant) -> str | None:
        shown = await self.world.counter.show(someone.ui_number, self.now)
        return shown.timeline.certificate


def reasons(crl: x509.CertificateRevocationList, serials: list[int]) -> set[object]:
    """Return why certificates are listed; `None` for one that is not."""
    found = [crl.get_revoked_certificate_by_serial_number(serial) for serial in serials]
    return {
        entry.extensions.get_extension_for_class(x509.CRLReason).value.reason if entry else None
        for entry in found
    }
