"""Which entries, sources and facts were not compared with their pages for too long.

Fees, hours and deadlines change without notice to us, so whatever is said has the day on which it
was last checked.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import locales
from locales import facts
from services.faq.checks.findings import FaqFinding
from services.faq.entries import Entries, Entry, find_line

MAX_AGE = timedelta(days=180)
"""How long an entry or the copy of a source is good without a look at the page."""


def find_stale(entries: Entries, today: date) -> list[FaqFinding]:
    """Return a warning for whatever is too old, and an error for days to come."""
    of_facts = [
        finding
        for fact in facts.load_facts().values()
        for finding in _check_day(
            facts.PATH, f"{fact.name}:", f"fact {fact.name!r}", fact.checked, fact.max_age, today
        )
    ]
    return of_facts + [
        finding
        for language in locales.LANGUAGES
        for entry in entries.all(language)
        for finding in _check_days(entry, today)
    ]


def _check_days(entry: Entry, today: date) -> Iterator[FaqFinding]:
    path = locales.folder(entry.language, "faq") / f"{entry.id}.md"
    yield from _check_day(path, "checked:", "the entry", entry.checked, MAX_AGE, today)
    for source in entry.sources:
        mark, what = f"date: {source.date}", f"source {source.name!r}"
        yield from _check_day(path, mark, what, source.date, MAX_AGE, today)


def _check_day(
    path: Path, mark: str, what: str, day: date, max_age: timedelta, today: date
) -> Iterator[FaqFinding]:
    """Yield what is wrong with the day on which something was last compared with its page.

    :param mark: what is in the line of the day.
    """
    if day > today:
        problem = f"{what} was checked on {day}, which is to come"
        remedy = f"Write the day of the last look at the page, {today} at the latest"
        yield FaqFinding(path, find_line(path, mark), problem, remedy)
    elif today - day > max_age:
        problem = f"{what} was last checked on {day}, more than {max_age.days} days ago"
        remedy = "Look at the page, correct what changed, and write the day"
        yield FaqFinding(path, find_line(path, mark), problem, remedy, is_warning=True)
