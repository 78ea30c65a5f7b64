"""Simulated people who suspend, resume, retrieve their code and pay while the bot is killed.

They do what their phone shows: each waits for the answer to what they did, for as long as it
takes, and never does anything a second time but press Pay where the bank had no answer. They know
where they are by the data of the buttons, not by what is said; where that is not where they should
be, they give up immediately, and tell what they see.
"""

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import TypeVar

from sandbox.client.telegram_client import TelegramClient
from sandbox.errors import PersonError
from sandbox.world.world import World
from services.formats.card_number import CardNumber
from tests import phrases
from tests.bot_harness import Json
from tests.handlers.engine.navigation import callback_data
from tests.services.authority.authority_harness import Applicant

PATIENCE = 240.0
"""Seconds after which something counts as lost; a bot that is killed repeatedly is slow."""
_QUESTION = "how much does the card cost"
_BANK_SECONDS = 3.0
_STEP = "v1:dlg:"
_RECEIPT = "v1:go:status"
"""What the button under a receipt does."""
T = TypeVar("T")


class FakeMailServer:
    """A mail server without TLS that keeps mails by address.

    :ivar port: where it listens.
    :ivar answers: cleared to take connections and say nothing.
    """

    def __init__(self) -> None:
        self.mails: dict[str, list[EmailMessage]] = {}
        self.port = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def start(self, port: int = 0) -> int:
        """Start to listen, and return the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def stop(self) -> None:
        """Stop listening."""
        self._server.close()

    def subjects(self, address: str) -> list[str]:
        """Return the subjects of the mails to an address."""
        return [str(mail["Subject"]) for mail in self.mails.get(address, [])]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the bot was killed as it wrote
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.answers.wait()
        writer.write(b"220 ready\r\n")
        while line := (await reader.readline()).decode().strip():
            verb = line.split()[0].upper()
            if verb == "DATA":
                writer.write(b"354 go ahead\r\n")
                self._take(await reader.readuntil(b"\r\n.\r\n"))
            writer.write(b"250 fine\r\n")
            await writer.drain()
            if verb == "QUIT":
                return

    def _take(self, raw: bytes) -> None:
        mail = message_from_bytes(raw.removesuffix(b".\r\n"), policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.setdefault(str(mail["To"]), []).append(mail)


@dataclass
class SimulatedCustomer:
    """A person with a record and a phone.

    :ivar typed: everything they typed that nobody else may ever read.
    :ivar asked: how many questions they asked in between.
    """

    someone: Applicant
    card: CardNumber | None
    person: TelegramClient
    mailboxes: FakeMailServer
    chance: random.Random
    typed: list[str] = field(default_factory=list)
    asked: int = 0
    _codes: set[str] = field(default_factory=set)
    _visited: set[str] = field(default_factory=set)
    _here: str = ""

    @property
    def address(self) -> str:
        """Their mail address."""
        return self.someone.data.mail_address

    @property
    def world(self) -> World:
        """The sandbox's world."""
        return self.person.world

    async def run(self) -> None:
        """Run the whole scenario."""
        if self.card is None:
            await self.pays_with_a_forgotten_code()
        else:
            await self.loses_and_finds_the_card()

    async def loses_and_finds_the_card(self) -> None:
        """Suspend, with a wrong code first, and resume."""
        self.person.start("do-suspend")
        await self.reaches("suspend/who")
        self.types(f"{self.number} {self.wrong_code()}")
        await self.reaches("suspend/code")
        self.types(self.code)
        await self.reaches("suspend/proof")
        await self.may_ask("suspend/proof")
        self.taps("mail")
        await self.reaches("suspend/mailed")
        await self.types_one_time_code()
        await self.reaches("suspend/confirm")
        self.taps("suspend")
        await self.reaches("suspend/offer")
        self.taps(self.chance.choice(["yes", "no"]))
        await self.reaches("suspend/linked", "suspend/done")
        self.person.start("do-resume-who")
        await self.reaches("resume/who")
        self.types(f"{self.number} {self.code}")
        await self.reaches("resume/card")
        await self.may_ask("resume/card")
        assert self.card is not None
        self.types(self.card.reveal())
        await self.reaches("resume/mail")
        self.taps("mail")
        await self.reaches("resume/mailed")
        await self.types_one_time_code()
        await self.reaches("resume/tell")
        self.taps("tell")
        await self.reaches("resume/confirm")
        self.taps("resume")
        await self.reaches("resume/offer", "resume/done")

    async def pays_with_a_forgotten_code(self) -> None:
        """Retrieve the code, pay, and look at the status."""
        self.person.start("do-retrieve")
        await self.reaches("retrieve/form")
        self.taps("gone")
        await self.reaches("retrieve/who")
        self.types(f"{self.number} {self.someone.data.birth_date.isoformat()}")
        await self.reaches("retrieve/mailed")
        await self.types_one_time_code()
        await self.reaches("retrieve/ready")
        self.taps("show")
        await self.reaches("retrieve/shown")
        await self.sees("the code", lambda message: self.code in message.get("text", ""))
        self.taps("noted")
        await self.reaches("retrieve/noted")
        self.person.start("do-pay")
        await self.reaches("pay/who")
        self.types(f"{self.number} {self.code}")
        await self.reaches("pay/owed")
        await self.may_ask("pay/owed")
        self.taps("pay")
        await self.reaches("pay/invoice")
        await self.pays()
        await self.sees("a receipt", lambda message: _RECEIPT in callback_data(message))
        self.person.start("do-status")
        await self.reaches("status/who")
        self.types(f"{self.number} {self.code}")
        await self.reaches("status/offer")

    @property
    def number(self) -> str:
        """Their UI No."""
        return self.someone.ui_number.reveal()

    @property
    def code(self) -> str:
        """Their subscriber code."""
        return self.someone.code.reveal()

    def wrong_code(self) -> str:
        """Return a well-formed code that is not theirs."""
        return "".join(reversed(self.code)) if self.code != self.code[::-1] else "aB3dE9xZ"

    def types(self, secret: str) -> None:
        """Type something that nobody else may read."""
        self.typed += secret.split()
        self.person.send(secret)

    async def types_one_time_code(self) -> None:
        """Read the mail that was not read yet, and type its code."""
        self.types(await self._wait_for(self._new_code, "a one-time code"))

    def _new_code(self) -> str | None:
        for mail in self.mailboxes.mails.get(self.address, []):
            found = re.search(r"\b\d{6}\b", mail.get_content())
            if "one-time code" in str(mail["Subject"]) and found and found[0] not in self._codes:
                self._codes.add(found[0])
                return found[0]
        return None

    async def may_ask(self, step: str) -> None:
        """Perhaps ask a question, which is answered before the step is shown again."""
        if self.chance.random() < 0.5:
            self.asked += 1
            asked = self.person.send(_QUESTION)["message_id"]
            await self.reaches(step, after=asked)

    async def reaches(self, *steps: str, after: int = 0) -> None:
        """Wait until a message shows one of some steps, each as ``conversation/step``.

        Below it there may be a second copy of the step before, from a bot that was killed.

        :param after: the message below which it has to be shown.
        :raises AssertionError: as soon as a step is shown that has no place on their way.
        """

        def find() -> bool | None:
            shown = {step_of(each): each["message_id"] for each in self.received if step_of(each)}
            astray = shown.keys() - self._visited - set(steps)
            assert not astray, self.describe(f"waits for {' or '.join(steps)}")
            self._here = next((step for step in steps if shown.get(step, 0) > after), self._here)
            return (self._here in steps and shown[self._here] > after) or None

        await self._wait_for(find, " or ".join(steps))
        self._visited.add(self._here)

    async def sees(self, what: str, is_it: Callable[[Json], bool]) -> None:
        """Wait until there is a message of the bot of some kind."""
        await self._wait_for(lambda: any(map(is_it, self.received)) or None, what)

    def taps(self, key: str) -> None:
        """Press the button with a key in the newest message that shows the step.

        :raises AssertionError: where there is none.
        """
        shown = [each for each in self.received if step_of(each) == self._here][-1]
        found = keys_of(shown)
        assert key in found, self.describe(f"looks for a button {key}")
        self.person.press(shown["message_id"], found[key])

    async def pays(self) -> None:
        """Press Pay until the bank has taken the money, again where nobody could confirm it."""
        invoice = await self._wait_for(lambda: next(iter(self.invoices), None), "an invoice")
        for _ in range(int(PATIENCE / _BANK_SECONDS)):
            try:
                outcome = await self.person.pay(invoice, timeout=_BANK_SECONDS)
            except PersonError as error:
                if error.code != "already_paid":
                    raise
                return
            if outcome["status"] == "paid":
                return
            is_unconfirmed = phrases.NOT_CONFIRMED in outcome.get("error_message", "")
            assert outcome["status"] == "timeout" or is_unconfirmed, outcome
        raise AssertionError(f"{self.person.account.first_name} cannot pay")

    @property
    def invoices(self) -> list[int]:
        """The invoices in the chat."""
        return [m["message_id"] for m in self.received if "invoice" in m]

    @property
    def received(self) -> list[Json]:
        """The bot's messages."""
        messages: list[Json] = self.person.transcript()["messages"]
        return [m for m in messages if m.get("from", {}).get("is_bot")]

    @property
    def newest_step(self) -> Json | None:
        """The newest message that shows a step."""
        return next((each for each in reversed(self.received) if step_of(each)), None)

    def describe(self, problem: str) -> str:
        """Return who has a problem, and what they see."""
        seen = [
            f"{step_of(each) or 'no step'} {list(keys_of(each))} {each.get('text', '')!r}"
            for each in self.received[-3:]
        ]
        return f"{self.person.account.first_name} {problem}, and sees {'; '.join(seen)}"

    async def _wait_for(self, look: Callable[[], T | None], what: str) -> T:
        end = asyncio.get_running_loop().time() + PATIENCE
        while (found := look()) is None:  # mails ring no bell
            failed = any(phrases.OUR_ERROR in each.get("text", "") for each in self.received)
            is_over = failed or asyncio.get_running_loop().time() > end
            assert not is_over, self.describe(f"waits for {what}")
            found = await self.world.changes.signal.wait_for(look, 0.1)
            if found is not None:
                break
        return found


def step_of(message: Json) -> str:
    """Return the step that a message shows, as ``conversation/step``; empty where it shows none."""
    for data in keys_of(message).values():
        conversation, step, *_ = data.removeprefix(_STEP).split(".")
        return f"{conversation}/{step}"
    return ""


def keys_of(message: Json) -> dict[str, str]:
    """Return the callback data of the buttons of a step, by their keys."""
    data = [each for each in callback_data(message) if each.startswith(_STEP)]
    return {each.rpartition(".")[2]: each for each in data}
