"""Settings from the environment and `.env`, checked at start.

Every name begins with ``KAIKA_``. A secret may be in a file (`bot.secret_files`). An error names
the setting and how to correct it, but never its value, which may be a secret.
"""

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from bot.secret_files import SecretFileError, SecretFilesSource
from services.desk.hours import DEFAULT_HOURS, BusinessHours, parse_hours

PREFIX = "KAIKA_"
SANDBOX_SETTINGS = "sandbox.env"
"""File with the settings of a running sandbox, for ``kaika --sandbox …``."""
_TOKEN = re.compile(r"(?<!\d)\d{5,}+:[A-Za-z0-9_-]{20,}")
_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")
SHORTEST_PASSPHRASE = 12
SECRET_SETTINGS = (
    "bot_token",
    "webhook_secret",
    "database_url",
    "ca_passphrase",
    "payment_provider_token",
    "smtp_password",
)
"""Settings that may be in files; an address of PostgreSQL contains a password."""
_BACKENDS = ("sqlite+aiosqlite", "postgresql+asyncpg")


class SettingsError(Exception):
    """The settings cannot be used.

    :ivar problems: one line per setting, with its name and what to do.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _refuse(fix: str) -> PydanticCustomError:
    return PydanticCustomError("setting", "{fix}", {"fix": fix})


def _check_token(token: SecretStr) -> SecretStr:
    if not _TOKEN.fullmatch(token.get_secret_value()):
        raise _refuse("is not a bot token; copy it from @BotFather, it looks like 123456789:AbC…")
    return token


def _check_database(url: str) -> str:
    try:
        driver = make_url(url).drivername
    except ArgumentError:
        driver = ""
    if driver not in _BACKENDS:
        raise _refuse("is not a database address; use sqlite+aiosqlite:///data/kaika.db")
    return url


def _check_base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url.rstrip("/")
    if parts.scheme == "http" and is_loopback(parts.hostname):
        return url.rstrip("/")
    raise _refuse("must begin with https:// (http:// only to this machine), as in its default")


def _check_webhook(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname and len(parts.path) > 1:
        return url
    raise _refuse("must be an https:// address with a path, such as https://bot.example/telegram")


def _check_secret(secret: SecretStr) -> SecretStr:
    if not _WEBHOOK_SECRET.fullmatch(secret.get_secret_value()):
        raise _refuse("must be 16 to 256 letters, digits, - or _")
    return secret


def _check_public_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme in ("http", "https") and parts.hostname and not parts.query:
        return url.rstrip("/")
    raise _refuse("must be an address such as http://certificates.example, without a query")


def _check_bridge_url(url: str) -> str:
    parts = urlsplit(url)
    plain = parts.scheme == "ws" and is_loopback(parts.hostname)
    if (parts.scheme == "wss" or plain) and parts.hostname and parts.path in ("", "/"):
        return url.rstrip("/")
    raise _refuse("must be an address such as wss://kaika.example (ws:// only to this machine)")


def _check_download_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname and not parts.username:
        return url
    raise _refuse("must be an address such as https://kaika.example/download")


def _split_ids(value: object) -> object:
    """Split numbers that are separated by commas or spaces."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _check_hours(text: str) -> str:
    try:
        parse_hours(text)
    except ValueError:
        raise _refuse(f"must be hours such as {DEFAULT_HOURS}; Sat 09:00-12:00") from None
    return text


def _check_passphrase(passphrase: SecretStr) -> SecretStr:
    if len(passphrase.get_secret_value()) < SHORTEST_PASSPHRASE:
        raise _refuse(
            f"must be at least {SHORTEST_PASSPHRASE} characters; try: openssl rand -hex 32"
        )
    return passphrase


def is_loopback(host: str | None) -> bool:
    """Whether `host` names this machine only."""
    return host in {"127.0.0.1", "localhost", "::1"}


