"""Scenarios read as a person acting: `says`, `presses`, `sees`."""

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any, Literal

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr
from telegram.error import NetworkError
from telegram.request import BaseRequest, RequestData

from bot.app import Kaika, OpenAuthority
from bot.settings import Settings
from bot.telegram.transport import AiohttpRequest, read_refusal, reduce_answer
from bot.wiring import embedded
from sandbox.client.groups import Group
from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.errors import OddAnswerError
from sandbox.world.chats import ChatState, StoredMessage
from sandbox.world.file_store import UploadedFile
from sandbox.world.mailbox import MailboxTransport
from services.argon2_cost import Argon2Cost
from services.authority.ca.ca_key_file import CaParameters
from services.authority.embedded.authority import EmbeddedAuthority
from services.formats.hidden import Hidden
from services.storage.database import Database
from services.storage.keys import KeyRing
from tests.bot_api_oracle import Oracle
from tests.first_start import place_ca_key_file, place_database

TOKEN = "123456789:AAtests-use-this-token-0123456789abc"
_COST = Argon2Cost(memory=64, passes=1)
CHEAP = embedded.CryptoParameters(
    hash_cost=_COST,
    ca=CaParameters(key_bits=2048, cost=_COST),
    generate_key=lambda: ec.generate_private_key(ec.SECP256R1()),
)
Json = dict[str, Any]


