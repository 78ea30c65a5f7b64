"""The documentation names what there is, and nothing else."""

import re
from pathlib import Path

from sandbox.bot_api.methods import METHODS
from sandbox.client.media import MEDIA_KINDS
from sandbox.http.person_api import PERSON_ACTIONS

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "sandbox.md").read_text()
SERVER_CODES = {"foreign_host", "foreign_origin", "not_found"}


def find_code_names(begin: str, end: str) -> set[str]:
    """Return the names set as code between two pieces of text."""
    return set(re.findall(r"`(\w+)`", DOCS.partition(begin)[2].partition(end)[0]))


def test_every_method_is_in_the_table() -> None:
    assert find_code_names("| | methods |", "Updates:") == {
        method.name for method in METHODS.values()
    }


def test_every_error_of_the_person_interface_is_in_the_table() -> None:
    sources = [path.read_text() for path in (ROOT / "sandbox").rglob("*.py")]
    codes = set(re.findall(r'PersonError\(\s*\d+,\s*"(\w+)"', "".join(sources)))
    assert find_code_names("| status | when |", "A name in a body") == codes | SERVER_CODES


def test_every_verb_and_every_kind_of_media_is_told() -> None:
    told = find_code_names("### Everything a person can do", "### What a person sees")
    assert set(PERSON_ACTIONS) | MEDIA_KINDS <= told
