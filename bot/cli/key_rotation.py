"""`kaika db rotate-key`: a new key for what is encrypted at rest."""

from dataclasses import dataclass
from typing import Annotated

import typer

from bot.cli.authority_session import AuthoritySession
from bot.cli.command_output import AsJson, CommandOutput, run_with_authority
from services.authority.embedded.audit import AuditAct
from services.authority.embedded.personal_data.sealed_columns import AUTHORITY_SEALED_COLUMNS
from services.bridge.models import SEALED_COLUMNS as BRIDGE_COLUMNS
from services.desk.models import DESK_SEALED_COLUMNS
from services.messaging import inbox
from services.storage import keys
from services.storage.key_fingerprints import register_keys, unregister_keys
from services.storage.models import InboxUpdate
from services.storage.ownership import own_briefly
from services.storage.rotation import SealedColumn, find_keys_in_use, reseal

COLUMNS = (
    *AUTHORITY_SEALED_COLUMNS,
    *BRIDGE_COLUMNS,
    *DESK_SEALED_COLUMNS,
    SealedColumn(
        InboxUpdate,
        InboxUpdate.update_id,
        "payload",
        lambda update: inbox.seal_context(int(update)),
    ),
)
"""Every column of the database that holds sealed values."""


class BotIsRunningError(Exception):
    """A bot works on the database, and may still seal with the old key."""


@dataclass(frozen=True)
class RotationResult:
    """What a rotation did."""

    current: str
    resealed: int
    dropped: list[str]


def rotate_key(
    context: typer.Context,
    drop_old: Annotated[
        bool,
        typer.Option(
            "--drop-old", help="Also remove the old keys. Backups from before cannot be read then."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a new key and encrypt everything anew with it; cut off, run it again."""
    out = CommandOutput(as_json=as_json)
    try:
        done = run_with_authority(context, out, lambda session: _rotate(session, drop_old=drop_old))
    except BotIsRunningError:
        told = "Stop the bot before removing old keys: it may still be using them."
        raise out.print_refusal("bot_is_running", told) from None
    dropped = f" Removed: {', '.join(done.dropped)}." if done.dropped else ""
    told = f"Key {done.current} is current; {done.resealed} values were encrypted anew.{dropped}"
    out.print_result(vars(done), told)


async def _rotate(session: AuthoritySession, *, drop_old: bool) -> RotationResult:
    if not drop_old:
        return await _make_key(session, drop_old=False)
    async with own_briefly(session.authority.database) as is_owner:
        if not is_owner:
            raise BotIsRunningError
        return await _make_key(session, drop_old=True)


async def _make_key(session: AuthoritySession, *, drop_old: bool) -> RotationResult:
    """Rotate in steps that each leave a key file with every key that the database was made with."""
    database, path = session.authority.database, session.settings.key_file
    ring = keys.add_key(path)
    async with database.unit_of_work() as db:
        await register_keys(db, ring)
    resealed = await reseal(database, ring, COLUMNS)
    dropped: frozenset[str] = frozenset()
    if drop_old:
        dropped = ring.ids - await find_keys_in_use(database, COLUMNS) - {ring.current}
    async with database.unit_of_work() as db:
        await unregister_keys(db, dropped)
        details = {"current": ring.current, "dropped": " ".join(sorted(dropped))}
        record = session.authority.audit.record
        record(db, AuditAct.KEY_ROTATED, "keys", session.actor.name, session.now, details)
    if dropped:
        keys.drop_keys(path, dropped)
    return RotationResult(ring.current, resealed, sorted(dropped))
