"""What the app remembers from one start to the next: the server's address and the language.

Nothing else is ever written. A file that is broken, or too large to be ours, counts as none.
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
    """The two things that are kept."""

    server: str | None = None
    language: str | None = None


def config_path() -> Path:
    """Give the file's place, as the operating system wants it."""
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / FOLDER / FILE


def load_config() -> AppConfig:
    """Give what was remembered; nothing where nothing usable is there."""
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
    """Keep it. A place that cannot be written to only means that it is asked again."""
    place = config_path()
    temporary = place.with_suffix(".new")
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(asdict(remembered), indent=1), encoding="utf-8")
        temporary.replace(place)
