"""What follows once a backup is in place: upgrade, the audit, and what was published since."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import inspect

from bot.settings import Settings
from bot.wiring.embedded import open_certificates
from services.authority.ca.models import ROW_ID, CertificateAuthority
from services.authority.embedded.audit import Actor, Audit, AuditHead, AuditHeadFile
from services.authority.embedded.authority import AuthorityFiles, EmbeddedAuthority
from services.authority.embedded.certificates.reinstatement import (
    Reinstatement,
    reinstate_published,
)
from services.backup.progress import BackupStep, OnProgress
from services.backup.restoration import RestorePlan
from services.storage.database import Database
from services.storage.key_fingerprints import open_database
from services.storage.keys import SecretPurpose, load
from services.storage.models import OwnershipRow
from services.storage.ownership import create_ownership, own_briefly
from services.storage.upgrade import upgrade


@dataclass(frozen=True)
class CompletedRestore:
    """What was done after a backup was put in place.

    :ivar head: where the audit had ended before; `None` where that is not known.
    :ivar entries: where it ends in the backup; `None` where there is no audit.
    :ivar reinstated: what was put back that had been published since.
    :ivar has_skipped_numbers: no published list was kept, so that the next list has a number far
        above that in the backup.
    :ivar lacks_settings: the settings set no certificate authority up; the bot puts back what was
        published when it starts.
    """

    head: AuditHead | None = None
    entries: int | None = None
    reinstated: Reinstatement | None = None
    has_skipped_numbers: bool = False
    lacks_settings: bool = False


@asynccontextmanager
async def hold_database(database: Database) -> AsyncIterator[str | None]:
    """Keep every bot away while the block runs; yields who works on it, where somebody does."""
    if not database.is_sqlite and not await _has_ownership(database):
        yield None  # an empty database, which no bot of this version works on
        return
    async with own_briefly(database) as is_owner:
        yield None if is_owner else await create_ownership(database).describe_owner()


async def _has_ownership(database: Database) -> bool:
    async with database.engine.connect() as connection:
        return await connection.run_sync(
            lambda sync: inspect(sync).has_table(OwnershipRow.__tablename__)
        )


async def complete_restore(
    settings: Settings,
    database: Database,
    plan: RestorePlan,
    actor: Actor,
    now: datetime,
    on_progress: OnProgress,
) -> CompletedRestore:
    """Upgrade a restored database, accept its audit, and bring it up to what was published.

    Interrupted, the bot does the rest when it starts, except accepting the audit.
    """
    on_progress(BackupStep.FINISH, 0, None)
    await upgrade(database)
    keys = load(settings.key_file)
    await open_database(database, keys)
    files = AuthorityFiles.in_folder(settings.data_dir)
    audit_file = AuditHeadFile(files.audit_head, keys.secret(SecretPurpose.AUDIT))
    audit, head = Audit(keys, audit_file), audit_file.read()
    if head is None and not plan.has_audit:
        return CompletedRestore()
    async with database.unit_of_work() as session:
        await audit.initialize(session)
        reason = f"restored the backup of {plan.made_at:%Y-%m-%d %H:%M} UTC"
        accepted = await audit.accept(session, reason, actor.name, now)
        has_authority = await session.get(CertificateAuthority, ROW_ID) is not None
    if not has_authority:
        return CompletedRestore(head, accepted.number)
    service = await open_certificates(settings, database, now)
    if service is None:
        return CompletedRestore(head, accepted.number, lacks_settings=True)
    published = service.published
    if plan.last_list is not None:
        published.keep(plan.last_list)
    is_kept = published.read() is not None
    authority = EmbeddedAuthority(database, keys, files)
    try:
        done = await reinstate_published(database, authority.certificates, published, actor, now)
    finally:
        authority.close()
    on_progress(BackupStep.FINISH, 1, 1)
    return CompletedRestore(head, accepted.number, done, not is_kept)
