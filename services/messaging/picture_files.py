"""Under which ids Telegram keeps the pictures that were sent before.

An id is of one bot, and a picture that changed is another one. Telegram may forget an id at any
time; then the picture is uploaded again.
"""

from dataclasses import asdict, dataclass

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.storage.database import upsert
from services.storage.models import PictureFile


@dataclass(frozen=True, slots=True)
class PictureKey:
    """What an id belongs to.

    :ivar content_hash: SHA-256 of the file, in hexadecimal digits.
    """

    bot_id: int
    content_hash: str
    language: str


async def find_file_id(session: AsyncSession, key: PictureKey) -> str | None:
    """Return the id of a picture; `None` where it has to be uploaded."""
    found: str | None = await session.scalar(select(PictureFile.file_id).filter_by(**asdict(key)))
    return found


async def keep_file_id(session: AsyncSession, key: PictureKey, file_id: str) -> None:
    """Keep the id of a picture that was uploaded."""
    await session.execute(upsert(session, PictureFile, asdict(key), {"file_id": file_id}))


async def forget_file_id(session: AsyncSession, key: PictureKey) -> None:
    """Forget an id that Telegram no longer takes."""
    await session.execute(delete(PictureFile).filter_by(**asdict(key)))
