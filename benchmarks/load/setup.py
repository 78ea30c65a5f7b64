"""The records of the people who type codes, and the environment of the bot."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.argon2_cost import Argon2Cost
from services.authority.ca.ca_key_file import CaParameters
from services.authority.ca.certificate_service import open_certificate_service
from services.authority.ca.publication import PublicationUrls
from services.authority.embedded.certificates.register import EmbeddedCertificateRegister
from services.formats.hidden import Hidden
from services.storage.upgrade import upgrade
from tests.bot.kaika_program import PASSPHRASE, kaika_environment
from tests.services.authority.authority_harness import AuthorityHarness

PEOPLE_WITH_RECORDS = 120
"""Each types a code about twice a minute; their codes are hashed at what it really costs."""
_NO_PORT = 9
"""Nobody serves mail there: nothing that is measured sends any."""


async def set_up_records(url: str, folder: Path, port: int) -> list[str]:
    """Set the authority up; return UI No. and code of each person, as one message."""
    world = AuthorityHarness(url, folder, cost=Argon2Cost())
    try:
        await upgrade(world.database)
        now = datetime.now(UTC) - timedelta(days=1)
        new = CaParameters(key_bits=2048, cost=Argon2Cost(memory=64, passes=1))
        service = await open_certificate_service(
            world.database,
            EmbeddedCertificateRegister(),
            folder / "ca.json",
            Hidden(PASSPHRASE),
            PublicationUrls(f"http://127.0.0.1:{port}"),
            now,
            new,
        )
        await world.authority.start(now)
        secrets = []
        for seed in random.Random(1).sample(range(1, 10**6), PEOPLE_WITH_RECORDS):
            someone = world.person(seed)
            await someone.applies(now)
            secrets.append(f"{someone.ui_number.reveal()} {someone.code.reveal()}")
        await service.crl.wait_for_refreshes()
    finally:
        await world.close()
    return secrets


def make_environment(url: str, folder: Path, api: str, port: int) -> dict[str, str]:
    """Return the settings of the bot under load."""
    found = kaika_environment(url, folder, f"{api}/bot", port, _NO_PORT)
    return {**found, "KAIKA_LOG_LEVEL": "warning", "KAIKA_TEXTS_PER_MINUTE": "30"}
