"""The settings file: the server's address and the language, kept from one start to the next.

Nothing else is ever written. A file that is broken or too large counts as absent.
"""

import contextlib
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import locales

MAX_FILE_BYTES = 4096
FOLDER, FILE = "kaika-bridge", "settings.json"


@dataclass(frozen=True, slots=True)
class AppConfig:
    """The settings that are kept."""

    server: str | None = None
    language: str | None = None


def config_path() -> Path:
    """Return the path of the file, by the convention of the operating system."""
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / FOLDER / FILE


def load_config() -> AppConfig:
    """Return the settings; empty ones where there is no usable file."""
    try:
        with config_path().open("rb") as file:
            values = json.loads(file.read(MAX_FILE_BYTES))
    except (OSError, ValueError, RecursionError):
        return AppConfig()
    if not isinstance(values, dict):
        return AppConfig()
    server, language = values.get("server"), values.get("language")
    return AppConfig(
        server if isinstance(server, str) else None,
        language if language in locales.LANGUAGES else None,
    )


def save_config(remembered: AppConfig) -> None:
    """Write the settings. Where that fails, the person is asked again next time."""
    place = config_path()
    temporary = place.with_suffix(".new")
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(asdict(remembered), indent=1), encoding="utf-8")
        temporary.replace(place)
