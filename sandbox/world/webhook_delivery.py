"""Posts updates to the bot's webhook: one chat's in order, chats side by side."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from sandbox.types import Json
from sandbox.world.change_signal import ChangeSignal
from sandbox.world.update_queue import BotUpdateQueue

_SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 (the name of a header)
_MAX_DELAY = 60.0
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_NOT_IN_ANSWER = ("get", "setwebhook", "deletewebhook", "close", "logout")
MethodCaller = Callable[[str, Json], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Where updates are posted."""

    url: str
    secret: str
    max_connections: int
    ip_address: str = ""


class WebhookDelivery:
    """The webhook of the bot, if it has set one.

    :param timestamp: returns the time in Unix seconds.
    """

    def __init__(self, updates: BotUpdateQueue, timestamp: Callable[[], int]) -> None:
        self._updates = updates
        self._timestamp = timestamp
        self.target: WebhookTarget | None = None
        self.call_method: MethodCaller | None = None
        """Makes the Bot API call that the bot put into its answer to an update."""
        self.first_delay = 1.0
        self.failure_signal = ChangeSignal()
        """Notified when an update was not taken."""
        self._last_error: tuple[int, str] | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._deliveries: dict[int, asyncio.Task[None]] = {}
        """What is under way, by ordering key."""

    def wake(self) -> None:
        """Look for new updates."""
        self._wake.set()

    async def start(self, target: WebhookTarget) -> None:
        """Post updates to `target` from now on."""
        await self.stop()
        self.target = target
        self._last_error = None
        self._wake.set()
        self._task = asyncio.create_task(self._run(target))

    async def stop(self) -> None:
        """Stop posting."""
        self.target = None
        tasks = [task for task in (self._task, *self._deliveries.values()) if task]
        self._task = None
        self._deliveries = {}
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def info(self) -> Json:
        """Return the WebhookInfo object, without what concerns the updates."""
        if self.target is None:
            return {"url": "", "has_custom_certificate": False, "pending_update_count": 0}
        info: Json = {
            "url": self.target.url,
            "has_custom_certificate": False,
            "pending_update_count": 0,
            "max_connections": self.target.max_connections,
            "ip_address": self.target.ip_address or "127.0.0.1",
        }
        if self._last_error:
            info["last_error_date"], info["last_error_message"] = self._last_error
        return info

    async def _run(self, target: WebhookTarget) -> None:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            while True:
                await self._wake.wait()
                self._wake.clear()
                self._start_deliveries(session, target)

    def _start_deliveries(self, session: aiohttp.ClientSession, target: WebhookTarget) -> None:
        """Start a delivery for every chat that has none under way."""
        self._updates.drop_stale()
        for update in self._updates.pending.values():
            if len(self._deliveries) >= target.max_connections:
                return
            key = _ordering_key(update)
            if key not in self._deliveries:
                delivery = self._deliver(session, target, update, key)
                self._deliveries[key] = asyncio.create_task(delivery)

    async def _deliver(
        self, session: aiohttp.ClientSession, target: WebhookTarget, update: Json, key: int
    ) -> None:
        """Post one update until it is taken."""
        delay = 0.0
        while not await self._post(session, target, update):
            await asyncio.sleep(delay)
            delay = min(_MAX_DELAY, delay * 2 or self.first_delay)
        self._updates.pending.pop(update["update_id"], None)
        self._deliveries.pop(key, None)
        self._wake.set()

    async def _post(
        self, session: aiohttp.ClientSession, target: WebhookTarget, update: Json
    ) -> bool:
        headers = {_SECRET_HEADER: target.secret} if target.secret else {}
        try:
            async with session.post(
                target.url, json=update, headers=headers, allow_redirects=False
            ) as response:
                if response.status // 100 == 2:
                    await self._process_answer(response)
                    return True
                problem = f"{response.status} {response.reason}"
                error = f"Wrong response from the webhook: {problem}"
        except (aiohttp.ClientError, TimeoutError) as failure:
            error = f"Connection failed: {type(failure).__name__}"
        self._last_error = (self._timestamp(), error)
        self.failure_signal.notify()
        return False

    async def _process_answer(self, response: aiohttp.ClientResponse) -> None:
        """Make the call that the bot put into its answer, if any; it never gets the result."""
        if response.content_type != "application/json" or self.call_method is None:
            return
        try:
            answer = await response.json()
        except ValueError:
            return
        if not isinstance(answer, dict) or not isinstance(answer.get("method"), str):
            return
        method = answer.pop("method")
        if not method.lower().startswith(_NOT_IN_ANSWER):
            await self.call_method(method, answer)


def _ordering_key(update: Json) -> int:
    """Return the id of the chat, or else the person, whose updates must stay in order."""
    payload = next(value for key, value in update.items() if key != "update_id")
    chat = payload.get("chat") or payload.get("message", {}).get("chat") or payload["from"]
    return int(chat["id"])
