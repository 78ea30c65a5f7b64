"""Rounds of lives that are cut: prepared once, each on a copy, compared with the uncut lives.

Some are in `make test`, all on demand: ``python -m tests.handlers.conversations.online.crash_runs``.
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

from sandbox.engine import Engine
from services.authority.values import Operation, Proof
from services.formats.subscriber_code import SubscriberCode
from services.messaging.inbox import KEEP
from tests.chat import TOKEN, Stage, Subscriber
from tests.handlers.conversations.online.cardholders import NOW, Cardholder, Office, set_time
from tests.handlers.conversations.online.crash_injection import (
    CrashInjector,
    SentTextRecorder,
    inject_crashes,
)
from tests.handlers.conversations.online.scenarios import (
    RESTART_TIME,
    SCENARIOS,
    Scenario,
    ScenarioActor,
    Snapshot,
    start_offset,
    take_snapshot,
)
from tests.services.authority.world import fast_folder, valid_ui_number

_VARIES = re.compile(r"\d+")
"""Times and numbers of receipts."""
_TEXT_WITH_VARIANTS = "⏸ <b>The certificate is suspended"
"""What a tap on "not me" does is told apart from what was so already."""


@dataclass(frozen=True)
class SentMessages:
    """What was said in the chats and by mail: each text, and how often each mail."""

    chat_texts: Counter[tuple[str, str]]
    mails: Counter[tuple[str, str]]


@dataclass(frozen=True)
class Baseline:
    """What comes of a life in which nobody dies.

    :ivar effects: how many moments there are to die at.
    """

    effect_count: int
    changes: Snapshot
    sent: SentMessages


@dataclass(frozen=True)
class PreparedData:
    """A folder with everybody's records in it, to be copied."""

    folder: Path
    codes: dict[str, SubscriberCode]
    snapshot: Snapshot


class Run:
    """A copy of the prepared folder, and a Telegram of its own.

    One stage after the other is opened on it, as a process after the other is started.
    """

    def __init__(self, prepared: PreparedData, folder: Path) -> None:
        self.prepared, self.folder = prepared, folder
        self.engine, self.recorder = _telegram(), SentTextRecorder()
        self.engine.observe(self.recorder)

    @asynccontextmanager
    async def start_bot(self) -> AsyncIterator[tuple[Stage, dict[str, ScenarioActor]]]:
        """Start the bot; gives it and everybody."""
        async with Stage.set_up(self.engine, self.folder, "embedded") as stage:
            set_time(stage, NOW)
            office = Office(stage, self.folder / "office")
            actors = {life.name: _actor(stage, office, life) for life in SCENARIOS}
            for name, code in self.prepared.codes.items():
                actors[name].holder.code = code
            yield stage, actors

    def sent_to(self, actor: ScenarioActor) -> SentMessages:
        """Give what somebody was told up to now."""
        chats = {"me": actor.person.person.id, "other": actor.linked_person.person.id}
        said = Counter(
            (who, _normalize(text))
            for who, chat in chats.items()
            for text in self.recorder.texts.get(chat, [])
        )
        mailed = Counter(
            (mail.subject, _normalize(mail.text))
            for mail in self.engine.mails.mails
            if mail.to == actor.holder.data.mail_address
        )
        return SentMessages(said, mailed)


def _normalize(text: str) -> str:
    """Give a text without what differs from one time to the next."""
    if text.startswith(_TEXT_WITH_VARIANTS):
        return _TEXT_WITH_VARIANTS
    return _VARIES.sub("#", text)


async def prepare(folder: Path) -> PreparedData:
    """Let everybody be there, each as far as their life needs it."""
    (folder / "office").mkdir(parents=True)
    codes = dict[str, SubscriberCode]()
    async with Stage.set_up(_telegram(), folder, "embedded") as stage:
        set_time(stage, NOW)
        office = Office(stage, folder / "office")
        for number, life in enumerate(SCENARIOS):
            actor = _actor(stage, office, life)
            actor.holder = await office.cardholder(life.card_state, number + 1)
            codes[life.name] = actor.holder.code
            await actor.person.starts()
            await actor.linked_person.starts()
            for chat in (actor.linked_person, *([actor.person] if life.is_linked else [])):
                await _link(actor.holder, chat.person.id)
        await stage.works_off(NOW)
        await _forget_updates(stage)
        before = await take_snapshot(stage)
    return PreparedData(folder, codes, before)


async def _forget_updates(stage: Stage) -> None:
    """Forget which updates there were, whose numbers another Telegram gives again."""
    inbox = stage.kaika.inbox
    await inbox.put([])
    async with stage.kaika.database.unit_of_work() as session:
        await inbox.forget_old(session, NOW + KEEP)


async def _link(holder: Cardholder, chat: int) -> None:
    grant = await holder.granted(Operation.STATUS, Proof.CODE, chat=chat, now=NOW)
    async with holder.world.database.unit_of_work() as session:
        await holder.world.authority.links.link_chat(session, grant.id, chat, NOW, "en")


@asynccontextmanager
async def open_run(prepared: PreparedData, folder: Path) -> AsyncIterator[Run]:
    """Have a round while the block runs."""
    await asyncio.to_thread(shutil.copytree, prepared.folder, folder)
    try:
        yield Run(prepared, folder)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder)


