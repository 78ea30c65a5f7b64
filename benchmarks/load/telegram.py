"""The stand-in for Telegram under load, and the people who write to the bot.

A process of its own, so that it shares no interpreter with the bot. People write when it is their
turn, whether the bot keeps up or not, and an answer's time counts from that moment: a bot that
falls behind cannot slow down those who measure it.
"""

import asyncio
import random
import sys
from array import array
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, time
from typing import Any

import orjson
import uvloop

from benchmarks.fake_bot_api import Connection, write_line
from benchmarks.load.plan import FIRST_CHAT, FIRST_FLOODER, LoadPlan

_TICK = 0.005
_LIMIT = 100
_GRACE_SECONDS = 30.0
"""For the last answers."""
_FLOOD_TEXT = "9" * 4096
_TRUE = b'{"ok":true,"result":true}'
_NOTHING = b'{"ok":true,"result":[]}'
_BOT = {"id": 123456789, "is_bot": True, "first_name": "Bench", "username": "bench_bot"}
_QUERIES = {
    "answerCallbackQuery": "callback_query_id",
    "answerPreCheckoutQuery": "pre_checkout_query_id",
}
_SHOWS = frozenset({"sendMessage", "editMessageText"})
FAQ, STEP, CODE, CHECKOUT, FLOOD = "faq", "step", "code", "checkout", "flood"


@dataclass(frozen=True, slots=True)
class AwaitedAnswer:
    """An answer that a person waits for: its kind, since when, and whether the flood was on."""

    kind: str
    since: float
    in_flood: bool
    query: str | None = None


@dataclass(slots=True)
class LoadPerson:
    """A person: the messages on their phone, and the answer they wait for."""

    chat: int
    secret: str | None = None
    message: int = 0
    buttons: list[str] = field(default_factory=list)
    awaited: deque[AwaitedAnswer] = field(default_factory=deque)
    next_step: str | None = None


