"""A wrong or missing setting names itself and the fix, and never shows a secret."""

from pathlib import Path

import pytest

from bot import settings
from bot.settings import SettingsError

TOKEN = "123456789:AAtests-use-this-token-0123456789abc"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("BOT_TOKEN", "hunter2", "@BotFather"),
        ("BASE_URL", "http://evil.example/bot", "https://"),
        ("BASE_URL", "nonsense", "https://"),
        ("DATABASE_URL", "mysql://hunter2@db/x", "sqlite+aiosqlite"),
        ("DATABASE_URL", "hunter2", "sqlite+aiosqlite"),
        ("WEBHOOK_URL", "http://bot.example/x", "https://"),
        ("WEBHOOK_URL", "https://bot.example", "path"),
        ("WEBHOOK_SECRET", "hunter2", "16 to 256"),
        ("PUBLIC_PORT", "hunter2", "integer"),
        ("PUBLIC_PORT", "70000", "65535"),
        ("AUTHORITY", "hunter2", "guide"),
        ("LOG_LEVEL", "hunter2", "debug"),
        ("MAX_BACKLOG", "-1", "10"),
        ("CA_PASSPHRASE", "hunter2", "12 characters"),
        ("PUBLIC_URL", "hunter2", "http://certificates.example"),
        ("PUBLIC_URL", "http://kaika.example/?a=1", "without a query"),
        ("SMTP_PORT", "0", "1"),
        ("SMTP_SECURITY", "hunter2", "starttls"),
    ],
)
def test_a_wrong_value_names_itself_and_the_fix(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, fix: str
) -> None:
    monkeypatch.setenv(f"KAIKA_{name}", value)
    with pytest.raises(SettingsError) as caught:
        settings.load_settings()
    (problem,) = caught.value.problems
    assert problem.startswith(f"KAIKA_{name}")
    assert fix in problem
    assert "hunter2" not in str(caught.value)


def test_every_wrong_setting_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAIKA_BOT_TOKEN", "x")
    monkeypatch.setenv("KAIKA_PUBLIC_PORT", "x")
    with pytest.raises(SettingsError) as caught:
        settings.load_settings()
    assert len(caught.value.problems) == 2


def test_a_webhook_needs_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAIKA_WEBHOOK_URL", "https://bot.example/telegram")
    with pytest.raises(SettingsError, match="KAIKA_WEBHOOK_SECRET is missing"):
        settings.load_settings()


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"SMTP_HOST": "mail.example"}, "KAIKA_MAIL_FROM is missing"),
        ({"CA_PASSPHRASE": "long enough to be one"}, "KAIKA_PUBLIC_URL is missing"),
        (
            {"SMTP_HOST": "mail.example", "MAIL_FROM": "a@b.example", "SMTP_SECURITY": "none"},
            "KAIKA_SMTP_SECURITY may be none only",
        ),
    ],
)
def test_what_belongs_together_is_asked_for_together(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], missing: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"KAIKA_{name}", value)
    with pytest.raises(SettingsError, match=missing):
        settings.load_settings()


def test_every_secret_is_kept_out_of_logs_and_of_print(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("CA_PASSPHRASE", "PAYMENT_PROVIDER_TOKEN", "SMTP_PASSWORD")
    monkeypatch.setenv("KAIKA_PUBLIC_URL", "http://certificates.example")
    for name in names:
        monkeypatch.setenv(f"KAIKA_{name}", f"the secret of {name}")
    loaded = settings.load_settings()
    assert {f"the secret of {name}" for name in names} <= set(loaded.secrets())
    assert "the secret of" not in repr(loaded)


def test_the_token_is_asked_for_only_where_it_is_needed() -> None:
    with pytest.raises(SettingsError, match="KAIKA_BOT_TOKEN is missing"):
        settings.require_bot_token(settings.load_settings())


def test_a_dotenv_file_is_read_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(f"KAIKA_BOT_TOKEN={TOKEN}\nKAIKA_PUBLIC_PORT=1234\nOTHER=1\n")
    monkeypatch.setenv("KAIKA_PUBLIC_PORT", "4321")
    loaded = settings.load_settings()
    assert settings.require_bot_token(loaded) == TOKEN
    assert loaded.public_port == 4321


def test_a_dotenv_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"KAIKA_BOT_TOKEN=\xff\xfe")
    with pytest.raises(SettingsError, match=r"\.env cannot be read"):
        settings.load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql+asyncpg://kaika:pass#word@localhost:x/kaika"),
        ("BASE_URL", "https://kaika:password@[/"),
        ("PUBLIC_URL", "https://password.\u2100/"),
    ],
)
def test_an_address_that_cannot_be_read_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"KAIKA_{name}", value)
    with pytest.raises(SettingsError, match=f"KAIKA_{name} ") as refused:
        settings.load_settings()
    assert "pass" not in str(refused.value)


