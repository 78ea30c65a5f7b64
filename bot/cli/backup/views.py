"""What the commands of backups say, in words and as JSON."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.cli.backup.completion import CompletedRestore
from services.authority.embedded.audit import AuditVerification
from services.authority.embedded.certificates.reinstatement import Reinstatement
from services.authority.lifecycle import CertificateState
from services.backup.archive import BackupKind
from services.backup.creation import CreatedBackup
from services.backup.restoration import RestorePlan
from services.backup.verification import BackupVerification

Created = tuple[CreatedBackup, BackupVerification]
Description = tuple[Any, ...]
"""The JSON of a result, and its lines of text."""
_NAMES = {BackupKind.DATABASE: "Database", BackupKind.KEYS: "Keys"}
_REVIEW = (
    "Look through what the payment provider took since, what was applied for, issued, activated "
    "and resumed, and enter it again."
)


def describe_created(created: Sequence[Created]) -> Description:
    """Describe backups that were made."""
    lines = []
    for made, verified in created:
        mark = "✓" if verified.is_in_order else "✗"
        lines.append(f"{mark} {_NAMES[made.manifest.kind]}: {made.path} ({_size(made.size)})")
        lines += _details(verified)
    return {each.manifest.kind: _verified_json(verified) for each, verified in created}, *lines


def describe_verified(found: Sequence[BackupVerification]) -> Description:
    """Describe what was found in backups."""
    lines = []
    for each in found:
        mark = "✓" if each.is_in_order else "✗"
        made = f"{_NAMES[each.manifest.kind]} of {_minute(each.manifest.made_at)}"
        lines.append(f"{mark} {made}, {_size(each.size)}: the checksums are right.")
        lines += _details(each)
    return {each.manifest.kind: _verified_json(each) for each in found}, *lines


def _details(found: BackupVerification) -> list[str]:
    manifest = found.manifest
    if manifest.kind is BackupKind.KEYS:
        return []
    rows = sum(manifest.rows.values())
    lines = [f"  {manifest.engine}, revision {manifest.revision}, {rows} rows"]
    if found.missing_keys is None:
        lines.append("  No key file is here to compare: give the backup of the keys as well.")
    elif found.missing_keys:
        lines.append(f"  The key file does not open it: it lacks {', '.join(found.missing_keys)}.")
    if found.audit is not None:
        lines.append(f"  {_audit(found.audit)}")
    return lines


def _audit(found: AuditVerification) -> str:
    if found.fault is None:
        return f"Audit: {found.entries} entries, all in order."
    return f"Audit: entry {found.number} is {found.fault}; the {found.entries} before are in order."


def _verified_json(found: BackupVerification) -> dict[str, Any]:
    manifest = found.manifest
    values: dict[str, Any] = {
        "ok": found.is_in_order,
        "path": str(found.path),
        "size": found.size,
        "made_at": manifest.made_at,
        "version": manifest.version,
    }
    if manifest.kind is BackupKind.DATABASE:
        values |= {
            "engine": manifest.engine,
            "revision": manifest.revision,
            "rows": dict(manifest.rows),
            "list_number": manifest.list_number,
            "missing_keys": found.missing_keys,
            "audit": None if found.audit is None else vars(found.audit),
        }
    return values


def describe_plan(plan: RestorePlan) -> str:
    """Return what a restore would do, as a question."""
    lines = []
    if plan.manifest is not None:
        lines.append(f"The database of {_minute(plan.made_at)} is put in place.")
    if plan.audit is not None and plan.audit.fault is not None:
        lines.append(f"{_audit(plan.audit)} Somebody may have changed it.")
    if plan.replaces_database:
        lines.append(f"The one that is there is moved to {plan.aside_schema or plan.aside_folder}.")
    keys = [f"{plan.target.key_files[name]} is put in place." for name in plan.new_keys]
    return " ".join([*lines, *keys, "Restore?"])


def describe_restored(plan: RestorePlan, completed: CompletedRestore, now: datetime) -> Description:
    """Describe a restore that was carried out."""
    until = completed.head.at if completed.head else None
    values = {
        "database": None if plan.manifest is None else plan.manifest.made_at,
        "keys": [str(plan.target.key_files[name]) for name in plan.new_keys],
        "aside": _aside(plan),
        "look_through": None
        if plan.manifest is None
        else {"from": plan.made_at, "until": until or now, "audit_entries": _lost(completed)},
        "published": _reinstated_json(completed.reinstated),
        "skipped_numbers": completed.has_skipped_numbers,
    }
    lines = [f"✓ {plan.target.key_files[name]} is in place." for name in plan.new_keys]
    if plan.manifest is not None:
        lines.append(f"✓ The database of {_minute(plan.made_at)} is in place.")
    if _aside(plan):
        lines.append(f"  What was there is in {_aside(plan)}.")
    lines += _published_lines(completed)
    if plan.manifest is not None:
        lines += _missing_lines(plan, completed, until or now)
    return values, *lines


def _aside(plan: RestorePlan) -> str | None:
    places = []
    if plan.replaces_database and plan.aside_schema:
        places.append(f"the schema {plan.aside_schema}")
    if plan.aside_folder.exists():
        places.append(str(plan.aside_folder))
    return " and ".join(places) or None


def _missing_lines(plan: RestorePlan, completed: CompletedRestore, until: datetime) -> list[str]:
    lost = _lost(completed)
    entries = "" if lost is None else f", {lost} entries of the audit"
    end = "now" if completed.head is None else _minute(until)
    span = f"What happened from {_minute(plan.made_at)} to {end}{entries} is not in it."
    if lost == 0:
        return ["  Nothing was recorded in the audit since."]
    return [f"! {span}", f"  {_REVIEW}"] if plan.has_audit else [f"! {span}"]


def _lost(completed: CompletedRestore) -> int | None:
    if completed.head is None or completed.entries is None:
        return None
    return max(0, completed.head.number - completed.entries)


def _published_lines(completed: CompletedRestore) -> list[str]:
    lines = []
    if completed.lacks_settings:
        lines.append(
            "! KAIKA_CA_PASSPHRASE or KAIKA_PUBLIC_URL is missing: the bot puts published holds "
            "back when it starts with them."
        )
    if completed.has_skipped_numbers:
        lines.append(
            "! No published revocation list was kept here, so holds since the backup are not "
            "known. The next list's number is far above. If you find the last list, restore "
            "again with --last-list."
        )
    done = completed.reinstated
    if done is None:
        return lines
    return [
        *lines,
        f"  Revocation lists go on after number {done.number}.",
        *_reinstatement_lines(done),
    ]


def _reinstatement_lines(done: Reinstatement) -> Iterator[str]:
    for each in done.reinstated:
        what = "Revoked" if each.state is CertificateState.REVOKED else "Suspended"
        yield f"  {what} again, since {_minute(each.since)}: application {each.application}"
    for record in done.unrecorded:
        yield f"  On no record, published further as {record.state}: {record.serial:X}"
    for application in done.still_on_hold:
        yield (
            f"! On hold in the backup and not in the last list: application {application}. It "
            "stays on hold until it is activated or resumed again."
        )


def _reinstated_json(done: Reinstatement | None) -> dict[str, Any] | None:
    if done is None:
        return None
    return {
        "number": done.number,
        "published_at": done.published_at,
        "reinstated": [vars(each) for each in done.reinstated],
        "unrecorded": [
            {"serial": f"{each.serial:x}", "state": each.state, "since": each.since}
            for each in done.unrecorded
        ],
        "still_on_hold": list(done.still_on_hold),
    }


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _size(count: int) -> str:
    if count < 1_000_000:
        return f"{max(1, round(count / 1000))} kB"
    return f"{count / 1_000_000:.1f} MB"
