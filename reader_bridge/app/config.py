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

MOST_BYTES = 4096
FOLDER, FILE = "kaika-bridge", "settings.json"


@dataclass(frozen=True, slots=True)
class Remembered:
    """The two things that are kept."""

    server: str | None = None
    language: str | None = None


def path() -> Path:
    """Give the file's place, as the operating system wants it."""
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / FOLDER / FILE


def load() -> Remembered:
    """Give what was remembered; nothing where nothing usable is there."""
    try:
        with path().open("rb") as file:
            values = json.loads(file.read(MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return Remembered()
    if not isinstance(values, dict):
        return Remembered()
    server, language = values.get("server"), values.get("language")
    return Remembered(
        server if isinstance(server, str) else None,
        language if language in locales.LANGUAGES else None,
    )


def save(remembered: Remembered) -> None:
    """Keep it. A place that cannot be written to only means that it is asked again."""
    place = path()
    temporary = place.with_suffix(".new")
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(asdict(remembered), indent=1), encoding="utf-8")
        temporary.replace(place)
