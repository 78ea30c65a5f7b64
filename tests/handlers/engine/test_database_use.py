"""How often one message or tap in a conversation reads its row, and how many transactions it takes.

Checking a secret takes transactions of its own on the rate limits: an attempt is spent and
committed before the slow hash is compared, and the result is recorded after it, so that a crash in
between gives no attempt back.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Connection

from sandbox.engine import Engine
from tests.bot_harness import BotHarness, ChatUser
from tests.handlers.clock import advance_time, set_time
from tests.handlers.conversations.online.cardholders import (
    Cardholder,
    Office,
    open_online_harness,
    read_one_time_code,
    wrong_code,
)
from tests.handlers.engine.navigation import press

MOST_READS, MOST_TRANSACTIONS = 2, 3
CONVERSATIONS, RATE_LIMITS = "dialogs", "allowances"
BACKGROUND_TASKS = {"inbox writer", "due worker", "sweep"}
QUESTION = "how much does the card cost"
_TABLE = re.compile(r"(?:INSERT INTO|UPDATE(?! SET)|DELETE FROM|FROM) (\w+)")


@dataclass
class Transaction:
    """The statements of one transaction, in order."""

    statements: list[str] = field(default_factory=list)

    @property
    def reads(self) -> int:
        """How often a conversation is read."""
        found = [each for each in self.statements if each.startswith("SELECT")]
        return sum(CONVERSATIONS in _TABLE.findall(each) for each in found)

    @property
    def written(self) -> set[str]:
        """The tables that are written."""
        found = [each for each in self.statements if not each.startswith("SELECT")]
        return {table for each in found for table in _TABLE.findall(each)}

    @property
    def is_of_rate_limits(self) -> bool:
        """Whether it spends or records an attempt, apart from the conversation."""
        tables = {table for each in self.statements for table in _TABLE.findall(each)}
        return RATE_LIMITS in tables and CONVERSATIONS not in tables

    def __str__(self) -> str:
        return "\n  ".join(["BEGIN", *(" ".join(each.split())[:70] for each in self.statements)])


class TransactionRecorder:
    """Records the transactions of the handlers, without those of the background tasks."""

    def __init__(self) -> None:
        self.transactions: list[Transaction] = []
        self._current: dict[Connection, Transaction] = {}

    def on_begin(self, connection: Connection) -> None:
        self._current[connection] = Transaction()
        task = asyncio.current_task()
        if task is not None and task.get_name() not in BACKGROUND_TASKS:
            self.transactions.append(self._current[connection])

    def on_statement(self, connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if connection in self._current:  # it is not yet at the BEGIN
            self._current[connection].statements.append(statement)

    @property
    def reads(self) -> int:
        """How often a conversation was read."""
        return sum(each.reads for each in self.transactions)

    @property
    def of_rate_limits(self) -> list[Transaction]:
        return [each for each in self.transactions if each.is_of_rate_limits]

    @property
    def others(self) -> list[Transaction]:
        return [each for each in self.transactions if not each.is_of_rate_limits]

    def expect_few(self) -> None:
        """Expect no more reads and transactions than one message or tap may take."""
        assert self.reads <= MOST_READS, str(self)
        assert len(self.others) <= MOST_TRANSACTIONS, str(self)

    def __str__(self) -> str:
        counts = (
            f"{self.reads} reads of the conversation, {len(self.others)} transactions, "
            f"{len(self.of_rate_limits)} on rate limits:"
        )
        return "\n".join([counts, *map(str, self.transactions)])


@asynccontextmanager
async def record_transactions(harness: BotHarness) -> AsyncIterator[TransactionRecorder]:
    """Record the transactions of the handlers while the block runs."""
    recorder, database = TransactionRecorder(), harness.kaika.database
    listeners = (("begin", recorder.on_begin), ("before_cursor_execute", recorder.on_statement))
    engine = database.engine.sync_engine
    async with database.unit_of_work():  # so that no BEGIN is iterating over the listeners
        for name, listener in listeners:
            event.listen(engine, name, listener)
    yield recorder
    async with database.unit_of_work():
        for name, listener in listeners:
            event.remove(engine, name, listener)


class Anna:
    """A person in a chat, and what they may type.

    :ivar secrets: filled in before anything is recorded, since reading them takes transactions.
    """

    def __init__(self, chat: ChatUser, holder: Cardholder) -> None:
        self.chat, self.holder = chat, holder
        self.secrets: dict[str, str] = {}

    async def learn_secrets(self) -> None:
        holder = self.holder
        self.secrets = {
            "number": holder.ui_number_text,
            "number and code": holder.number_and_code,
            "wrong code": f"{holder.ui_number_text} {wrong_code(holder)}",
            "number and birth date": f"{holder.ui_number_text} {holder.birth_date}",
            "card number": await holder.read_card_number(),
        }


Action = Callable[[Anna], Awaitable[object]]


def says(text: str) -> Action:
    return lambda anna: anna.chat.says(text)


def types(secret: str) -> Action:
    return lambda anna: anna.chat.says(anna.secrets[secret])


def starts(payload: str) -> Action:
    return lambda anna: anna.chat.starts(payload)


def presses(key: str) -> Action:
    return lambda anna: press(anna.chat, key)


async def sends_a_sticker(anna: Anna) -> None:
    await anna.chat.sends("sticker")


async def presses_an_old_button(anna: Anna) -> None:
    await anna.chat.forges(anna.chat.last["message_id"], "v1:dlg:suspend.who.0.none")


async def reads_the_mail(anna: Anna) -> None:
    code = await read_one_time_code(anna.chat.harness, anna.holder)
    anna.secrets["one-time code"] = code
    anna.secrets["wrong one-time code"] = f"{(int(code) + 1) % 1_000_000:06d}"


async def rests_too_long(anna: Anna) -> None:
    advance_time(anna.chat.harness, days=3)


@dataclass(frozen=True)
class Case:
    """One message or tap in a conversation.

    :ivar before: what leads to the step.
    :ivar attempts: the tables that each transaction on the rate limits writes.
    """

    name: str
    action: Action
    before: tuple[Action, ...] = (starts("do-suspend"),)
    attempts: tuple[set[str], ...] = ()


SPEND = {"allowances"}
RECORD_RIGHT = {"allowances", "grants"}
RECORD_WRONG = {"allowances", "audit_entries", "audit_tip"}
"""Spending and recording are two transactions where a hash is compared between them."""

WHO = (starts("do-suspend"),)
PROOF = (*WHO, types("number and code"))
MAILED = (*PROOF, presses("mail"), reads_the_mail)
PAUSED = (*WHO, *[types("wrong code")] * 3, presses("back"))
CASES = (
    Case("a question", says(QUESTION)),
    Case("an error code", says("0x76000006")),
    Case("a sticker", sends_a_sticker),
    Case("a secret that is not asked for", says("482913")),
    Case("a number alone", types("number")),
    Case("a right code", types("number and code"), attempts=(SPEND, RECORD_RIGHT)),
    Case("a wrong code", types("wrong code"), attempts=(SPEND, RECORD_WRONG)),
    Case("a code of a paused chat", types("number and code"), PAUSED, attempts=(SPEND,)),
    Case("a right card number", types("card number"), PROOF, attempts=(RECORD_RIGHT,)),
    Case("a wrong card number", says("GP00000000000000"), PROOF, attempts=(SPEND,)),
    Case("a right one-time code", types("one-time code"), MAILED,
         attempts=({*RECORD_RIGHT, "one_time_challenges"},)),
    Case("a wrong one-time code", types("wrong one-time code"), MAILED,
         attempts=({*SPEND, "one_time_challenges"},)),
    Case("a button", presses("none")),
    Case("a back button", presses("back"), (*WHO, presses("none"))),
    Case("a back button that is typed", says("back"), (*WHO, presses("none"))),
    Case("a button that sends a mail", presses("mail"), PROOF),
    Case("a button that suspends", presses("suspend"), (*PROOF, types("card number"))),
    Case("an old button", presses_an_old_button),
    Case("a language button", presses("lang-zh_Hant")),
    Case("a cancel button", presses("cancel")),
    Case("/cancel", says("/cancel")),
    Case("/help", says("/help")),
    Case("a link to another conversation", starts("do-pay")),
    Case("a link that would lose something", starts("do-pay"), PROOF),
    Case("a question after the timeout", says(QUESTION), (*WHO, rests_too_long)),
    Case("a button after the timeout", presses("none"), (*WHO, rests_too_long)),
    Case("a code after the timeout", types("number and code"), (*WHO, rests_too_long)),
    Case("a right code to pay", types("number and code"), (starts("do-pay"),),
         attempts=(SPEND, RECORD_RIGHT)),
    Case("a right code to see the status", types("number and code"), (starts("do-status"),),
         attempts=(SPEND, RECORD_RIGHT)),
    Case("a birth date", types("number and birth date"), (starts("do-retrieve"), presses("gone"))),
)  # fmt: skip


@pytest.fixture
async def online_harness(engine: Engine, tmp_path: Path) -> AsyncIterator[BotHarness]:
    """The whole bot on the sandbox, with the embedded authority behind it."""
    async with open_online_harness(engine, tmp_path) as ready:
        yield ready


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.name)
async def test_one_message_or_tap_takes_few_transactions(
    online_harness: BotHarness, tmp_path: Path, case: Case
) -> None:
    holder = await Office.open_for(online_harness, tmp_path).cardholder()
    anna = Anna(online_harness.add_user(), holder)
    await anna.learn_secrets()
    for action in case.before:
        await action(anna)
    async with record_transactions(online_harness) as recorder:
        await case.action(anna)
    recorder.expect_few()
    assert [each.written for each in recorder.of_rate_limits] == [*case.attempts], str(recorder)


@pytest.mark.parametrize("text", ["2026-11-20", "2026-12-20", "20 apples", QUESTION, "查無資料"])
async def test_a_text_that_a_step_may_take_takes_few_transactions(
    harness: BotHarness, text: str
) -> None:
    set_time(harness, datetime(2026, 11, 23, 12, tzinfo=UTC))
    anna = harness.add_user()
    await anna.starts("do-pay-date")
    async with record_transactions(harness) as recorder:
        await anna.says(text)
    recorder.expect_few()
    assert recorder.of_rate_limits == [], str(recorder)


async def test_who_has_no_conversation_open_costs_no_query(harness: BotHarness) -> None:
    anna = harness.add_user()
    async with record_transactions(harness) as recorder:
        await anna.says(QUESTION)
        await anna.sends("sticker")
        await anna.says("/help")
    assert recorder.transactions == [], str(recorder)
    await anna.starts("do-suspend")
    async with record_transactions(harness) as recorder:
        await anna.says(QUESTION)
    assert recorder.reads > 0
    await press(anna, "cancel")
    async with record_transactions(harness) as recorder:
        await anna.says(QUESTION)
    assert recorder.reads == 0, str(recorder)
