"""What Telegram hands over: answers to `getUpdates`, webhook posts, buttons, inline queries."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache
from typing import Any

import aiohttp
from hypothesis import strategies as st

from bot.telegram.transport import AiohttpRequest
from bot.updates.poller import Poller
from bot.updates.webhook import WEBHOOK_HEADER, webhook_routes
from bot.web import listeners
from sandbox.engine import Engine
from sandbox.errors import PersonError
from tests.bot_harness import TOKEN, Json, buttons
from tests.fuzz.boundary import Boundary, Feed
from tests.fuzz.fuzzed_bot import FuzzedBot, open_fuzzed_bot
from tests.fuzz.json_mutation import encode, mutated
from tests.handlers.conversations.online.cardholders import read_one_time_code

SECRET = "a-secret-only-telegram-knows"
MEDIA = ("sticker", "photo", "voice", "video", "document", "contact", "location")
TEXTS = (
    "how much does the card cost", "我的卡掉了", "/guide", "/start do-suspend", "/language en",
    "AB12345678", "A800000014 aB3dE9xZ", "1990-05-17", "cancel", "", "9" * 4096, "a@" * 2048,
    "-" * 4096, " " * 4096, "E1234", "\u202e\u0000", "👩‍👩‍👧‍👦" * 300, "ＡＢ１２３４５６７８",
    "+" * 4096, "/x@y",
)  # fmt: skip


class UpdateRecorder:
    """An observer of a sandbox that keeps the updates."""

    def __init__(self) -> None:
        self.updates: list[Json] = []

    def on_update(self, update: Json) -> None:
        """Keep an update."""
        self.updates.append(update)

    def on_call(self, *_: object) -> None:
        """Do nothing."""


@cache
def collect_updates() -> list[Json]:
    """Return one update of each kind, as the sandbox sends them to its first person's bot."""
    engine, recorder = Engine(TOKEN), UpdateRecorder()
    engine.observe(recorder)
    person = engine.add_person("Anna", "en")
    person.start("do-suspend")
    sent = person.send("how much does the card cost")
    person.send("yes", reply_to_message_id=sent["message_id"])
    person.edit(sent["message_id"], "我的卡掉了")
    for kind in MEDIA:
        person.send_media(kind)
    person.press(sent["message_id"], "v1:go:suspend", forge=True)
    person.query_inline("卡")
    person.block()
    person.unblock()
    return [*recorder.updates, *_payment_updates(recorder.updates[0])]


def _payment_updates(text: Json) -> list[Json]:
    """Return a pre-checkout and a payment, with the person of another update."""
    message = text["message"]
    amount = {"currency": "TWD", "total_amount": 27800, "invoice_payload": "0" * 32}
    charge = {"telegram_payment_charge_id": "t1", "provider_payment_charge_id": "p1"}
    plain = {key: message[key] for key in ("message_id", "from", "chat", "date")}
    return [
        {"update_id": 1, "pre_checkout_query": {"id": "7", "from": message["from"], **amount}},
        {"update_id": 1, "message": {**plain, "successful_payment": {**amount, **charge}}},
    ]


@st.composite
def updates(draw: st.DrawFn) -> list[Any]:
    """A few updates, each with up to four changes."""
    found = []
    for number in range(draw(st.integers(1, 3))):
        update = draw(mutated(collect_updates()))
        if isinstance(update.get("message"), dict) and draw(st.booleans()):
            update["message"]["text"] = draw(st.sampled_from(TEXTS) | st.text(max_size=60))
        if "update_id" in update and draw(st.integers(0, 9)):
            update["update_id"] = number + 1
        found.append(update)
    return found


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """An answer to `getUpdates`, seldom with a change outside the updates."""
    answer: Any = {"ok": True, "result": draw(updates())}
    if not draw(st.integers(0, 9)):
        answer = draw(
            mutated(
                [
                    answer,
                    {
                        "ok": False,
                        "error_code": 429,
                        "description": "x",
                        "parameters": {"retry_after": 1},
                    },
                ]
            )
        )
    return encode(answer)


class SingleAnswer(AiohttpRequest):
    """Answers the first call of a poller with an input, and the next one never."""

    def __init__(self) -> None:
        super().__init__()
        self.body: bytes | None = None
        self.poller: Poller | None = None

    async def do_request(self, *_: Any, **__: Any) -> tuple[int, bytes]:
        """Return the input once."""
        assert self.poller is not None
        body, self.body = self.body, None
        if body is None:
            self.poller.stop()
            await asyncio.Event().wait()
        asyncio.get_running_loop().call_later(0, self.poller.stop)
        return 200, body or b""


@asynccontextmanager
async def open_updates() -> AsyncIterator[Feed]:
    """Feed inputs to the poller as answers to `getUpdates`."""
    async with open_fuzzed_bot() as bot:
        kaika, request = bot.harness.kaika, SingleAnswer()

        async def feed(data: bytes) -> None:
            request.body = data
            request.poller = Poller(kaika.application.bot, request, kaika.intake)
            await request.poller.poll()
            await bot.check()

        yield feed


def list_answers() -> list[bytes]:
    """Return an answer with each kind of update."""
    return [encode({"ok": True, "result": [{**u, "update_id": 1}]}) for u in collect_updates()]


