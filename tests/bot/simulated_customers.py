"""Simulated people who suspend, resume, retrieve their code and pay while the bot is killed.

They do what their phone shows: each waits for the answer to what they did, for as long as it
takes, and never does anything a second time but press Pay where the bank had no answer.
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
from tests.bot_harness import Json, buttons
from tests.services.authority.authority_harness import Applicant

PATIENCE = 240.0
"""Seconds after which something counts as lost; a bot that is killed repeatedly is slow."""
_QUESTION = "how much does the card cost"
_BANK_SECONDS = 3.0
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
        await self.sees("Suspend (停用) right away")
        self.types(f"{self.number} {self.wrong_code()}")
        await self.sees("Attempts left: 3")
        self.types(self.code)
        await self.sees("One more thing, choose one")
        await self.may_ask("One more thing, choose one")
        await self.taps("mail")
        await self.types_one_time_code()
        await self.sees(phrases.SUSPEND_NOW)
        await self.taps("suspend")
        await self.sees(phrases.SUSPENDED)
        await self.taps(self.chance.choice(["yes", "no"]))
        self.person.start("do-resume-who")
        await self.sees("Later you also need")
        self.types(f"{self.number} {self.code}")
        await self.sees("on your card")
        await self.may_ask("on your card")
        assert self.card is not None
        self.types(self.card.reveal())
        await self.sees("The card number is correct")
        await self.taps("mail")
        await self.types_one_time_code()
        await self.sees("You're verified")
        await self.taps("tell")
        await self.sees(phrases.THEY_ARE_TOLD)
        await self.taps("resume")
        await self.sees("Reactivated.")

    async def pays_with_a_forgotten_code(self) -> None:
        """Retrieve the code, pay, and look at the status."""
        self.person.start("do-retrieve")
        await self.sees("Check the form first")
        await self.taps("gone")
        await self.sees("and birth date")
        self.types(f"{self.number} {self.someone.data.birth_date.isoformat()}")
        await self.types_one_time_code()
        await self.sees(phrases.SHOWN_WHO_YOU_ARE)
        await self.taps("show")
        await self.sees(phrases.TAP_TO_SEE)
        await self.taps("noted")
        await self.sees(phrases.KEEP_IT_SAFE)
        self.person.start("do-pay")
        await self.sees("You check amount and address")
        self.types(f"{self.number} {self.code}")
        await self.sees("To pay: NT$278")
        await self.may_ask("To pay: NT$278")
        await self.taps("pay")
        await self.pays()
        await self.sees(phrases.PAYMENT_RECEIVED)
        self.person.start("do-status")
        await self.sees("see your application and your certificate")
        self.types(f"{self.number} {self.code}")
        await self.sees("Next: wait for the card.")

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
            await self.sees(step, after=asked)

    async def sees(self, fragment: str, after: int = 0) -> None:
        """Wait until a text is in a message of the bot."""

        def said() -> bool | None:
            texts = [m.get("text", "") for m in self.received if m["message_id"] > after]
            return any(fragment in text for text in texts) or None

        await self._wait_for(said, fragment)

    async def taps(self, key: str) -> None:
        """Press the newest button with a key, once it is shown."""

        def found() -> tuple[int, str] | None:
            for message in reversed(self.received):
                for button in buttons(message):
                    data = button.get("callback_data", "")
                    if data.endswith(f".{key}"):
                        return message["message_id"], data
            return None

        self.person.press(*await self._wait_for(found, f"a button {key}"))

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

    async def _wait_for(self, look: Callable[[], T | None], what: str) -> T:
        end = asyncio.get_running_loop().time() + PATIENCE
        while (found := look()) is None:  # mails ring no bell
            if asyncio.get_running_loop().time() > end:
                said = [message.get("text", "")[:70] for message in self.received[-3:]]
                raise AssertionError(
                    f"{self.person.account.first_name} waits for {what}, sees {said}"
                )
            found = await self.world.changes.signal.wait_for(look, 0.1)
            if found is not None:
                break
        return found