def _telegram() -> Engine:
    """Make a Telegram with two chats for each life, always with the same numbers."""
    engine = Engine(TOKEN)
    for life in SCENARIOS:
        engine.person(life.name, life.language)
        engine.person(f"the other phone of {life.name}", "en")
    for person in engine.people.values():
        person.has_started = True
    return engine


def _actor(stage: Stage, office: Office, life: Scenario) -> ScenarioActor:
    place = SCENARIOS.index(life)
    people = list(stage.engine.people.values())[2 * place : 2 * place + 2]
    me, other = (Subscriber(stage, person) for person in people)
    number = valid_ui_number(random.Random(place + 1))  # noqa: S311
    holder = Cardholder(office, number, place + 1)
    return ScenarioActor(holder, me, other)


async def run_baselines(run: Run) -> dict[str, Baseline]:
    """Let everybody live, and see what comes of each life."""
    baselines = dict[str, Baseline]()
    async with run.start_bot() as (stage, actors), inject_crashes(stage) as injector:
        for scenario in SCENARIOS:
            actor, before = actors[scenario.name], await take_snapshot(stage)
            plan = injector.begin_plan(None)
            await _play(stage, injector, scenario, actor)
            changes = await take_snapshot(stage)
            changes.subtract(before)
            baselines[scenario.name] = Baseline(plan.effect_count, changes, run.sent_to(actor))
    return baselines


@dataclass(frozen=True)
class CrashedRun:
    """What came of lives that were cut and gone on with.

    :ivar at: the turn in which each died.
    """

    snapshot: Snapshot
    sent: dict[str, SentMessages]
    crashed_in: dict[str, int]


async def run_with_crashes(run: Run, scenarios: Sequence[Scenario], effect: int) -> CrashedRun:
    """Let everybody die right after that effect, start the bot anew, and let them go on."""
    crashed_in = dict[str, int]()
    async with run.start_bot() as (stage, actors), inject_crashes(stage) as injector:
        for scenario in scenarios:
            injector.begin_plan(effect)
            crashed_in[scenario.name] = await _play(
                stage, injector, scenario, actors[scenario.name]
            )
    async with run.start_bot() as (stage, actors):
        set_time(stage, RESTART_TIME)
        await stage.kaika.application.update_queue.join()
        await stage.settle()
        await stage.works_off(RESTART_TIME)
        for scenario in scenarios:
            await _resume_after_crash(scenario, crashed_in[scenario.name], actors[scenario.name])
        sent = {life.name: run.sent_to(actors[life.name]) for life in scenarios}
        return CrashedRun(await take_snapshot(stage), sent, crashed_in)


async def _resume_after_crash(scenario: Scenario, crashed_in: int, actor: ScenarioActor) -> None:
    """Do what is left to do after the turn in which the process died."""
    for place, step in enumerate(scenario.steps):
        if place > crashed_in or (place == crashed_in and step.is_repeated):
            await step.act(actor)


async def check_crash_point(
    prepared: PreparedData, baselines: Mapping[str, Baseline], effect: int
) -> int:
    """Cut one round and check everything; gives how many died.

    :raises AssertionError: where something is not as it is uncut.
    """
    scenarios = [life for life in SCENARIOS if baselines[life.name].effect_count >= effect]
    async with open_run(prepared, prepared.folder.with_name(f"cut at {effect}")) as run:
        crashed = await run_with_crashes(run, scenarios, effect)
    assert all(crashed.crashed_in[life.name] < len(life.steps) for life in scenarios), (
        "somebody did not die"
    )
    expected = Counter(prepared.snapshot)
    for scenario in scenarios:
        expected.update(baselines[scenario.name].changes)
    wrong = {
        fact: (crashed.snapshot[fact], expected[fact])
        for fact in {*crashed.snapshot, *expected}
        if crashed.snapshot[fact] != expected[fact]
    }
    assert not wrong, f"effect {effect}: is, should be: {wrong}"
    for scenario in scenarios:
        where = f"{scenario.name}, effect {effect}, turn {crashed.crashed_in[scenario.name]}"
        _check_sent_messages(baselines[scenario.name].sent, crashed.sent[scenario.name], where)
    return len(scenarios)


def _check_sent_messages(expected: SentMessages, sent: SentMessages, where: str) -> None:
    """Everything at least once, nothing else, and one mail twice at the most."""
    assert set(sent.chat_texts) == set(expected.chat_texts), (
        f"{where}: {set(sent.chat_texts) ^ set(expected.chat_texts)}"
    )
    assert set(sent.mails) == set(expected.mails), f"{where}: {sent.mails}"
    assert sent.mails.total() <= expected.mails.total() + 1, f"{where}: {sent.mails}"


async def _play(
    stage: Stage, injector: CrashInjector, scenario: Scenario, actor: ScenarioActor
) -> int:
    """Live until death, or to the end; gives the turn in which it was over."""
    set_time(stage, NOW + start_offset(scenario))
    for place, step in enumerate(scenario.steps):
        if not await injector.run(step.act(actor)):
            return place
    return len(scenario.steps)


async def main() -> None:
    """Cut at every effect there is."""
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        prepared = await prepare(Path(folder) / "prepared")
        async with open_run(prepared, Path(folder) / "uncut") as one_round:
            uncut = await run_baselines(one_round)
        rounds = range(1, max(each.effect_count for each in uncut.values()) + 1)
        deaths = [await check_crash_point(prepared, uncut, effect) for effect in rounds]
    print(f"all agree after {sum(deaths)} deaths in {len(deaths)} rounds")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
