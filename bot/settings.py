"""Settings: from the environment and `.env`, checked at start.

Every name begins with ``KAIKA_``. A wrong value is refused with its name and the way to mend it,
and never with the value itself, which may be a secret.
"""

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

PREFIX = "KAIKA_"
_TOKEN = re.compile(r"\d{5,}:[A-Za-z0-9_-]{20,}")
_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")
_BACKENDS = ("sqlite+aiosqlite", "postgresql+asyncpg")


class SettingsError(Exception):
    """The settings cannot be used.

    :ivar problems: one line a setting: its name and what to do.
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


def is_loopback(host: str | None) -> bool:
    """Tell whether `host` names this machine only."""
    return host in {"127.0.0.1", "localhost", "::1"}


class Settings(BaseSettings):
    """What the operator decides."""

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
    """Who stands behind the conversations."""
    webhook_url: Annotated[str, AfterValidator(_check_webhook)] | None = None
    """Public address for updates; where not set, the bot polls."""
    webhook_secret: Annotated[SecretStr, AfterValidator(_check_secret)] | None = None
    """What Telegram must send along to the webhook."""
    public_host: str = "127.0.0.1"
    public_port: int = Field(default=8443, ge=1, le=65535)
    """Listener of the webhook; put a proxy with TLS before it."""
    loopback_port: int = Field(default=8081, ge=0, le=65535)
    """Listener of /healthz on 127.0.0.1; 0 takes any free port."""
    max_backlog: int = Field(default=5000, ge=10, le=1_000_000)
    """Updates in hand beyond which no more are taken in."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    @model_validator(mode="after")
    def _webhook_needs_its_secret(self) -> Self:
        if self.webhook_url and not self.webhook_secret:
            raise _refuse("is missing; KAIKA_WEBHOOK_URL needs it, try: openssl rand -hex 32")
        return self

    @property
    def database(self) -> str:
        """The address of the database to use."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'kaika.db'}"

    @property
    def key_file(self) -> Path:
        """Where the keys of what is encrypted at rest are kept."""
        return self.data_dir / "keys.json"

    def secrets(self) -> list[str]:
        """Give the values no log may show."""
        known = (self.bot_token, self.webhook_secret)
        password = make_url(self.database).password
        return [s.get_secret_value() for s in known if s] + ([str(password)] if password else [])


def load(**overrides: object) -> Settings:
    """Read and check the settings.

    :raises SettingsError: naming every wrong setting and its fix.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        problems = [_explain(item["loc"], item["type"], item["msg"]) for item in error.errors()]
    except (UnicodeDecodeError, OSError) as error:
        problems = [f".env cannot be read ({type(error).__name__}); save it as UTF-8 text"]
    raise SettingsError(problems)


def require_token(settings: Settings) -> str:
    """Give the bot token.

    :raises SettingsError: where there is none.
    """
    if settings.bot_token is None:
        raise SettingsError(
            [f"{PREFIX}BOT_TOKEN is missing; get one from @BotFather and put it into .env"]
        )
    return settings.bot_token.get_secret_value()


def _explain(location: tuple[int | str, ...], kind: str, message: str) -> str:
    name = PREFIX + str(location[0]).upper() if location else f"{PREFIX}WEBHOOK_SECRET"
    return f"{name} {message}" if kind == "setting" else f"{name}: {message}"
