"""The commands of the counter, as staff type them."""

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.settings import SettingsError
from services.formats.subscriber_code import SubscriberCode
from tests.services.authority.command_line import APPLY, PERSON, UI, Terminal


def test_a_whole_life_at_the_counter_every_command_twice(terminal: Terminal) -> None:
    commands: list[tuple[str, ...]] = [
        APPLY,
        ("counter", "pay", UI, "charge-1"),
        ("counter", "issue", UI),
        ("counter", "post", UI),
        ("counter", "activate", UI),
        ("counter", "suspend", UI),
        ("counter", "resume", UI),
        ("counter", "revoke", UI, "--reason", "ui-number-changed"),
    ]
    for command in commands:
        assert [terminal.asks(*command)["changed"] for _ in range(2)] == [True, False], command
    shown = terminal.asks("counter", "show", UI)
    assert (shown["state"], shown["certificates"]) == ("activated", "revoked")
    assert shown["revocation_reason"] == "ui-number-changed"
    assert terminal.asks("audit", "verify") == {
        "ok": True, "entries": 8, "fault": None, "number": None,
    }  # fmt: skip
    assert len(list(Path(terminal.settings.data_dir / "cards").glob("*.card"))) == 1


def test_applying_prints_the_form_with_the_code_in_both_languages(
    terminal: Terminal, tmp_path: Path
) -> None:
    page = tmp_path / "form.html"
    printed = terminal.types(*APPLY, "--html", str(page))
    assert printed.exit_code == 0
    html = page.read_text()
    for text in (printed.stdout, html):
        for words in ("外來人口自然人憑證申請書", "Application for an alien citizen", UI):
            assert words in text
        for words in ("民國79年5月17日", "1990-05-17", "NT$278", "新臺幣 278 元", "2026-03-17"):
            assert words in text
    code = printed.stdout.split("Subscriber code: ")[1].split()[0]
    assert SubscriberCode.parse(code).reveal() == code
    assert code in html
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert "<script" not in html


def test_a_name_cannot_smuggle_markup_into_the_page(terminal: Terminal) -> None:
    words = [word if word != PERSON["--name"] else "<b>An & Co" for word in APPLY]
    assert "&lt;b&gt;An &amp; Co" in terminal.asks(*words)["form_html"]


def test_applying_again_shows_no_code(terminal: Terminal) -> None:
    first, second = terminal.asks(*APPLY), terminal.asks(*APPLY)
    assert first["code"] is not None
    assert second["code"] is None
    assert second["application"] == first["application"]
    assert first["code"] not in json.dumps(second)


@pytest.mark.parametrize(
    ("commands", "advice", "wrong"),
    [
        ((), "retrieved by the person, online", "nobody can give"),
        (("pay", "issue", "post"), "retrieved by the person, online", "nobody can give"),
        (
            ("pay", "issue", "post", "activate"),
            "nobody can give a forgotten code back",
            "retrieved by the person",
        ),
        (
            ("pay", "issue", "post", "activate", "suspend"),
            "nobody can give a forgotten code back",
            "retrieved by the person",
        ),
    ],
)
def test_the_advice_on_a_forgotten_code_fits_the_card(
    terminal: Terminal, commands: tuple[str, ...], advice: str, wrong: str
) -> None:
    terminal.asks(*APPLY)
    for command in commands:
        terminal.asks("counter", command, UI, *(["charge-1"] if command == "pay" else []))
    told = terminal.types(*APPLY).stdout
    assert advice in told
    assert wrong not in told


