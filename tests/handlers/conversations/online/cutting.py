"""Rounds of lives that are cut: prepared once, each on a copy, compared with the uncut lives.

Some are in `make test`, all on demand: ``python -m tests.handlers.conversations.online.cutting``.
"""

import asyncio
import random
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from services.authority.values import AuthorityOperation, Proof
from services.formats.subscriber_code import SubscriberCode
from services.messaging.inbox import RETENTION
from tests.chat import TOKEN, Stage, Subscriber
from tests.handlers.conversations.online.dying import Doom, Heard, doomed
from tests.handlers.conversations.online.lives import (
    AFTER,
    LIVES,
    Actor,
    Facts,
    Life,
    facts,
    moment_of,
)
from tests.handlers.conversations.online.people import NOW, Holder, Office, at
from tests.services.authority.world import fast_folder, valid_ui_number

_VARIES = re.compile(r"\d+")
"""Times and numbers of receipts."""
_SAID_IN_TWO_WAYS = "⏸ <b>The certificate is suspended"
"""What a tap on "not me" does is told apart from what was so already."""


@dataclass(frozen=True)
class Told:
    """What was said in the chats and by mail: each text, and how often each mail."""

    said: Counter[tuple[str, str]]
    mailed: Counter[tuple[str, str]]


@dataclass(frozen=True)
class Uncut:
    """What comes of a life in which nobody dies.

    :ivar effects: how many moments there are to die at.
    """

    effects: int
    changes: Facts
    told: Told


@dataclass(frozen=True)
class Prepared:
    """A folder with everybody's records in it, to be copied."""

    folder: Path
    codes: dict[str, SubscriberCode]
    before: Facts


class Round:
    """A copy of the prepared folder, and a Telegram of its own.

    One stage after the other is opened on it, as a process after the other is started.
    """

    def __init__(self, prepared: Prepared, folder: Path) -> None:
        self.prepared, self.folder = prepared, folder
        self.engine, self.heard = _telegram(), Heard()
        self.engine.observe(self.heard)

    @asynccontextmanager
    async def started(self) -> AsyncIterator[tuple[Stage, dict[str, Actor]]]:
        """Start the bot; gives it and everybody."""
        async with Stage.set_up(self.engine, self.folder, "embedded") as stage:
            at(stage, NOW)
            office = Office(stage, self.folder / "office")
            actors = {life.name: _actor(stage, office, life) for life in LIVES}
            for name, code in self.prepared.codes.items():
                actors[name].holder.code = code
            yield stage, actors

    def told(self, actor: Actor) -> Told:
        """Give what somebody was told up to now."""
        chats = {"me": actor.me.person.id, "other": actor.other.person.id}
        said = Counter(
            (who, _same(text))
            for who, chat in chats.items()
            for text in self.heard.texts.get(chat, [])
        )
        mailed = Counter(
            (mail.subject, _same(mail.text))
            for mail in self.engine.world.mailbox.mails
            if mail.to == actor.holder.data.mail_address
        )
        return Told(said, mailed)


def _same(text: str) -> str:
    """Give a text without what differs from one time to the next."""
    if text.startswith(_SAID_IN_TWO_WAYS):
        return _SAID_IN_TWO_WAYS
    return _VARIES.sub("#", text)


async def prepare(folder: Path) -> Prepared:
    """Let everybody be there, each as far as their life needs it."""
    (folder / "office").mkdir(parents=True)
    codes = dict[str, SubscriberCode]()
    async with Stage.set_up(_telegram(), folder, "embedded") as stage:
        at(stage, NOW)
        office = Office(stage, folder / "office")
        for number, life in enumerate(LIVES):
            actor = _actor(stage, office, life)
            actor.holder = await office.someone(life.state, number + 1)
            codes[life.name] = actor.holder.code
            await actor.me.starts()
            await actor.other.starts()
            for chat in (actor.other, *([actor.me] if life.is_linked else [])):
                await _link(actor.holder, chat.person.id)
        await stage.works_off(NOW)
        await _forget_updates(stage)
        before = await facts(stage)
    return Prepared(folder, codes, before)


async def _forget_updates(stage: Stage) -> None:
    """Forget which updates there were, whose numbers another Telegram gives again."""
    inbox = stage.kaika.inbox
    await inbox.store([])
    async with stage.kaika.database.unit_of_work() as session:
        await inbox.delete_old(session, NOW + RETENTION)


async def _link(holder: Holder, chat: int) -> None:
    grant = await holder.granted(AuthorityOperation.STATUS, Proof.CODE, chat=chat, now=NOW)
    async with holder.world.database.unit_of_work() as session:
        await holder.world.authority.links.link_chat(session, grant.id, chat, NOW, "en")


@asynccontextmanager
async def a_round(prepared: Prepared, folder: Path) -> AsyncIterator[Round]:
    """Have a round while the block runs."""
    await asyncio.to_thread(shutil.copytree, prepared.folder, folder)
    try:
        yield Round(prepared, folder)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder)