class Settings(BaseSettings):
    """The operator's settings."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        hide_input_in_errors=True,
    )

    bot_token: Annotated[SecretStr, AfterValidator(_check_token)] | None = None
    """The token of the bot, from @BotFather."""
    base_url: Annotated[str, AfterValidator(_check_base_url)] = "https://api.telegram.org/bot"
    """Where the Bot API is; the token is appended."""
    data_dir: Path = Path("data")
    """Folder of the key file and, by default, of the database."""
    database_url: Annotated[str, AfterValidator(_check_database)] | None = None
    """SQLite in the data folder where not set."""
    authority: Literal["guide", "embedded"] = "guide"
    """Whether conversations guide through the official page or use the embedded authority."""
    webhook_url: Annotated[str, AfterValidator(_check_webhook)] | None = None
    """Public address for updates; without it the bot polls."""
    webhook_secret: Annotated[SecretStr, AfterValidator(_check_secret)] | None = None
    """Secret that Telegram sends along to the webhook."""
    public_host: str = "127.0.0.1"
    public_port: int = Field(default=8443, ge=1, le=65535)
    """Listener of the webhook; put a proxy with TLS before it."""
    loopback_port: int = Field(default=8081, ge=0, le=65535)
    """Listener of /healthz on 127.0.0.1; 0 takes any free port."""
    max_backlog: int = Field(default=5000, ge=10, le=1_000_000)
    """Unfinished updates beyond which no more are accepted."""
    texts_per_minute: int = Field(default=30, ge=0, le=1000)
    """Messages of one person that are answered in a minute; 0 for any number."""
    authority_name: str | None = Field(default=None, min_length=2, max_length=100)
    """Name of the embedded authority's operator, shown where somebody is asked for a secret."""
    public_url: Annotated[str, AfterValidator(_check_public_url)] | None = None
    """Public address of the public listener; written into every certificate."""
    bridge_url: Annotated[str, AfterValidator(_check_bridge_url)] | None = None
    """Address for reader bridges, if not the host of webhook or public address."""
    bridge_download_url: Annotated[str, AfterValidator(_check_download_url)] | None = None
    """Where the operator offers kaika-bridge; shown in the chat."""
    ca_passphrase: Annotated[SecretStr, AfterValidator(_check_passphrase)] | None = None
    """Protects the key of the embedded certificate authority."""
    payment_provider_token: SecretStr | None = None
    """The token of the payment provider, from @BotFather; without it nobody can pay in the chat."""
    smtp_host: str | None = None
    """The mail server; without it no one-time code and no notice goes out by e-mail."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["tls", "starttls", "none"] = "starttls"
    """``none`` is for a mail server on this machine only."""
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: str | None = None
    """Sender of the mails, such as ``Kaika <kaika@example.org>``."""
    desk_admins: Annotated[tuple[int, ...], NoDecode, BeforeValidator(_split_ids)] = ()
    """User ids of those who set up the support desk; without any there is no desk."""
    desk_hours: Annotated[str, AfterValidator(_check_hours)] = DEFAULT_HOURS
    """When somebody is at the desk, in Taipei."""
    desk_holidays: Annotated[tuple[date, ...], NoDecode, BeforeValidator(_split_ids)] = ()
    """Days on which nobody is there."""
    desk_retention_days: int = Field(default=30, ge=7, le=1825)
    """Days after which the topic of a question that is settled is deleted."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take secrets from files too."""
        del file_secret_settings
        variables: dict[str, str | None] = {}
        for source in (dotenv_settings, env_settings):
            assert isinstance(source, EnvSettingsSource)
            variables |= source.env_vars
        files = SecretFilesSource(settings_cls, SECRET_SETTINGS, variables)
        return init_settings, env_settings, dotenv_settings, files

    @model_validator(mode="after")
    def _check_combinations(self) -> Self:
        if self.webhook_url and not self.webhook_secret:
            raise _missing("webhook_secret", "webhook_url", "try: openssl rand -hex 32")
        if self.smtp_host and not self.mail_from:
            raise _missing("mail_from", "smtp_host", "such as Kaika <kaika@example.org>")
        if self.smtp_security == "none" and self.smtp_host and not is_loopback(self.smtp_host):
            raise _refuse_at("smtp_security", "may be none only with a mail server on this machine")
        if self.ca_passphrase and not self.public_url:
            raise _missing("public_url", "ca_passphrase", "certificates bear it for good")
        return self

    @property
    def database(self) -> str:
        """The URL of the database."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'kaika.db'}"

    @property
    def business_hours(self) -> BusinessHours:
        """When somebody is at the support desk."""
        return parse_hours(self.desk_hours, self.desk_holidays)

    @property
    def base_host(self) -> str | None:
        """The host of the Bot API."""
        return urlsplit(self.base_url).hostname

    @property
    def ca_key_file(self) -> Path:
        """The file with the key of the embedded certificate authority."""
        return self.data_dir / "ca.json"

    @property
    def key_file(self) -> Path:
        """The file with the keys for encryption at rest."""
        return self.data_dir / "keys.json"

    def secrets(self) -> list[str]:
        """The values that must not appear in logs."""
        known = (
            self.bot_token,
            self.webhook_secret,
            self.ca_passphrase,
            self.payment_provider_token,
            self.smtp_password,
        )
        password = make_url(self.database).password
        return [s.get_secret_value() for s in known if s] + ([str(password)] if password else [])


def load_settings(**overrides: object) -> Settings:
    """Read and check the settings.

    :raises SettingsError: naming every wrong setting and how to correct it.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        problems = [_explain(item["loc"], item["type"], item["msg"]) for item in error.errors()]
    except SecretFileError as error:
        problems = error.problems
    except (UnicodeDecodeError, OSError) as error:
        problems = [f".env cannot be read ({type(error).__name__}); save it as UTF-8 text"]
    raise SettingsError(problems)


def load_sandbox() -> Settings:
    """Load the settings of the sandbox that was started last.

    :raises SettingsError: if none was started.
    """
    file = sandbox_folder(load_settings()) / SANDBOX_SETTINGS
    if not file.is_file():
        raise SettingsError(["There is no sandbox to work on; start it first: make demo"])
    values = dotenv_values(file).items()
    return load_settings(**{name.removeprefix(PREFIX).lower(): value for name, value in values})


def sandbox_folder(settings: Settings) -> Path:
    """The folder of the sandbox's own files."""
    return settings.data_dir / "sandbox"


def require_bot_token(settings: Settings) -> str:
    """Return the bot token.

    :raises SettingsError: if it is not set.
    """
    if settings.bot_token is None:
        raise SettingsError(
            [f"{PREFIX}BOT_TOKEN is missing; get one from @BotFather and put it into .env"]
        )
    return settings.bot_token.get_secret_value()


def _missing(name: str, needed_by: str, hint: str) -> PydanticCustomError:
    return _refuse_at(name, f"is missing; {PREFIX}{needed_by.upper()} needs it, {hint}")


def _refuse_at(name: str, fix: str) -> PydanticCustomError:
    """Error for a setting that does not go with another."""
    return PydanticCustomError("together", "{fix}", {"fix": f"{PREFIX}{name.upper()} {fix}"})


def _explain(location: tuple[int | str, ...], kind: str, message: str) -> str:
    if kind == "together":
        return message
    name = PREFIX + str(location[0]).upper()
    if kind == "value_error":  # of a library, whose message may quote the value
        return f"{name} cannot be read; compare it with docs/operating.md"
    return f"{name} {message}" if kind == "setting" else f"{name}: {message}"
