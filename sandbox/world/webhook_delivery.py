"""Posts updates to the bot's webhook: one chat's in order, chats side by side."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from sandbox.types import Json
from sandbox.world.change_signal import Bell

if TYPE_CHECKING:
    from sandbox.engine import Engine

_SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 (the name of a header)
_MAX_DELAY = 60.0
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_NOT_IN_ANSWER = ("get", "setwebhook", "deletewebhook", "close", "logout")


@dataclass(frozen=True, slots=True)
class Hook:
    """Where updates go."""

    url: str
    secret: str
    connections: int
    ip_address: str = ""


class Webhook:
    """The webhook of the bot, if it has one."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.hook: Hook | None = None
        self.first_delay = 1.0
        self.failed = Bell()
        """Rings when an update was not taken."""
        self._last_error: tuple[int, str] | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._busy: dict[int, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Look for new updates."""
        self._wake.set()

    async def start(self, hook: Hook) -> None:
        """Send updates to `hook` from now on."""
        await self.stop()
        self.hook = hook
        self._last_error = None
        self._wake.set()
        self._task = asyncio.create_task(self._run(hook))

    async def stop(self) -> None:
        """Send nothing any more."""
        self.hook = None
        tasks = [task for task in (self._task, *self._busy.values()) if task]
        self._task = None
        self._busy = {}
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def info(self) -> Json:
        """Give WebhookInfo, without what concerns the updates."""
        if self.hook is None:
            return {"url": "", "has_custom_certificate": False, "pending_update_count": 0}
        info: Json = {
            "url": self.hook.url,
            "has_custom_certificate": False,
            "pending_update_count": 0,
            "max_connections": self.hook.connections,
            "ip_address": self.hook.ip_address or "127.0.0.1",
        }
        if self._last_error:
            info["last_error_date"], info["last_error_message"] = self._last_error
        return info

    async def _run(self, hook: Hook) -> None:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            while True:
                await self._wake.wait()
                self._wake.clear()
                self._send_waiting(session, hook)

    def _send_waiting(self, session: aiohttp.ClientSession, hook: Hook) -> None:
        """Start a delivery for every chat that has none under way."""
        for update in self._engine.updates.pending.values():
            if len(self._busy) >= hook.connections:
                return
            place = _place(update)
            if place not in self._busy:
                self._busy[place] = asyncio.create_task(self._deliver(session, hook, update, place))

    async def _deliver(
        self, session: aiohttp.ClientSession, hook: Hook, update: Json, place: int
    ) -> None:
        """Post one update until it is taken."""
        delay = 0.0
        while not await self._post(session, hook, update):
            await asyncio.sleep(delay)
            delay = min(_MAX_DELAY, delay * 2 or self.first_delay)
        self._engine.updates.pending.pop(update["update_id"], None)
        self._busy.pop(place, None)
        self._wake.set()

    async def _post(self, session: aiohttp.ClientSession, hook: Hook, update: Json) -> bool:
        headers = {_SECRET_HEADER: hook.secret} if hook.secret else {}
        try:
            async with session.post(
                hook.url, json=update, headers=headers, allow_redirects=False
            ) as response:
                if response.status // 100 == 2:
                    await self._take_answer(response)
                    return True
                problem = f"{response.status} {response.reason}"
                error = f"Wrong response from the webhook: {problem}"
        except (aiohttp.ClientError, TimeoutError) as failure:
            error = f"Connection failed: {type(failure).__name__}"
        self._last_error = (self._engine.timestamp(), error)
        self.failed.ring()
        return False

    async def _take_answer(self, response: aiohttp.ClientResponse) -> None:
        """Make the call that the bot put into its answer, if any; nobody hears the result."""
        if response.content_type != "application/json":
            return
        try:
            answer = await response.json()
        except ValueError:
            return
        if not isinstance(answer, dict) or not isinstance(answer.get("method"), str):
            return
        method = answer.pop("method")
        if not method.lower().startswith(_NOT_IN_ANSWER):
            await self._engine.call(method, answer)


def _place(update: Json) -> int:
    """Give the chat, or else the person, whose updates must stay in order."""
    payload = next(value for key, value in update.items() if key != "update_id")
    chat = payload.get("chat") or payload.get("message", {}).get("chat") or payload["from"]
    return int(chat["id"])