@pytest.mark.parametrize(
    ("option", "value", "reason", "told"),
    [
        ("--ui-number", "A800000013", "checksum", "check digit"),
        ("--ui-number", "12345", "length", "wrong length"),
        ("--birth-date", "116/1/1", "future", "future"),
        ("--birth-date", "03/04/1990", "ambiguous", "two days"),
        ("--birth-date", "60/2/30", "no_such_day", "no day"),
        ("--email", "an@localhost", "shape", "name@example.com"),
        ("--address", "here", "length", "8 to 200"),
        ("--name", "12345", "characters", "without digits"),
    ],
)
def test_bad_input_is_refused_with_the_reason(
    terminal: Terminal, option: str, value: str, reason: str, told: str
) -> None:
    words = list(APPLY)
    words[words.index(option) + 1] = value
    as_json = terminal.types(*words, "--json")
    assert as_json.exit_code == 2
    refused = json.loads(as_json.stdout)
    assert (refused["error"], refused["reason"]) == ("format", reason)
    assert told in refused["message"]
    as_text = terminal.types(*words)
    assert as_text.exit_code == 2
    assert told in as_text.stderr
    assert terminal.asks("counter", "list") == []


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (("counter", "show", UI), "unknown_person"),
        (("counter", "post", UI), "unknown_person"),
        (("counter", "refund", "nothing"), "unknown_charge"),
        (("person", "export", UI), "unknown_person"),
        (("person", "forget", UI, "--yes"), "unknown_person"),
    ],
)
def test_what_is_not_known_is_said_so(
    terminal: Terminal, command: tuple[str, ...], error: str
) -> None:
    done = terminal.types(*command, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"] == error


def test_acts_out_of_turn_are_refused(terminal: Terminal) -> None:
    terminal.asks(*APPLY)
    for act in ("post", "activate", "suspend", "resume", "issue"):
        refused = terminal.asks("counter", act, UI)
        assert (act, refused["error"]) == (act, "wrong_state")
    refused = terminal.types("counter", "suspend", UI)
    assert refused.exit_code == 1
    assert "submitted" in refused.stderr


def test_who_is_under_age_cannot_apply(terminal: Terminal) -> None:
    words = list(APPLY)
    words[words.index("--birth-date") + 1] = "2010-01-01"
    assert terminal.asks(*words)["error"] == "underage"


def test_another_birth_date_under_the_same_number_is_refused(terminal: Terminal) -> None:
    terminal.asks(*APPLY)
    words = list(APPLY)
    words[words.index("--birth-date") + 1] = "1991-01-01"
    assert terminal.asks(*words)["error"] == "already_applied"


def test_overdue_applications_expire_and_are_listed_without_a_person(terminal: Terminal) -> None:
    terminal.asks(*APPLY)
    assert terminal.asks("counter", "expire-overdue") == {"applications": [], "certificates": []}
    terminal.now += timedelta(days=16)
    assert len(terminal.asks("counter", "expire-overdue")["applications"]) == 1
    (line,) = terminal.asks("counter", "list")
    assert (line["state"], line["ui_number_masked"]) == ("expired", "")
    assert "erased" in terminal.types("counter", "list").stdout
    assert terminal.asks("counter", "list", "--state", "paid") == []


def test_a_refund_is_recorded_and_reminds_of_the_provider(terminal: Terminal) -> None:
    terminal.asks(*APPLY)
    terminal.asks("counter", "pay", UI, "charge-1")
    first, second = (terminal.types("counter", "refund", "charge-1") for _ in range(2))
    assert "provider" in first.stdout
    assert "before" in second.stdout
    assert terminal.asks("counter", "show", UI)["state"] == "submitted"
    assert terminal.asks("counter", "unmatched") == []


def test_without_a_certificate_authority_nothing_is_issued(terminal: Terminal) -> None:
    terminal.asks(*APPLY)
    terminal.asks("counter", "pay", UI, "charge-1")
    terminal.issuer = None
    assert terminal.asks("counter", "issue", UI)["error"] == "no_issuer"
    assert terminal.asks("counter", "demo-data")["error"] == "no_issuer"
    assert len(terminal.asks("counter", "list")) == 1


def test_a_form_that_cannot_be_written_costs_nobody_their_code(
    terminal: Terminal, tmp_path: Path
) -> None:
    nowhere = tmp_path / "no" / "form.html"
    assert isinstance(terminal.types(*APPLY, "--html", str(nowhere)).exception, OSError)
    assert terminal.asks("counter", "list") == []
    open_to_all = tmp_path / "form.html"
    open_to_all.touch(mode=0o644)
    assert terminal.asks(*APPLY, "--html", str(open_to_all))["code"]
    assert stat.S_IMODE(open_to_all.stat().st_mode) == 0o600
    unused = tmp_path / "unused.html"
    assert not terminal.asks(*APPLY, "--html", str(unused))["changed"]
    assert not unused.exists()


def test_a_card_never_takes_the_place_of_another_file(terminal: Terminal, tmp_path: Path) -> None:
    terminal.asks(*APPLY)
    terminal.asks("counter", "pay", UI, "charge-1")
    taken = tmp_path / "of-another.card"
    taken.write_text("somebody's keys")
    refused = terminal.asks("counter", "issue", UI, "--card", str(taken))
    assert refused["error"] == "card_file_taken"
    assert taken.read_text() == "somebody's keys"
    assert terminal.asks("counter", "show", UI)["state"] == "paid"
    mine = tmp_path / "mine.card"
    assert terminal.asks("counter", "issue", UI, "--card", str(mine))["card_file"] == str(mine)
    elsewhere = terminal.asks("counter", "issue", UI, "--card", str(tmp_path / "other.card"))
    assert (elsewhere["changed"], elsewhere["card_file"]) == (False, None)


def test_a_file_is_shown_for_a_clerk_to_read(terminal: Terminal) -> None:
    terminal.asks(*APPLY)
    terminal.asks("counter", "pay", UI, "charge-1")
    shown = terminal.types("counter", "show", UI).stdout
    for words in (PERSON["--name"], "民國79年5月17日", "278.00 TWD", "2026-03-02 12:00"):
        assert words in shown
    assert "datetime" not in shown
    terminal.asks("counter", "issue", UI)
    terminal.asks("counter", "revoke", UI)
    shown = terminal.types("counter", "show", UI).stdout
    assert "Certificates: revoked" in shown
    assert terminal.asks("counter", "show", UI)["revocation_reason"] is None


def test_demo_people_are_kept_out_of_a_real_bots_database(terminal: Terminal) -> None:
    real = {"bot_token": SecretStr("123456789:" + "a" * 35)}
    terminal.settings = terminal.settings.model_copy(update=real)
    refused = terminal.types("counter", "demo-data").exception
    assert isinstance(refused, SettingsError)
    assert terminal.asks("counter", "list") == []
