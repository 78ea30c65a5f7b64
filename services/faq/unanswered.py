"""Questions without a confident answer, for the authors of the FAQ."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.formats.text_cleaning import normalize
from services.storage.models import UnansweredQuestion

LONGEST = 300
"""Characters of a question that are stored."""

_PERSONAL = (
    (re.compile(r"https?://\S+"), "<link>"),
    (re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)+"), "<mail>"),
    (re.compile(r"@\w{4,}"), "<name>"),
    (re.compile(r"\d(?:[\s-]*+\d){4,}"), "<number>"),
)


def normalise(question: str) -> str:
    """Return a question in one case and width, without personal data such as links and numbers."""
    text = normalize(question).casefold()
    for pattern, name in _PERSONAL:
        text = pattern.sub(name, text)
    text = "".join(" " if unicodedata.category(c).startswith("C") else c for c in text)
    return " ".join(text.split()).strip("?!.。 ")[:LONGEST]


def has_personal_data(text: str) -> bool:
    """Whether a text has links, addresses or numbers, or what stands for them once normalised."""
    plain = normalize(text)
    return any(pattern.search(plain) or name in plain for pattern, name in _PERSONAL)


async def record_question(
    session: AsyncSession, question: str, language: str, now: datetime
) -> None:
    """Count a question without a confident answer."""
    text = normalise(question)
    if not text:
        return
    row = UnansweredQuestion
    again = update(row).where(row.question == text, row.language == language)
    values = {"count": row.count + 1, "last_asked_at": now}
    found = await session.execute(again.values(values).returning(row.question))
    if found.first() is None:
        stamps = {"first_asked_at": now, "last_asked_at": now}
        session.add(row(question=text, language=language, count=1, **stamps))


async def most_asked(session: AsyncSession, limit: int = 50) -> Sequence[UnansweredQuestion]:
    """Return the questions asked most often, the latest first among equals."""
    row = UnansweredQuestion
    query = select(row).order_by(row.count.desc(), row.last_asked_at.desc()).limit(limit)
    return (await session.scalars(query)).all()
