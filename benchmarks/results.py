"""The results file ``build/bench.json``: one section per benchmark, and the machine."""

import json
import os
import platform
from importlib.metadata import version
from statistics import median
from typing import Any

from benchmarks.processes import ROOT

PATH = ROOT / "build" / "bench.json"
_LIBRARIES = ("python-telegram-bot", "aiogram", "aiohttp", "httpx", "uvloop", "SQLAlchemy")


def merge(section: str, figures: dict[str, Any]) -> None:
    """Write a section of the file, and keep the others."""
    PATH.parent.mkdir(exist_ok=True)
    try:
        known = json.loads(PATH.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        known = {}
    known |= {"machine": _machine(), section: figures}
    fresh = PATH.with_suffix(".new")
    fresh.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    fresh.replace(PATH)


def spread(values: list[float], digits: int = 3) -> dict[str, float]:
    """Return median, minimum and maximum."""
    named = {"median": median(values), "min": min(values), "max": max(values)}
    return {name: round(value, digits) for name, value in named.items()}


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
        "libraries": {name: version(name) for name in _LIBRARIES},
    }
