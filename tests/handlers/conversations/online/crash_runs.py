"""Runs of the scenarios with a crash, each on a copy of prepared data, compared with a baseline.

`make test` covers some crash points; this covers all of them::

    python -m tests.handlers.conversations.online.crash_runs
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
from services.formats.subscriber_code import SubscriberCode
from services.messaging.inbox import RETENTION
from tests.bot_harness import TOKEN, BotHarness, ChatUser
from tests.handlers.clock import NOW, set_time
from tests.handlers.conversations.online.cardholders import Cardholder, Office
from tests.handlers.conversations.online.crash_injection import (
    CrashInjector,
    SentTextRecorder,
    inject_crashes,
)
from tests.handlers.conversations.online.linked_chats import link_chat
from tests.handlers.conversations.online.scenarios import (
    RESTART_TIME,
    SCENARIOS,
    Scenario,
    ScenarioActor,
    Snapshot,
    start_offset,
    take_snapshot,
)
from tests.services.authority.authority_harness import fast_folder, valid_ui_number

_DIGITS = re.compile(r"\d+")
"""Times and receipt numbers differ between runs."""
_TEXT_WITH_VARIANTS = "⏸ <b>The certificate is suspended"
"""How the text on suspension by "not me" begins; the rest says whether it was suspended before."""


@dataclass(frozen=True)
class SentMessages:
    """The texts sent to the chats and by mail, with how often."""

    chat_texts: Counter[tuple[str, str]]
    mails: Counter[tuple[str, str]]


@dataclass(frozen=True)
class Baseline:
    """The result of a scenario without a crash.

    :ivar effect_count: the number of crash points.
    """

    effect_count: int
    changes: Snapshot
    sent: SentMessages


@dataclass(frozen=True)
class PreparedData:
    """A folder with the records of every actor, to be copied."""

    folder: Path
    codes: dict[str, SubscriberCode]
    snapshot: Snapshot


class ScenarioRun:
    """A copy of the prepared folder, and a sandbox of its own.

    One bot after the other is started on it, like processes that are started in turn.
    """

    def __init__(self, prepared: PreparedData, folder: Path) -> None:
        self.prepared, self.folder = prepared, folder
        self.engine, self.recorder = _create_engine(), SentTextRecorder()
        self.engine.observe(self.recorder)

    @asynccontextmanager
    async def start_bot(self) -> AsyncIterator[tuple[BotHarness, dict[str, ScenarioActor]]]:
        """Start the bot; yields it and the actors by scenario."""
        async with BotHarness.start(self.engine, self.folder, "embedded") as harness:
            set_time(harness, NOW)
            office = Office(harness, self.folder / "office")
            actors = {each.name: _create_actor(harness, office, each) for each in SCENARIOS}
            for name, code in self.prepared.codes.items():
                actors[name].holder.code = code
            yield harness, actors

    def sent_to(self, actor: ScenarioActor) -> SentMessages:
        """Return what an actor was sent up to now."""
        chats = {"me": actor.person.person.id, "other": actor.linked_person.person.id}
        chat_texts = Counter(
            (who, _normalize(text))
            for who, chat in chats.items()
            for text in self.recorder.texts.get(chat, [])
        )
        mails = Counter(
            (mail.subject, _normalize(mail.text))
            for mail in self.engine.world.mailbox.mails
            if mail.to == actor.holder.data.mail_address
        )
        return SentMessages(chat_texts, mails)


def _normalize(text: str) -> str:
    """Return a text without what differs between runs."""
    if text.startswith(_TEXT_WITH_VARIANTS):
        return _TEXT_WITH_VARIANTS
    return _DIGITS.sub("#", text)


async def prepare(folder: Path) -> PreparedData:
    """Create the records and chats that the scenarios begin with."""
    (folder / "office").mkdir(parents=True)
    codes = dict[str, SubscriberCode]()
    async with BotHarness.start(_create_engine(), folder, "embedded") as harness:
        set_time(harness, NOW)
        office = Office(harness, folder / "office")
        for number, scenario in enumerate(SCENARIOS):
            actor = _create_actor(harness, office, scenario)
            actor.holder = await office.cardholder(scenario.card_state, number + 1)
            codes[scenario.name] = actor.holder.code
            await actor.person.starts()
            await actor.linked_person.starts()
            for chat in (actor.linked_person, *([actor.person] if scenario.is_linked else [])):
                await link_chat(actor.holder, chat)
        await harness.run_due_jobs(NOW)
        await _forget_updates(harness)
        before = await take_snapshot(harness)
    return PreparedData(folder, codes, before)


async def _forget_updates(harness: BotHarness) -> None:
    """Empty the inbox: another sandbox uses the same update numbers again."""
    inbox = harness.kaika.inbox
    await inbox.store([])
    async with harness.kaika.database.unit_of_work() as session:
        await inbox.delete_old(session, NOW + RETENTION)


@asynccontextmanager
async def open_run(prepared: PreparedData, folder: Path) -> AsyncIterator[ScenarioRun]:
    """Copy the prepared data for one run, and delete the copy afterwards."""
    await asyncio.to_thread(shutil.copytree, prepared.folder, folder)
    try:
        yield ScenarioRun(prepared, folder)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder)


def _create_engine() -> Engine:
    """Create a sandbox with two chats for each scenario, always with the same numbers."""
    engine = Engine(TOKEN)
    for scenario in SCENARIOS:
        engine.add_person(scenario.name, scenario.language)
        engine.add_person(f"the other phone of {scenario.name}", "en")
    for account in engine.world.accounts.values():
        account.has_started = True
    return engine


def _create_actor(harness: BotHarness, office: Office, scenario: Scenario) -> ScenarioActor:
    place = SCENARIOS.index(scenario)
    world = harness.engine.world
    accounts = list(world.accounts.values())[2 * place : 2 * place + 2]
    person, linked_person = (ChatUser(harness, TelegramClient(world, each)) for each in accounts)
    number = valid_ui_number(random.Random(place + 1))  # noqa: S311
    holder = Cardholder(office, number, place + 1)
    return ScenarioActor(holder, person, linked_person)


async def run_baselines(run: ScenarioRun) -> dict[str, Baseline]:
    """Play every scenario without a crash."""
    baselines = dict[str, Baseline]()
    async with run.start_bot() as (harness, actors), inject_crashes(harness) as injector:
        for scenario in SCENARIOS:
            actor, before = actors[scenario.name], await take_snapshot(harness)
            plan = injector.begin_plan(None)
            await _play(harness, injector, scenario, actor)
            changes = await take_snapshot(harness)
            changes.subtract(before)
            baselines[scenario.name] = Baseline(plan.effect_count, changes, run.sent_to(actor))
    return baselines


@dataclass(frozen=True)
class CrashedRun:
    """The result of scenarios that crashed once and were finished after a restart.

    :ivar crashed_in: the index of the step in which each crashed.
    """

    snapshot: Snapshot
    sent: dict[str, SentMessages]
    crashed_in: dict[str, int]


async def run_with_crashes(
    run: ScenarioRun, scenarios: Sequence[Scenario], effect: int
) -> CrashedRun:
    """Crash every scenario right after effect number `effect`, restart the bot, and finish them."""
    crashed_in = dict[str, int]()
    async with run.start_bot() as (harness, actors), inject_crashes(harness) as injector:
        for scenario in scenarios:
            injector.begin_plan(effect)
            crashed_in[scenario.name] = await _play(
                harness, injector, scenario, actors[scenario.name]
            )
    async with run.start_bot() as (harness, actors):
        set_time(harness, RESTART_TIME)
        await harness.kaika.application.update_queue.join()
        await harness.settle()
        await harness.run_due_jobs(RESTART_TIME)
        for scenario in scenarios:
            await _resume_after_crash(scenario, crashed_in[scenario.name], actors[scenario.name])
        sent = {each.name: run.sent_to(actors[each.name]) for each in scenarios}
        return CrashedRun(await take_snapshot(harness), sent, crashed_in)


async def _resume_after_crash(scenario: Scenario, crashed_in: int, actor: ScenarioActor) -> None:
    """Play the steps after the one in which the process crashed."""
    for place, step in enumerate(scenario.steps):
        if place > crashed_in or (place == crashed_in and step.is_repeated):
            await step.act(actor)


async def check_crash_point(
    prepared: PreparedData, baselines: Mapping[str, Baseline], effect: int
) -> int:
    """Crash every scenario after one effect; return how many crashed.

    :raises AssertionError: if the result differs from the baseline.
    """
    scenarios = [each for each in SCENARIOS if baselines[each.name].effect_count >= effect]
    async with open_run(prepared, prepared.folder.with_name(f"crash at {effect}")) as run:
        crashed = await run_with_crashes(run, scenarios, effect)
    not_crashed = {
        each.name: baselines[each.name].effect_count
        for each in scenarios
        if crashed.crashed_in[each.name] == len(each.steps)
    }
    assert not not_crashed, f"nothing crashed at {effect}, though there are {not_crashed} effects"
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
        where = f"{scenario.name}, effect {effect}, step {crashed.crashed_in[scenario.name]}"
        _check_sent_messages(baselines[scenario.name].sent, crashed.sent[scenario.name], where)
    return len(scenarios)


def _check_sent_messages(expected: SentMessages, sent: SentMessages, where: str) -> None:
    """Expect every message at least once, no other, and at most one mail twice."""
    assert set(sent.chat_texts) == set(expected.chat_texts), (
        f"{where}: {set(sent.chat_texts) ^ set(expected.chat_texts)}"
    )
    assert set(sent.mails) == set(expected.mails), f"{where}: {sent.mails}"
    assert sent.mails.total() <= expected.mails.total() + 1, f"{where}: {sent.mails}"


async def _play(
    harness: BotHarness, injector: CrashInjector, scenario: Scenario, actor: ScenarioActor
) -> int:
    """Play until a crash or the end; return the index of the step where it stopped."""
    set_time(harness, NOW + start_offset(scenario))
    for place, step in enumerate(scenario.steps):
        if not await injector.run(step.act(actor)):
            return place
    return len(scenario.steps)


async def main() -> None:
    """Crash after every effect there is."""
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        prepared = await prepare(Path(folder) / "prepared")
        async with open_run(prepared, Path(folder) / "baseline") as run:
            baselines = await run_baselines(run)
        effects = range(1, max(each.effect_count for each in baselines.values()) + 1)
        crashes = [await check_crash_point(prepared, baselines, effect) for effect in effects]
    print(f"all agree after {sum(crashes)} crashes in {len(crashes)} runs")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
