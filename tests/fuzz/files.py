"""The operator's and translators' files: settings and FAQ entries."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from dotenv import dotenv_values
from hypothesis import strategies as st

from bot import settings
from bot.settings import PREFIX, Settings, SettingsError, load_settings
from handlers.faq import answers
from handlers.screen.markdown import MarkdownError
from locales import folder
from services.faq.entries import PHRASINGS_SUFFIX, Entry, EntryFormatError, Mode, read_entry
from tests.fuzz.boundary import Boundary, Feed

_SECRETS = ("BOT_TOKEN", "WEBHOOK_SECRET", "CA_PASSPHRASE", "SMTP_PASSWORD")
_SHORTEST_SECRET = 16
"""Characters from which on a value in an error message is not there by chance."""
_OWN_WORDS = Path(settings.__file__).read_text(encoding="utf-8")
"""What error messages are made of."""
_PAGE_END = b"\n%%%\n"
"""Between an entry and its phrasings."""


@asynccontextmanager
async def open_settings() -> AsyncIterator[Feed]:
    """Read inputs as a `.env` file."""
    before = Settings.model_config.get("env_file")
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    with TemporaryDirectory(prefix="kaika-fuzz-") as place:
        file = Path(place) / ".env"
        Settings.model_config["env_file"] = str(file)

        async def feed(data: bytes) -> None:
            file.write_bytes(data)
            try:
                given = load_settings()
            except SettingsError as error:
                _check_reveals_nothing(file, str(error))
                return
            assert all(given.secrets())
            assert given.database
            assert given.key_file

        try:
            yield feed
        finally:
            Settings.model_config["env_file"] = before


def _check_reveals_nothing(file: Path, message: str) -> None:
    values = dotenv_values(file, encoding="utf-8") if _is_text(file) else {}
    for name in _SECRETS:
        value = values.get(PREFIX + name) or ""
        is_secret = len(value) >= _SHORTEST_SECRET and value not in _OWN_WORDS
        assert not (is_secret and value in message), f"{name} is in the message"


def _is_text(file: Path) -> bool:
    try:
        file.read_bytes().decode()
    except UnicodeDecodeError:
        return False
    return True


GOOD_SETTINGS = {
    "BOT_TOKEN": "123456789:AAtests-use-this-token-0123456789abc",
    "BASE_URL": "https://api.telegram.org/bot",
    "DATA_DIR": "data",
    "DATABASE_URL": "postgresql+asyncpg://kaika:secret@localhost:5432/kaika",
    "AUTHORITY": "embedded",
    "WEBHOOK_URL": "https://bot.example/telegram",
    "WEBHOOK_SECRET": "a-secret-only-telegram-knows",
    "PUBLIC_HOST": "127.0.0.1",
    "PUBLIC_PORT": "8443",
    "LOOPBACK_PORT": "0",
    "MAX_BACKLOG": "5000",
    "AUTHORITY_NAME": "MOICA 內政部",
    "PUBLIC_URL": "http://certificates.example",
    "BRIDGE_URL": "wss://kaika.example",
    "BRIDGE_DOWNLOAD_URL": "https://kaika.example/bridge",
    "CA_PASSPHRASE": "twelve characters",
    "SMTP_HOST": "127.0.0.1",
    "SMTP_PORT": "587",
    "SMTP_SECURITY": "none",
    "SMTP_PASSWORD": "password of the mail server",
    "MAIL_FROM": "Kaika <kaika@example.org>",
    "LOG_LEVEL": "info",
}
ODD_VALUES = (
    "", " ", "''", '"', "#", "//", "https://", "http://[", "http://[::1]:99999/", "sqlite://",
    "postgresql+asyncpg://[", "postgresql+asyncpg://h:p/x", "1e9", "-1", "٣", "NaN", "${X}", "\\",
    "sqlite+aiosqlite:///x?a=%", "wss://kaika.example/x", "https://u:p@h/", "\u202e", "9" * 5000,
)  # fmt: skip


@st.composite
def settings_files(draw: st.DrawFn) -> bytes:
    """Settings of which a few are missing or odd."""
    values = dict(GOOD_SETTINGS)
    for name in draw(st.sets(st.sampled_from(sorted(values)), max_size=4)):
        del values[name]
    for name in draw(st.sets(st.sampled_from(sorted(GOOD_SETTINGS)), max_size=3)):
        values[name] = draw(st.sampled_from(ODD_VALUES) | st.text(max_size=40))
    quote = draw(st.sampled_from(["", "'", '"']))
    lines = (f"{PREFIX}{name}={quote}{value}{quote}" for name, value in values.items())
    return "\n".join(lines).encode(errors="surrogatepass")


SETTINGS = Boundary(
    "settings",
    open_settings,
    lambda: ["\n".join(f"{PREFIX}{n}={v}" for n, v in GOOD_SETTINGS.items()).encode()],
    settings_files(),
)


@asynccontextmanager
async def open_faq_files() -> AsyncIterator[Feed]:
    """Read inputs as an entry with its phrasings, and render it."""
    with TemporaryDirectory(prefix="kaika-fuzz-") as place:
        page = Path(place) / "en" / "faq" / "fee.md"
        page.parent.mkdir(parents=True)
        phrasings = page.with_name("fee" + PHRASINGS_SUFFIX)

        async def feed(data: bytes) -> None:
            entry, _, lines = data.partition(_PAGE_END)
            page.write_bytes(entry)
            phrasings.write_bytes(lines)
            with suppress(EntryFormatError):
                _render(read_entry(page, "en"))

        yield feed


def _render(entry: Entry) -> None:
    with suppress(MarkdownError, ValueError):
        for mode in Mode:
            assert answers.answer_text(entry, mode)
            assert answers.more_text(entry, mode)


def read_faq_seeds() -> list[bytes]:
    """Return a few entries of both languages, under the name that the boundary gives them."""
    found = []
    for language in ("en", "zh_Hant"):
        for page in sorted(folder(language, "faq").glob("*.md"))[::8]:
            name = page.name.removesuffix(".md")
            entry = page.read_bytes().replace(f"id: {name}\n".encode(), b"id: fee\n")
            lines = page.with_name(name + PHRASINGS_SUFFIX).read_bytes()
            found.append(entry + _PAGE_END + lines[:200])
    return found


FAQ_FILES = Boundary("faq", open_faq_files, read_faq_seeds, max_length=8192)