class LoadTelegram:
    """Delivers updates, answers calls, and measures.

    :ivar times: seconds until each answer, by kind and whether the flood was on.
    """

    latency = 0.0

    def __init__(self, plan: LoadPlan) -> None:
        self.plan = plan
        self.chance = random.Random(plan.seed)
        count = len(plan.secrets)
        self.people = [
            LoadPerson(FIRST_CHAT + n, plan.secrets[n] if n < count else None)
            for n in range(plan.people)
        ]
        self.flooders = [LoadPerson(FIRST_FLOODER + n) for n in range(plan.flooders)]
        self.by_chat = {each.chat: each for each in (*self.people, *self.flooders)}
        self.times: dict[tuple[str, bool], array[float]] = {}
        self.written: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.answers_to_codes: Counter[str] = Counter()
        self.began = 0.0
        self.is_asked = asyncio.Event()
        self._updates: deque[tuple[int, bytes]] = deque()
        self._last_update = 1000
        self._last_message = 0
        self._polls: list[tuple[Connection, int]] = []
        self._queries: dict[str, LoadPerson] = {}
        self._ready: deque[LoadPerson] = deque()

    # ---- the Bot API

    def call(self, connection: Connection, method: bytes, query: bytes, body: bytes) -> None:
        """Answer one call."""
        name = method.decode()
        self.calls[name] += 1
        if name == "getUpdates":
            self._poll(connection, query)
            return
        values = orjson.loads(body) if body.startswith(b"{") else {}
        connection.answer(self._take(name, values))

    def _take(self, name: str, values: dict[str, Any]) -> bytes:
        if name == "getMe":
            more = {"can_join_groups": True, "supports_inline_queries": True}
            return orjson.dumps({"ok": True, "result": {**_BOT, **more}})
        if name in _QUERIES:
            self._end_query(str(values.get(_QUERIES[name], "")))
            return _TRUE
        if name not in _SHOWS:
            return _TRUE
        person = self.by_chat.get(int(values["chat_id"]))
        if name == "sendMessage":
            self._last_message += 1
        message = self._last_message if name == "sendMessage" else int(values["message_id"])
        if person is not None:
            self._show(person, message, values)
        chat = {"id": int(values["chat_id"]), "first_name": "Asker", "type": "private"}
        result = {"message_id": message, "from": _BOT, "chat": chat, "date": int(time())}
        return orjson.dumps({"ok": True, "result": {**result, "text": "."}})

    def _poll(self, connection: Connection, query: bytes) -> None:
        asked = dict(part.split(b"=", 1) for part in query.split(b"&") if b"=" in part)
        offset = int(asked.get(b"offset", b"0"))
        while self._updates and self._updates[0][0] < offset:
            self._updates.popleft()
        if not self.began:
            self.began = monotonic()
            self.is_asked.set()
        if self._updates:
            connection.answer(self._batch())
        else:
            self._hold(connection, float(asked.get(b"timeout", b"0")))

    def _hold(self, connection: Connection, seconds: float) -> None:
        held = (connection, self._last_update)
        self._polls.append(held)

        def expire() -> None:
            if held in self._polls:
                self._polls.remove(held)
                connection.answer(_NOTHING)

        asyncio.get_running_loop().call_later(seconds, expire)

    def _batch(self) -> bytes:
        found = [self._updates[n][1] for n in range(min(len(self._updates), _LIMIT))]
        return b'{"ok":true,"result":[' + b",".join(found) + b"]}"

    # ---- what the phone shows

    def _show(self, person: LoadPerson, message: int, values: dict[str, Any]) -> None:
        markup = values.get("reply_markup")
        markup = orjson.loads(markup) if isinstance(markup, str) else markup or {}
        rows = markup.get("inline_keyboard", [])
        data = [b["callback_data"] for row in rows for b in row if "callback_data" in b]
        if data:
            person.message, person.buttons = message, data
        if person.awaited and person.awaited[0].query is None:
            if person.awaited[0].kind == CODE:
                self.answers_to_codes[str(values.get("text", "")).split("\n")[0][:60]] += 1
            self._end(person)

    def _end_query(self, query: str) -> None:
        person = self._queries.pop(query, None)
        if person is None:
            return
        for awaited in list(person.awaited):
            if awaited.query == query:
                person.awaited.remove(awaited)
                self._note(awaited)
        self._go_on(person)

    def _end(self, person: LoadPerson) -> None:
        self._note(person.awaited.popleft())
        self._go_on(person)

    def _note(self, awaited: AwaitedAnswer) -> None:
        key = awaited.kind, awaited.in_flood
        self.times.setdefault(key, array("d")).append(monotonic() - awaited.since)

    def _go_on(self, person: LoadPerson) -> None:
        """Schedule the next step of a person who is in a conversation."""
        if person.next_step is not None and not person.awaited:
            self._ready.append(person)

    # ---- people

    async def run(self) -> None:
        """Let people write as planned, and then wait for the last answers."""
        plan = self.plan
        flood_begins, flood_ends = plan.flood
        turns = (
            (0.0, plan.seconds, 1 / plan.rate, self._take_turn),
            (0.0, plan.seconds, plan.checkout_seconds, self._check_out),
            (flood_begins, flood_ends, 1 / plan.flood_texts, self._flood_with_text),
            (flood_begins, flood_ends, 1 / plan.flood_queries, self._flood_with_query),
        )
        done = [0] * len(turns)
        began = self.began
        while (now := monotonic() - began) < plan.seconds:
            for place, (start, end, every, act) in enumerate(turns):
                while start + done[place] * every <= min(now, end):
                    act(began + start + done[place] * every)
                    done[place] += 1
            self._hand_out()
            await asyncio.sleep(_TICK)
        for _ in range(int(_GRACE_SECONDS / _TICK)):
            if not any(person.awaited for person in self.people):
                return
            self._hand_out()
            await asyncio.sleep(_TICK)

    def _take_turn(self, due: float) -> None:
        if self._ready:
            self._step_on(self._ready.popleft(), due)
            return
        person = self._find_idle()
        drawn = self.chance.random()
        if drawn < self.plan.codes and person.secret is None:
            person = self.people[self.chance.randrange(len(self.plan.secrets))]
        if drawn < self.plan.codes and not person.awaited:
            person.next_step = CODE
            self._write(person, STEP, due, "/start do-status")
        elif drawn < self.plan.codes + self.plan.faq:
            self._write(person, FAQ, due, self.chance.choice(self.plan.questions))
        else:
            self._step(person, due)

    def _find_idle(self) -> LoadPerson:
        """Return somebody who waits for nothing, if a few draws find one."""
        for _ in range(20):
            person = self.chance.choice(self.people)
            if not person.awaited and person.next_step is None:
                break
        return person

    def _step(self, person: LoadPerson, due: float) -> None:
        """Press a button of a conversation, or begin one."""
        if person.buttons and person.secret is None:
            self._press(person, due, self.chance.choice(person.buttons))
        else:
            name = self.chance.choice(self.plan.conversations)
            self._write(person, STEP, due, f"/start do-{name}" if person.secret is None else "/faq")

    def _step_on(self, person: LoadPerson, due: float) -> None:
        """Type the code, and then decline what is offered."""
        step, person.next_step = person.next_step, None
        if step == CODE and person.secret is not None:
            person.next_step = STEP
            self._write(person, CODE, due, person.secret)
            return
        declined = [data for data in person.buttons if data.endswith(".no")]
        if declined:
            self._press(person, due, declined[0])
        else:
            self._write(person, STEP, due, "/cancel")

    def _write(self, person: LoadPerson, kind: str, due: float, text: str) -> None:
        message = {**self._message(person), "text": text}
        if text.startswith("/"):
            length = len(text.split()[0])
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        self._send("message", message)
        self._await(person, kind, due)

    def _press(self, person: LoadPerson, due: float, data: str) -> None:
        query = str(self._last_update + 1)
        shown = {**self._message(person), "message_id": person.message, "from": _BOT, "text": "."}
        update = {"id": query, "from": self._user(person), "message": shown, "data": data}
        self._send("callback_query", {**update, "chat_instance": str(person.chat)})
        self._queries[query] = person
        self._await(person, STEP, due, query)

    def _check_out(self, due: float) -> None:
        person = self._find_idle()
        query = str(self._last_update + 1)
        amount = {"currency": "TWD", "total_amount": 27800, "invoice_payload": "0" * 32}
        self._send("pre_checkout_query", {"id": query, "from": self._user(person), **amount})
        self._queries[query] = person
        self._await(person, CHECKOUT, due, query)

    def _flood_with_text(self, _: float) -> None:
        flooder = self.chance.choice(self.flooders)
        self._send("message", {**self._message(flooder), "text": _FLOOD_TEXT})
        self.written[FLOOD] += 1

    def _flood_with_query(self, _: float) -> None:
        flooder = self.chance.choice(self.flooders)
        text = "".join(self.chance.choices("abcdefghij 卡費", k=30))
        query = {"id": str(self._last_update + 1), "from": self._user(flooder), "query": text}
        self._send("inline_query", {**query, "offset": ""})
        self.written[FLOOD] += 1

    def _await(self, person: LoadPerson, kind: str, due: float, query: str | None = None) -> None:
        begins, ends = self.plan.flood
        in_flood = begins <= due - self.began <= ends
        person.awaited.append(AwaitedAnswer(kind, due, in_flood, query))
        self.written[kind] += 1

    def _message(self, person: LoadPerson) -> dict[str, Any]:
        self._last_message += 1
        chat = {"id": person.chat, "first_name": "Asker", "type": "private"}
        plain = {"message_id": self._last_message, "date": int(time()), "chat": chat}
        return {**plain, "from": self._user(person)}

    @staticmethod
    def _user(person: LoadPerson) -> dict[str, Any]:
        names = {"first_name": "Asker", "language_code": "en"}
        return {"id": person.chat, "is_bot": False, **names}

    def _send(self, kind: str, content: dict[str, Any]) -> None:
        self._last_update += 1
        update = orjson.dumps({"update_id": self._last_update, kind: content})
        self._updates.append((self._last_update, update))

    def _hand_out(self) -> None:
        """Answer the held poll if there are updates."""
        if self._polls and self._updates:
            connection, _ = self._polls.pop(0)
            connection.answer(self._batch())

    # ---- the report

    def report(self) -> dict[str, Any]:
        """Return what was measured."""
        lost = Counter(awaited.kind for person in self.people for awaited in person.awaited)
        return {
            "seconds": monotonic() - self.began,
            "written": dict(self.written),
            "unanswered": dict(lost),
            "times": {
                f"{kind}{' in the flood' if in_flood else ''}": list(found)
                for (kind, in_flood), found in self.times.items()
            },
            "calls": dict(self.calls),
            "answers_to_codes": dict(self.answers_to_codes.most_common(5)),
        }


async def serve_load(plan: LoadPlan, report: Path) -> None:
    """Serve until the report is written and the input pipe is closed."""
    loop = asyncio.get_running_loop()
    api = LoadTelegram(plan)
    make: Callable[[], Connection] = lambda: Connection(api)  # type: ignore[arg-type]  # noqa: E731
    server = await loop.create_server(make, "127.0.0.1", 0, backlog=1024)
    write_line(port=server.sockets[0].getsockname()[1])
    await api.is_asked.wait()
    write_line(first_poll=True)
    await api.run()
    await asyncio.to_thread(report.write_bytes, orjson.dumps(api.report()))
    write_line(report=str(report))
    await loop.run_in_executor(None, sys.stdin.readline)


def main() -> None:
    """Serve what a plan says: ``python -m benchmarks.load.telegram PLAN REPORT``."""
    plan = LoadPlan.from_json(orjson.loads(Path(sys.argv[1]).read_bytes()))
    uvloop.run(serve_load(plan, Path(sys.argv[2])))


if __name__ == "__main__":
    main()
