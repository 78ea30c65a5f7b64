"""The sections of docs/facts.md that code, tests and documents cite do exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FACTS = (ROOT / "docs" / "facts.md").read_text(encoding="utf-8")
FOLDERS = (
    "benchmarks",
    "bot",
    "docs",
    "handlers",
    "locales",
    "reader_bridge",
    "sandbox",
    "services",
    "tests",
    "tools",
)
SUFFIXES = {".md", ".py", ".yaml"}
NUMBER = r"\d+(?:\.\d+[a-z]?)?"
SECTIONS = set(re.findall(rf"^###? ({NUMBER})[. ]", FACTS, re.MULTILINE))
CITATION = re.compile(rf"facts\.md((?:[\s,#]*(?:and\s)?§{NUMBER})+)")
"""The page and one or more sections, which may go on in the next line of a comment."""


def citations() -> Iterator[tuple[str, str]]:
    """Every file that cites the page, once for each section."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in SUFFIXES:
                for cited in CITATION.findall(path.read_text(encoding="utf-8")):
                    for section in re.findall(NUMBER, cited):
                        yield str(path.relative_to(ROOT)), section


def test_every_cited_section_exists() -> None:
    cited = list(citations())
    assert len(cited) > 40
    assert [(file, section) for file, section in cited if section not in SECTIONS] == []


def test_sections_that_the_page_itself_points_to_exist() -> None:
    assert set(re.findall(rf"§({NUMBER})", FACTS)) <= SECTIONS


def test_every_source_is_defined_once_and_used() -> None:
    defined = re.findall(r"^\[([\w-]+)\]: https?://\S+$", FACTS, re.MULTILINE)
    assert len(set(defined)) == len(defined)
    assert set(defined) == set(re.findall(r"[^`]\[[^\]\n]+\]\[([\w-]+)\]", FACTS))


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        ("(docs/facts.md §1.2)", ["1.2"]),
        ("docs/facts.md §1.2, §4.", ["1.2", "4"]),
        ("docs/facts.md §0,\n# §1.9a and §6", ["0", "1.9a", "6"]),
        ("docs/facts.md has §", []),
    ],
)
def test_citations_are_read_from_any_text(text: str, sections: list[str]) -> None:
    assert [s for cited in CITATION.findall(text) for s in re.findall(NUMBER, cited)] == sections
