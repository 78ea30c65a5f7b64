"""Which known questions change their answer between a Git revision and the files as they are."""

import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import locales
from services.faq.entries import load_entries

ROOT = locales.ROOT.parent
_ROOMS = ("bot", "handlers", "locales", "reader_bridge", "sandbox", "services")
_QUESTIONS = ("dev", "off_topic_dev")
"""The files of questions that may be looked at; what is held out only measures."""


class NoCheckoutError(Exception):
    """There is no checkout of the repository here, or no such revision in it."""


@dataclass(frozen=True, slots=True)
class FoundAnswer:
    """What a question finds first."""

    entry_id: str | None
    is_confident: bool

    def __str__(self) -> str:
        return f"{self.entry_id or 'nothing'}{'' if self.is_confident else ' (not sure)'}"


@dataclass(frozen=True, slots=True)
class ChangedAnswer:
    """A known question that is answered in another way than before."""

    question: str
    before: FoundAnswer
    after: FoundAnswer

    def as_json(self) -> dict[str, object]:
        """The object that ``--json`` prints."""
        both = {"before": self.before, "after": self.after}
        return {"question": self.question} | {
            when: {"id": answer.entry_id, "confident": answer.is_confident}
            for when, answer in both.items()
        }


def is_checkout() -> bool:
    """Whether the entries are files of a checkout, where they can be edited."""
    return (ROOT / ".git").exists()


def require_checkout() -> None:
    """Refuse to go on where the entries are not files of a checkout.

    :raises NoCheckoutError: where they are not.
    """
    if not is_checkout():
        raise NoCheckoutError("the entries are not in a checkout of the repository")


def known_questions() -> list[str]:
    """Return every phrasing and every question that measures the search."""
    known = load_entries()
    phrasings = [
        phrasing
        for language in locales.LANGUAGES
        for entry in known.all(language)
        for phrasing in entry.phrasings
    ]
    files = (ROOT / "tests" / "faq_questions" / f"{name}.tsv" for name in _QUESTIONS)
    measured = [
        line.split("\t")[-1]
        for file in files
        if file.exists()
        for line in file.read_text(encoding="utf-8").splitlines()[1:]
    ]
    return list(dict.fromkeys([*phrasings, *measured]))


def compare_with(revision: str) -> list[ChangedAnswer]:
    """Return the known questions whose answer changed since a revision.

    :raises NoCheckoutError: where there is no such revision to look at.
    """
    questions = known_questions()
    with tempfile.TemporaryDirectory(prefix="kaika-before-") as folder:
        _extract(revision, Path(folder))
        return differences(questions, _ask(Path(folder), questions), _ask(ROOT, questions))


def differences(
    questions: Sequence[str], before: Iterable[FoundAnswer], after: Iterable[FoundAnswer]
) -> list[ChangedAnswer]:
    """Return the questions whose answers differ."""
    return [
        ChangedAnswer(question, old, new)
        for question, old, new in zip(questions, before, after, strict=True)
        if old != new
    ]


def _extract(revision: str, folder: Path) -> None:
    """Write the packages of a revision into a folder."""
    there = _git("ls-tree", "--name-only", f"{revision}^{{commit}}").decode().split()
    archive = _git("archive", revision, "--", *[room for room in _ROOMS if room in there])
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")


def _git(*words: str) -> bytes:
    require_checkout()
    command = ["git", "-C", str(ROOT), *words]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise NoCheckoutError(done.stderr.decode(errors="replace").strip())
    return done.stdout


def _ask(root: Path, questions: Sequence[str]) -> list[FoundAnswer]:
    """Ask the version in a folder every question, in a process of its own."""
    command = [sys.executable, "-m", "bot.cli.main", "faq", "search", "--stdin", "--json"]
    done = subprocess.run(  # noqa: S603
        [*command, "--limit", "1"],
        input="".join(f"{question}\n" for question in questions),
        capture_output=True,
        encoding="utf-8",
        cwd=root,
        check=False,
    )
    if done.returncode != 0:
        raise NoCheckoutError(f"the search there failed: {done.stderr.strip()[-300:]}")
    return [_first(json.loads(line)) for line in done.stdout.splitlines()]


def _first(found: dict[str, list[dict[str, str]]]) -> FoundAnswer:
    first = found["results"][0]["id"] if found["results"] else None
    return FoundAnswer(first, bool(found["confident"]))