class EngineRequest(BaseRequest):
    """Carries the bot's calls straight into the sandbox's engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def read_timeout(self) -> float:
        return 1.0

    async def initialize(self) -> None:
        pass

    async def shutdown(self) -> None:
        pass

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *_: Any, **__: Any
    ) -> tuple[int, bytes]:
        params = request_data.parameters if request_data else {}
        files = _read_uploads(request_data) if request_data else {}
        try:
            answer = await self.engine.call(url.rsplit("/", 1)[-1], params, files)
            status, body = answer.get("error_code", 200), orjson.dumps(answer)
        except OddAnswerError as odd:
            if odd.hangs_up:
                raise NetworkError("the line broke") from None
            status, body = odd.status, odd.body
        if status != 200:
            raise read_refusal(status, body)
        return status, reduce_answer(url, body)

    parse_json_payload = staticmethod(AiohttpRequest.parse_json_payload)


def _read_uploads(request_data: RequestData) -> dict[str, UploadedFile]:
    uploads = {}
    for field_name, (name, content, mime_type) in request_data.multipart_data.items():
        assert isinstance(content, bytes)
        uploads[field_name] = UploadedFile(name, content, mime_type)
    return uploads


def _authority_opener(engine: Engine) -> OpenAuthority:
    """Open an embedded authority with cheap hashes and keys, whose mails the sandbox takes."""

    def open_authority(
        settings: Settings, database: Database, ring: KeyRing
    ) -> AbstractAsyncContextManager[embedded.EmbeddedServices]:
        assert settings.ca_passphrase is not None
        passphrase = Hidden(settings.ca_passphrase.get_secret_value())
        place_ca_key_file(settings.ca_key_file, passphrase, CHEAP.ca)
        now, mail = datetime.now(UTC), MailboxTransport(engine.world.mailbox)
        return embedded.open_embedded(settings, database, ring, now, mail, CHEAP)

    return open_authority


_PROVIDER = "284685063:TEST:tests"


@dataclass
class BotHarness:
    """The bot on the sandbox; `settle` lets it answer everything that was sent."""

    engine: Engine
    kaika: Kaika
    _offset: int = 0

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        engine: Engine,
        folder: Path,
        authority: Literal["guide", "embedded"] = "guide",
        texts_per_minute: int = 0,
        desk_admins: tuple[int, ...] = (),
        takes_payments: bool = True,
    ) -> AsyncIterator["BotHarness"]:
        """Start the bot with its data in `folder`.

        :param texts_per_minute: how much one person may write; any number by default.
        :param desk_admins: who sets up the support desk; without any there is none.
        """
        settings = Settings(
            bot_token=SecretStr(TOKEN),
            data_dir=folder,
            authority=authority,
            texts_per_minute=texts_per_minute,
            desk_admins=desk_admins,
            ca_passphrase=SecretStr("of the tests' authority"),
            public_url="http://certificates.example",
            payment_provider_token=SecretStr(_PROVIDER) if takes_payments else None,
        )
        place_database(folder / "kaika.db")
        oracle = Oracle.attach(engine)
        kaika = Kaika(settings, EngineRequest(engine), _authority_opener(engine))
        async with kaika.open_resources(), kaika.process_updates():
            yield cls(engine, kaika)
        oracle.verify()

    @property
    def authority(self) -> EmbeddedAuthority:
        """The embedded authority, where that is who stands behind the conversations."""
        assert self.kaika.embedded is not None
        return self.kaika.embedded.authority

    async def run_due_jobs(self, now: datetime | None = None) -> None:
        """Do what is due by `now`, such as sending mails, and what follows from it."""
        await self.kaika.job_worker.run_due(now or datetime.now(UTC))
        await self.settle()

    def add_user(self, name: str = "Anna", language: str | None = "en") -> "ChatUser":
        """Add a person whose Telegram client speaks `language`."""
        return ChatUser(self, self.engine.add_person(name, language))

    async def settle(self) -> None:
        """Hand the bot every update there is, and wait until each is finished."""
        batch = await self.updates()
        while batch:
            await self.kaika.intake.accept(batch)
            await self.kaika.application.update_queue.join()
            batch = await self.updates()

    async def updates(self) -> list[Json]:
        """Take the next updates out of the sandbox without giving them to the bot."""
        answer = await self.engine.call("getUpdates", {"offset": self._offset, "timeout": 0})
        batch: list[Json] = answer["result"]
        if batch:
            self._offset = batch[-1]["update_id"] + 1
        return batch


class ChatUser:
    """A person and what they see in one chat, or in one topic of it."""

    def __init__(
        self,
        harness: BotHarness,
        person: TelegramClient,
        chat_id: int | None = None,
        thread: int = 0,
    ) -> None:
        self.harness, self.person, self.chat_id = harness, person, chat_id
        self.thread = thread
        self.toast: str | None = None

    def within(self, chat_id: int, thread: int = 0) -> "ChatUser":
        """Return the same person in another chat, or in a topic."""
        return ChatUser(self.harness, self.person, chat_id, thread)

    async def says(self, text: str, reply_to: int | None = None, quote: str | None = None) -> int:
        """Send a text, perhaps as a reply that quotes a part; return its message id."""
        sent = self.person.send(text, self.chat_id, self.thread, reply_to, quote)
        await self.harness.settle()
        return int(sent["message_id"])

    async def starts(self, payload: str | None = None) -> None:
        """Press Start, or follow a deep link."""
        self.person.start(payload)
        await self.harness.settle()

    async def sends(
        self, kind: str, caption: str | None = None, reply_to: int | None = None
    ) -> int:
        """Send something that is no text; return its message id."""
        sent = self.person.send_media(kind, caption, self.chat_id, self.thread, reply_to)
        await self.harness.settle()
        return int(sent["message_id"])

    async def sends_album(self, *kinds: str, caption: str | None = None) -> list[int]:
        """Send several files as one album; return their message ids."""
        sent = self.person.send_album(kinds, caption, self.chat_id, self.thread)
        await self.harness.settle()
        return [int(message["message_id"]) for message in sent]

    async def pins(self, message_id: int) -> None:
        """Pin a message."""
        self.person.pin(message_id, self.chat_id)
        await self.harness.settle()

    async def edits(self, message_id: int, text: str) -> None:
        """Change the text of an own message."""
        self.person.edit(message_id, text, self.chat_id)
        await self.harness.settle()

    async def deletes(self, message_id: int) -> None:
        """Delete a message for everybody."""
        self.person.delete(message_id, self.chat_id)
        await self.harness.settle()

    async def reacts(self, message_id: int, emoji: str | None) -> None:
        """React to a message, or take the reaction back."""
        self.person.react(message_id, emoji, self.chat_id)
        await self.harness.settle()

    async def shares_chat(self, label: str, group: Group) -> None:
        """Press the key of the reply keyboard that asks for a group, and choose this one."""
        self.person.share_chat(label, group.id)
        await self.harness.settle()

    async def renames_topic(self, name: str) -> None:
        """Rename the topic."""
        self._group.rename_topic(self.thread, name, self.person)
        await self.harness.settle()

    async def closes_topic(self) -> None:
        """Close the topic."""
        self._group.close_topic(self.thread, self.person)
        await self.harness.settle()

    async def reopens_topic(self) -> None:
        """Reopen the topic."""
        self._group.reopen_topic(self.thread, self.person)
        await self.harness.settle()

    async def deletes_topic(self) -> None:
        """Delete the topic, of which the bot is not told."""
        self._group.delete_topic(self.thread, self.person)
        await self.harness.settle()

    @property
    def _group(self) -> Group:
        return Group(self.harness.engine.world, self._chat)

    @property
    def _chat(self) -> ChatState:
        return self.person.find_chat(self.chat_id)

    async def presses(self, label: str) -> None:
        """Press the button of the bot's newest message that has `label` in its text."""
        message = self.last
        found = [b for b in buttons(message) if label in b["text"]]
        assert found, f"no button {label!r} among {[b['text'] for b in buttons(message)]}"
        await self.forges(message["message_id"], found[0]["callback_data"])

    async def forges(self, message_id: int, data: str) -> None:
        """Send callback data a button may never have had."""
        query = self.person.press(message_id, data, chat_id=self.chat_id, forge=True)
        await self.harness.settle()
        answer = await self.harness.engine.world.queries.wait_for_answer(query, 1.0)
        assert answer is not None, "the button was never answered"
        self.toast = answer.get("text")

    async def asks_inline(self, query: str, offset: str = "") -> Json:
        """Type ``@bot query``; return the bot's answer."""
        query_id = self.person.query_inline(query, self.chat_id, offset)
        await self.harness.settle()
        answer = await self.harness.engine.world.queries.wait_for_answer(query_id, 1.0)
        assert answer is not None, "the inline query was never answered"
        return {"inline_query_id": query_id, **answer}

    @property
    def messages(self) -> list[Json]:
        """Everything the chat or topic shows."""
        return [stored.message for stored in self._shown_messages]

    @property
    def bot_messages(self) -> list[Json]:
        """What the bot wrote."""
        own = [one for one in self._shown_messages if one.is_outgoing and not one.is_service]
        return [stored.message for stored in own]

    @property
    def _shown_messages(self) -> list[StoredMessage]:
        every = self._chat.messages.values()
        return [stored for stored in every if self.thread in (0, stored.topic_id)]

    @property
    def last(self) -> Json:
        """The bot's newest message."""
        assert self.bot_messages, "the bot said nothing"
        return self.bot_messages[-1]

    @property
    def labels(self) -> list[str]:
        """The buttons under the bot's newest message."""
        return [b["text"] for b in buttons(self.last)]

    def sees(self, *fragments: str) -> None:
        """Expect the bot's newest message to hold every fragment."""
        for fragment in fragments:
            assert fragment in self.last["text"], f"{fragment!r} not in {self.last['text']!r}"


def buttons(message: Json) -> list[Json]:
    """Return the buttons under a message, row by row."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button for row in rows for button in row]


def plain(html: str) -> str:
    """Return Telegram HTML as the text a person sees."""
    return unescape(re.sub(r"<[^>]+>", "", html))