def test_secrets_do_not_show_when_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAIKA_BOT_TOKEN", TOKEN)
    loaded = settings.load_settings()
    assert TOKEN not in repr(loaded)
    assert TOKEN in loaded.secrets()


SECRETS = {
    "bot_token": TOKEN,
    "webhook_secret": "a-webhook-secret-of-hunter2",
    "database_url": "postgresql+asyncpg://kaika:hunter2hunter2@db/kaika",
    "ca_passphrase": "hunter2 battery staple",
    "payment_provider_token": "hunter2:TEST:1",
    "smtp_password": "hunter2 for the mail",
}


def test_every_secret_setting_may_be_in_a_file() -> None:
    secret = {
        name
        for name, field in settings.Settings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    assert set(settings.SECRET_SETTINGS) == secret | {"database_url"} == set(SECRETS)


@pytest.mark.parametrize("way", ["environment", ".env", "systemd"])
def test_secrets_are_read_from_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setenv("KAIKA_PUBLIC_URL", "http://kaika.example")
    lines = []
    for name, value in SECRETS.items():
        variable = f"KAIKA_{name.upper()}"
        path = tmp_path / variable
        path.write_text(value + "\n")
        if way == "environment":
            monkeypatch.setenv(f"{variable}_FILE", str(path))
        lines.append(f"{variable}_FILE={path}")
    if way == ".env":
        Path(".env").write_text("\n".join(lines))
    if way == "systemd":
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    found = settings.load_settings()
    for name, value in SECRETS.items():
        held = getattr(found, name)
        assert (held if name == "database_url" else held.get_secret_value()) == value
    assert {*SECRETS.values()} - {SECRETS["database_url"]} <= {*found.secrets()}
    assert "hunter2hunter2" in found.secrets()


@pytest.mark.parametrize(
    ("content", "fix"),
    [
        (None, "cannot be read from"),
        (b"", "it is empty"),
        (b"\n \n", "it is empty"),
        (b"hunter2" * 1000, "4096 bytes"),
        (b"\xff\xfehunter2", "UnicodeDecodeError"),
        (b"hunter2", "@BotFather"),
        (b"hunter2\nhunter2", "@BotFather"),
    ],
)
def test_a_file_that_cannot_be_used_names_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, fix: str
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("KAIKA_BOT_TOKEN_FILE", str(path))
    with pytest.raises(SettingsError) as caught:
        settings.load_settings()
    (problem,) = caught.value.problems
    assert problem.startswith("KAIKA_BOT_TOKEN")
    assert fix in problem
    assert "hunter2" not in problem


def test_a_secret_that_is_given_twice_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "KAIKA_BOT_TOKEN"
    path.write_text(TOKEN)
    monkeypatch.setenv("KAIKA_BOT_TOKEN_FILE", str(path))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    Path(".env").write_text(f"KAIKA_BOT_TOKEN={TOKEN}")
    with pytest.raises(SettingsError) as caught:
        settings.load_settings()
    assert "as a value and by KAIKA_BOT_TOKEN_FILE and as a systemd" in str(caught.value)
    assert TOKEN not in str(caught.value)
