"""Demo people, rotating the key, verifying the audit, exporting and forgetting."""

import json
import shutil
from pathlib import Path

from typer.testing import CliRunner

from bot.cli.counter import commands as counter
from bot.cli.demo_people import DEMO_PEOPLE
from services.formats.subscriber_code import SubscriberCode
from tests.services.authority.command_line import APPLY, PERSON, UI, Terminal, app


def test_the_demo_people_are_in_every_state(terminal: Terminal) -> None:
    people = terminal.asks("counter", "demo-data")
    assert [one["ui_number"] for one in people] == [one.ui_number for one in DEMO_PEOPLE]
    lines = terminal.asks("counter", "list")
    states = {(line["state"], line["certificate"]) for line in lines}
    assert states == {
        ("submitted", None), ("expired", None), ("paid", None), ("issued", "inactive"),
        ("posted", "inactive"), ("activated", "active"), ("activated", "suspended"),
        ("activated", "revoked"), ("activated", "expired"),
    }  # fmt: skip
    locked = [terminal.asks("counter", "show", one["ui_number"]) for one in people if one["story"]]
    assert sum(shown["code_is_locked"] for shown in locked) == 1
    assert terminal.asks("counter", "demo-data") == people
    assert terminal.asks("counter", "list") == lines
    assert terminal.asks("audit", "verify")["ok"]
    (someone,) = [one for one in people if one["name"].startswith("Somchai")]
    released = [
        terminal.asks("counter", "release-code", someone["ui_number"])["changed"] for _ in "12"
    ]
    assert released == [True, False]


def test_the_demo_codes_are_codes() -> None:
    assert all(SubscriberCode.parse(one.code).reveal() == one.code for one in DEMO_PEOPLE)


def test_a_key_is_rotated_and_the_old_one_removed_when_the_bot_is_stopped(
    terminal: Terminal,
) -> None:
    terminal.asks(*APPLY)
    assert terminal.asks("db", "rotate-key") == {"current": "k2", "resealed": 6, "dropped": []}
    assert terminal.asks("db", "rotate-key", "--drop-old") == {
        "current": "k3", "resealed": 6, "dropped": ["k1", "k2"],
    }  # fmt: skip
    assert terminal.asks("counter", "show", UI)["name"] == PERSON["--name"]


def test_a_lost_key_is_said_to_be_lost(terminal: Terminal) -> None:
    terminal.asks(*APPLY)
    path = terminal.settings.key_file
    content = json.loads(path.read_text())
    content["keys"] = {"k9": "00" * 32}
    content["current"] = "k9"
    path.write_text(json.dumps(content))
    done = terminal.types("counter", "show", UI)
    assert done.exit_code == 1
    assert "it lacks key k1" in done.stderr
    path.unlink()
    assert terminal.asks("counter", "show", UI)["error"] == "wrong_key_file"


def test_the_audit_is_verified_and_accepted_after_a_restore(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.asks(*APPLY)
    for name in ("kaika.db", "kaika.db-wal"):
        if (tmp_path / name).exists():
            shutil.copy(tmp_path / name, tmp_path / f"backup-{name}")
    terminal.asks("counter", "pay", UI, "charge-1")
    for name in ("kaika.db", "kaika.db-wal", "kaika.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
        if (tmp_path / f"backup-{name}").exists():
            shutil.copy(tmp_path / f"backup-{name}", tmp_path / name)
    cut_off = terminal.types("audit", "verify")
    assert cut_off.exit_code == 1
    assert "cut off" in cut_off.stdout
    assert terminal.asks("audit", "accept", "--reason", "restored the backup of tonight")
    assert terminal.asks("audit", "verify")["ok"]


def test_a_person_is_exported_and_forgotten(terminal: Terminal) -> None:
    code = terminal.asks(*APPLY)["code"]
    held = terminal.asks("person", "export", UI)
    assert held["person"]["name"] == PERSON["--name"]
    assert code not in json.dumps(held)
    assert terminal.asks("person", "forget", UI, "--yes")["changed"]
    assert terminal.asks("person", "export", UI)["error"] == "unknown_person"
    asked = CliRunner().invoke(app, ["person", "forget", UI], input="n\n")
    assert asked.exit_code == 1


def test_every_command_has_json(terminal: Terminal) -> None:
    commands = counter.app.registered_commands
    names = [command.name or getattr(command.callback, "__name__", "") for command in commands]
    assert len(names) == 16
    for name in names:
        assert "--json" in terminal.types("counter", name, "--help").stdout, name
