"""What a draft of the FAQ would do: what the check finds in it, and which answers it changes."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.cli import faq_check
from bot.cli.faq_comparison import ChangedAnswer, FoundAnswer, differences, known_questions
from services import calendar
from services.clock import SystemClock
from services.faq import drafts
from services.faq.checks.findings import FaqFinding
from services.faq.drafts import Draft
from services.faq.entries import read_entry_files
from services.faq.index import load_index
from services.faq.search import FaqSearch


@dataclass(frozen=True, slots=True)
class DraftTrial:
    """What a draft would do.

    :ivar errors: for which it is refused.
    :ivar warnings: those that the files as they are do not have.
    :ivar changed: the known questions, typed nearly as they are, that find another sure answer, or
        one instead of none, or none instead of one.
    """

    errors: Sequence[FaqFinding]
    warnings: Sequence[FaqFinding] = ()
    changed: Sequence[ChangedAnswer] = ()

    def as_json(self) -> dict[str, object]:
        """The part of an object that ``--json`` prints."""
        return {
            "findings": [each.as_json() for each in (*self.errors, *self.warnings)],
            "changed_answers": [each.as_json() for each in self.changed],
        }


NO_EFFECT = DraftTrial(())
"""Of a draft without a file."""


def try_draft(draft: Draft) -> DraftTrial:
    """Check the FAQ as it would be with a draft, and ask it every known question."""
    today = calendar.today(SystemClock().now())
    with drafts.stage_draft(draft):
        after = faq_check.examine(today)
    if errors := [finding for finding in after.findings if not finding.is_warning]:
        return DraftTrial(errors)
    before = faq_check.examine(today)
    assert after.search is not None
    known = {_content(finding) for finding in before.findings}
    warnings = [finding for finding in after.findings if _content(finding) not in known]
    questions = known_questions()
    search = before.search or _search_files()
    changed = differences(questions, _ask(search, questions), _ask(after.search, questions))
    sure = [each for each in changed if each.before.is_confident or each.after.is_confident]
    return DraftTrial((), warnings, sure)


def _content(finding: FaqFinding) -> tuple[str, str]:
    """Return what a finding says, wherever in its file that is."""
    return "/".join(finding.path.parts[-3:]), finding.message


def _search_files() -> FaqSearch:
    known = read_entry_files()
    return FaqSearch(known, load_index(known))


def _ask(search: FaqSearch, questions: Sequence[str]) -> list[FoundAnswer]:
    """Ask every question as if it were not one of the phrasings, word for word."""
    found = [search.search(question, 1, use_exact_matches=False) for question in questions]
    return [
        FoundAnswer(each.results[0].id if each.results else None, each.confident) for each in found
    ]