def _telegram() -> Engine:
    """Make a Telegram with two chats for each life, always with the same numbers."""
    engine = Engine(TOKEN)
    for life in LIVES:
        engine.add_person(life.name, life.language)
        engine.add_person(f"the other phone of {life.name}", "en")
    for person in engine.world.accounts.values():
        person.has_started = True
    return engine


def _actor(stage: Stage, office: Office, life: Life) -> Actor:
    place = LIVES.index(life)
    world = stage.engine.world
    accounts = list(world.accounts.values())[2 * place : 2 * place + 2]
    me, other = (Subscriber(stage, TelegramClient(world, account)) for account in accounts)
    number = valid_ui_number(random.Random(place + 1))  # noqa: S311
    holder = Holder(office, number, place + 1)
    return Actor(holder, me, other)


async def uncut_lives(one_round: Round) -> dict[str, Uncut]:
    """Let everybody live, and see what comes of each life."""
    found = dict[str, Uncut]()
    async with one_round.started() as (stage, actors), doomed(stage) as doom:
        for life in LIVES:
            actor, before = actors[life.name], await facts(stage)
            one = doom.next(None)
            await _lives(stage, doom, life, actor)
            changes = await facts(stage)
            changes.subtract(before)
            found[life.name] = Uncut(one.effects, changes, one_round.told(actor))
    return found


@dataclass(frozen=True)
class Cut:
    """What came of lives that were cut and gone on with.

    :ivar at: the turn in which each died.
    """

    so: Facts
    told: dict[str, Told]
    at: dict[str, int]


async def cut_lives(one_round: Round, lives: Sequence[Life], effect: int) -> Cut:
    """Let everybody die right after that effect, start the bot anew, and let them go on."""
    left = dict[str, int]()
    async with one_round.started() as (stage, actors), doomed(stage) as doom:
        for life in lives:
            doom.next(effect)
            left[life.name] = await _lives(stage, doom, life, actors[life.name])
    async with one_round.started() as (stage, actors):
        at(stage, AFTER)
        await stage.kaika.application.update_queue.join()
        await stage.settle()
        await stage.works_off(AFTER)
        for life in lives:
            await _goes_on(life, left[life.name], actors[life.name])
        told = {life.name: one_round.told(actors[life.name]) for life in lives}
        return Cut(await facts(stage), told, left)


async def _goes_on(life: Life, left: int, actor: Actor) -> None:
    """Do what is left to do after the turn in which the process died."""
    for place, turn in enumerate(life.turns):
        if place > left or (place == left and turn.again):
            await turn.act(actor)


async def checked(prepared: Prepared, uncut: Mapping[str, Uncut], effect: int) -> int:
    """Cut one round and check everything; gives how many died.

    :raises AssertionError: where something is not as it is uncut.
    """
    lives = [life for life in LIVES if uncut[life.name].effects >= effect]
    async with a_round(prepared, prepared.folder.with_name(f"cut at {effect}")) as one_round:
        cut = await cut_lives(one_round, lives, effect)
    assert all(cut.at[life.name] < len(life.turns) for life in lives), "somebody did not die"
    expected = Counter(prepared.before)
    for life in lives:
        expected.update(uncut[life.name].changes)
    wrong = {
        fact: (cut.so[fact], expected[fact])
        for fact in {*cut.so, *expected}
        if cut.so[fact] != expected[fact]
    }
    assert not wrong, f"effect {effect}: is, should be: {wrong}"
    for life in lives:
        where = f"{life.name}, effect {effect}, turn {cut.at[life.name]}"
        _check_what_was_told(uncut[life.name].told, cut.told[life.name], where)
    return len(lives)


def _check_what_was_told(uncut: Told, cut: Told, where: str) -> None:
    """Everything at least once, nothing else, and one mail twice at the most."""
    assert set(cut.said) == set(uncut.said), f"{where}: {set(cut.said) ^ set(uncut.said)}"
    assert set(cut.mailed) == set(uncut.mailed), f"{where}: {cut.mailed}"
    assert cut.mailed.total() <= uncut.mailed.total() + 1, f"{where}: {cut.mailed}"


async def _lives(stage: Stage, doom: Doom, life: Life, actor: Actor) -> int:
    """Live until death, or to the end; gives the turn in which it was over."""
    at(stage, NOW + moment_of(life))
    for place, turn in enumerate(life.turns):
        if not await doom.lives(turn.act(actor)):
            return place
    return len(life.turns)


async def main() -> None:
    """Cut at every effect there is."""
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        prepared = await prepare(Path(folder) / "prepared")
        async with a_round(prepared, Path(folder) / "uncut") as one_round:
            uncut = await uncut_lives(one_round)
        rounds = range(1, max(each.effects for each in uncut.values()) + 1)
        deaths = [await checked(prepared, uncut, effect) for effect in rounds]
    print(f"all agree after {sum(deaths)} deaths in {len(deaths)} rounds")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
