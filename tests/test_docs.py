"""What the documents name exists: files, modules, make targets, links and anchors."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
TOP = {path.name for path in ROOT.iterdir() if path.name[0].isalnum()}
"""Files and folders at the root: a path that begins with one of them is the repository's."""
HYPOTHETICAL = {"locales/vi", "emv.py", "damaged"}
"""Parts of paths that the how-tos invent."""
FILE_SUFFIXES = {"py", "po", "md"}
MADE_AT_RUN_TIME = ("build/", "data/")
MERMAID_HEADERS = ("flowchart ", "sequenceDiagram", "stateDiagram-v2")

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
_MODULE_CALL = re.compile(r"python -m ([\w.]+)")
_MAKE = re.compile(r"(?:^|`)make ([a-z]+)", re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PATH = re.compile(r"[\w./-]*\w")


@cache
def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return _FENCE.sub("", read(page))


def relative(page: Path) -> str:
    return str(page.relative_to(ROOT))


def repository_paths(page: Path) -> Iterator[str]:
    """Every path of the repository in backticks, and every one in a command."""
    commands = (body for _, language, body in _FENCE.findall(read(page)) if language == "sh")
    words = [*_CODE.findall(prose(page)), *(word for body in commands for word in body.split())]
    for word in words:
        path = word.partition("::")[0]
        if path.partition("/")[0] in TOP and _PATH.fullmatch(path.rstrip("/")) and "/" in path:
            yield path


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in _HEADING.findall(prose(page)):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        number = 1
        while (anchor := slug if number == 1 else f"{slug}-{number - 1}") in found:
            number += 1
        found.add(anchor)
    return found


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def is_module_or_member(name: str) -> bool:
    """Whether a dotted name is a module, or something that one defines."""
    if is_module(name):
        return True
    module, _, member = name.rpartition(".")
    path = ROOT.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file.is_file() and re.search(rf"\b{re.escape(member)}\b", read(file)) is not None


each_page = pytest.mark.parametrize("page", PAGES, ids=relative)


@each_page
def test_every_path_exists(page: Path) -> None:
    named = [
        path
        for path in repository_paths(page)
        if not path.startswith(MADE_AT_RUN_TIME) and not any(h in path for h in HYPOTHETICAL)
    ]
    assert [path for path in named if not (ROOT / path).exists()] == []


@each_page
def test_every_module_exists(page: Path) -> None:
    called = [name for name in _MODULE_CALL.findall(read(page)) if name.partition(".")[0] in TOP]
    assert [name for name in called if not is_module(name)] == []
    dotted = [name for name in _CODE.findall(prose(page)) if re.fullmatch(r"\w+(\.\w+)+", name)]
    modules = [
        name
        for name in dotted
        if (ROOT / name.partition(".")[0] / "__init__.py").is_file()
        and name.rpartition(".")[2] not in FILE_SUFFIXES
    ]
    assert [name for name in modules if not is_module_or_member(name)] == []


@each_page
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), re.MULTILINE))
    assert set(_MAKE.findall(read(page))) <= targets


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(prose(page)):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@each_page
def test_diagrams_are_of_a_kind_that_is_drawn(page: Path) -> None:
    for _, language, body in _FENCE.findall(read(page)):
        if language == "mermaid":
            assert body.lstrip().startswith(MERMAID_HEADERS)


def test_every_decision_and_every_how_to_is_listed() -> None:
    for folder in ("decisions", "how-to"):
        pages = {path.name for path in (ROOT / "docs" / folder).glob("*.md")} - {"README.md"}
        listed = set(_LINK.findall(read(ROOT / "docs" / folder / "README.md")))
        assert pages <= listed


def test_the_architecture_names_every_folder_of_the_rooms() -> None:
    text = read(ROOT / "docs" / "architecture.md")
    rooms = ("bot", "handlers", "services", "reader_bridge")
    folders = {path.parent.name for room in rooms for path in (ROOT / room).glob("*/__init__.py")}
    assert [folder for folder in sorted(folders) if folder not in text] == []


def test_what_is_wrong_would_be_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A *title*, twice\n\n`bot/gone.py` `bot.gone` `make nothing`\n\n# A *title*, twice\n\n"
        "```sh\n.venv/bin/python -m pytest tests/gone -q\n```\n"
    )
    assert list(repository_paths(page)) == ["bot/gone.py", "tests/gone"]
    assert anchors(page) == {"a-title-twice", "a-title-twice-1"}
    assert not is_module_or_member("bot.gone")
    assert is_module_or_member("bot.app")
    assert is_module_or_member("locales.LANGUAGES")
    assert _MAKE.findall(read(page)) == ["nothing"]
