"""Adding a language is adding a folder: nothing in the code knows of the third one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import locales
from services.faq.entries import PHRASINGS_SUFFIX

VIETNAMESE = Path(__file__).parent / "vi"
ROOT = Path(__file__).parents[2]
_EMPTY_CATALOGUE = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'


def add_vietnamese(to: Path) -> None:
    """Copy the package `locales` with the Vietnamese folder, filled up with English."""
    shutil.copytree(locales.ROOT, to, ignore=shutil.ignore_patterns("__pycache__"))
    folder = to / "vi"
    shutil.copytree(to / "en", folder, ignore=shutil.ignore_patterns("faq"))
    shutil.copytree(VIETNAMESE, folder, dirs_exist_ok=True)
    for catalogue in (to / "zh_Hant" / "LC_MESSAGES").glob("*.po"):
        own = folder / "LC_MESSAGES" / catalogue.name
        if not own.exists():
            own.write_text(_EMPTY_CATALOGUE, encoding="utf-8")
    for entry in (to / "en" / "faq").glob("*.md"):
        if not (folder / "faq" / entry.name).exists():
            shutil.copy(entry, folder / "faq")
            phrasings = folder / "faq" / (entry.stem + PHRASINGS_SUFFIX)
            phrasings.write_text(f"{entry.stem} in English\n", encoding="utf-8")


def test_a_folder_is_a_language(tmp_path: Path) -> None:
    """The bot answers, offers, dates and checks in it; its words are never cut at their marks."""
    tree, data = tmp_path / "tree", tmp_path / "data"
    add_vietnamese(tree / "locales")
    data.mkdir()
    command = [sys.executable, "-m", "tests.third_language.conversation", str(data)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KAIKA_")}
    done = subprocess.run(
        command,
        cwd=tree,
        env=kept | {"PYTHONPATH": f"{tree}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