@asynccontextmanager
async def open_webhook() -> AsyncIterator[Feed]:
    """Post inputs to the webhook."""
    async with open_fuzzed_bot() as bot:
        app = listeners.public_app(webhook_routes("/telegram", SECRET, bot.harness.kaika.intake))
        async with (
            listeners.serve_app(app, "127.0.0.1", 0) as port,
            aiohttp.ClientSession() as client,
        ):
            url = f"http://127.0.0.1:{port}/telegram"

            async def feed(data: bytes) -> None:
                headers = {WEBHOOK_HEADER: SECRET, "Content-Type": "application/json"}
                async with client.post(url, data=data, headers=headers) as answer:
                    assert answer.status in (200, 400, 413), answer.status
                await bot.check()

            yield feed


def list_posts() -> list[bytes]:
    """Return a post with each kind of update."""
    return [encode({**update, "update_id": 1}) for update in collect_updates()]


BUTTON, SAYS = "*", ">"
"""Begin a line: the button of this number is pressed; this is typed. Else it is callback data."""
SECRETS = ("@number", "@code", "@card", "@birth", "@mail")
CONVERSATIONS = ("retrieve", "pay", "activate", "suspend", "resume", "unlock", "status", "triage")
_DATA = (
    "v1:dlg:suspend.code.1.back", "v1:dlg:suspend.code.99999999999999999999.x", "v1:dlg:..1.",
    "v1:do:suspend", "v1:do:suspend.x", "v1:go:", "v1:anew:pay", "v1:faq:fee.en", "v1:faq:..",
    "v1:vote:fee.up", "v1:browse:0", "v1:browse:-1", "v1:related:fee", "v1:language:zh_Hant",
    "v1:privacy:delete", "v1:remind:x", "v1:doubt:1", "v1:inline:en", "v2:do:x", "v1:delete:",
)  # fmt: skip
_ACTIONS = st.one_of(
    st.integers(0, 7).map(lambda number: f"{BUTTON}{number}"),
    st.sampled_from(_DATA),
    st.from_regex(r"v1:[a-z_]{1,16}:[A-Za-z0-9_.-]{0,30}", fullmatch=True),
    st.sampled_from([SAYS + word for word in (*SECRETS, *TEXTS)]),
    st.text(max_size=30).map(lambda text: SAYS + text),
)
TAPS = st.builds(
    lambda name, actions: "\n".join([name, *actions]).encode(errors="surrogatepass"),
    st.sampled_from(CONVERSATIONS),
    st.lists(_ACTIONS, max_size=12),
)


@asynccontextmanager
async def open_buttons() -> AsyncIterator[Feed]:
    """Open a conversation, press and type what the lines of an input say, and cancel."""
    async with open_fuzzed_bot() as bot:

        async def feed(data: bytes) -> None:
            name, *lines = data.decode(errors="replace").split("\n")
            with suppress(PersonError):
                await bot.person.starts(f"do-{name}"[:60])
            for line in lines[:20]:
                with suppress(PersonError):
                    await _act(bot, line)
                bot.errors.raise_first()
            await bot.person.says("/cancel")
            await bot.check()

        yield feed


async def _act(bot: FuzzedBot, line: str) -> None:
    person = bot.person
    if line.startswith(SAYS):
        text = line.removeprefix(SAYS)
        await person.says(await _read_secret(bot, text) if text in SECRETS else text)
        return
    message = person.last
    if line.startswith(BUTTON):
        found = [each for each in buttons(message) if "callback_data" in each]
        number = line.removeprefix(BUTTON)
        if not found or not number.isascii() or not number.isdecimal():
            return
        line = found[int(number[:4]) % len(found)]["callback_data"]
    await person.forges(message["message_id"], line)


async def _read_secret(bot: FuzzedBot, name: str) -> str:
    holder = bot.holder
    if name == "@mail":
        with suppress(AssertionError):
            return await read_one_time_code(bot.harness, holder)
        return "123456"
    known = {
        "@number": holder.ui_number_text,
        "@code": holder.code_text,
        "@birth": holder.birth_date,
    }
    return known.get(name) or await holder.read_card_number()


def list_taps() -> list[bytes]:
    """Return a way through each conversation that asks for everything in turn."""
    walk = [f"{SAYS}{each}" for each in SECRETS] + [f"{BUTTON}{number}" for number in (0, 1, 0, 2)]
    return [
        *("\n".join([name, *walk, *reversed(walk)]).encode() for name in CONVERSATIONS),
        *(f"triage\n{data}".encode() for data in _DATA),
    ]


@asynccontextmanager
async def open_inline() -> AsyncIterator[Feed]:
    """Ask inputs as inline queries; the first line is the offset."""
    async with open_fuzzed_bot() as bot:

        async def feed(data: bytes) -> None:
            offset, _, query = data.decode(errors="replace").partition("\n")
            with suppress(PersonError):
                await bot.person.asks_inline(query, offset)
            await bot.check()

        yield feed


INLINE_QUERIES = st.builds(
    lambda offset, query: f"{offset}\n{query}".encode(errors="surrogatepass"),
    st.sampled_from(["", "0", "10", "-1", "x", "9" * 40]) | st.text(max_size=64),
    st.sampled_from(TEXTS).map(lambda text: text[:256]) | st.text(max_size=256),
)

UPDATES = Boundary("updates", open_updates, list_answers, answers(), renew_after=2000)
WEBHOOK = Boundary(
    "webhook", open_webhook, list_posts, updates().map(lambda found: encode(found[0])),
    renew_after=2000,
)  # fmt: skip
BUTTONS = Boundary("buttons", open_buttons, list_taps, TAPS, renew_after=200)
INLINE = Boundary(
    "inline",
    open_inline,
    lambda: [f"\n{text[:256]}".encode() for text in TEXTS],
    INLINE_QUERIES,
    renew_after=2000,
)
