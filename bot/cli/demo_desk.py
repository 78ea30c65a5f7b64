"""The support desk of the demo: a group with two agents, and people who wait there."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sandbox.client.groups import Group
from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from services.desk import staff
from services.storage.database import Database

_AGENTS = (("Bo", "en"), ("宜君", "zh-hant"))
_QUESTIONS = (
    ("Rosa", "en", "My Mac finds the card reader, but the page says there is no card. What now?"),
    ("美玲", "zh-hant", "我昨天繳費了，查詢還是顯示未繳費，怎麼辦？"),
    ("Tomás", "en", "I moved to Tainan last week. Do I need a new card?"),
)
"""People who have asked for a person, and what they wrote."""
_YES = "v1:desk:yes."
"""How the callback data of the button begins that asks for a person."""
_LOOK_SECONDS = 0.2
_LOOKS = 300


@dataclass(frozen=True)
class DemoDesk:
    """The group of the staff, and the people who ask.

    :ivar admin: the agent who has set the desk up.
    """

    admin: TelegramClient
    group: Group
    askers: Sequence[tuple[TelegramClient, str]]

    @classmethod
    def add_to(cls, engine: Engine) -> "DemoDesk":
        """Add the people and the group to the sandbox."""
        agents = [engine.add_person(name, language) for name, language in _AGENTS]
        group = engine.add_group("Support staff 客服", agents, is_forum=True, bot_is_admin=True)
        askers = [(engine.add_person(name, language), text) for name, language, text in _QUESTIONS]
        return cls(agents[0], group, askers)

    async def set_up(self, database: Database, now: datetime) -> None:
        """Have the bot work in the group, as if its admin had chosen it with /desk."""
        group, admin = self.group.id, self.admin.id
        async with database.unit_of_work() as session:
            await staff.set_up_group(session, group, "en", admin, now)

    async def let_people_ask(self) -> None:
        """Let each person ask for a person and write; returns once everybody has."""
        await asyncio.gather(*(_ask(person, text) for person, text in self.askers))


async def _ask(person: TelegramClient, text: str) -> None:
    person.start()
    person.send("/person")
    for _ in range(_LOOKS):
        found = _find_yes(person)
        if found is not None:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    else:
        return
    await person.wait_for_answer(person.press(*found))
    person.send(text)


def _find_yes(person: TelegramClient) -> tuple[int, str] | None:
    """Return message and callback data of the button that asks for a person, once it is there."""
    for message in person.find_chat().current_messages():
        for row in message.get("reply_markup", {}).get("inline_keyboard", []):
            for each in row:
                if each.get("callback_data", "").startswith(_YES):
                    return message["message_id"], each["callback_data"]
    return None
