"""Retries of Bot API calls: after Telegram's rate limits and after network errors.

A chat that Telegram refuses for now (429) is not written to before the time that it names; what
updates do besides goes on (`ChatTurn`). A call that a network error interrupted is sent again, so
that a message goes out at least once. A group that became a supergroup is written to under its new
id.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from contextvars import ContextVar
from time import monotonic
from typing import Any, Protocol

import structlog
from telegram.error import BadRequest, ChatMigrated, NetworkError, RetryAfter
from telegram.ext import BaseRateLimiter

from bot.telegram.transport import retry_delay
from services.back_off import back_off

_MAX_NETWORK_RETRIES = 6
_FIRST_NETWORK_WAIT, _MAX_NETWORK_WAIT = 0.5, 15.0
_MAX_FLOOD_WAIT = 30.0
"""Seconds that one call waits in all; then its update is put off."""
_SHORT_LIVED = frozenset({"answerCallbackQuery", "answerInlineQuery", "answerPreCheckoutQuery"})
"""Answers that are useless after some seconds; they are not delayed for long."""
_MAX_SHORT_LIVED_WAIT = 3.0
_MAX_REMEMBERED = 1000
_SHOWING = ("send", "edit")
"""How the methods begin that show something in a chat."""

_log = structlog.get_logger()

Call = Callable[..., Coroutine[Any, Any, Any]]
OnMigration = Callable[[int, int], Awaitable[None]]
"""Called with the old and the new id of a chat."""


class ChatRefusedError(RetryAfter):
    """Nothing can be shown in a chat for now; whatever an update does besides is not affected."""


class ChatTurn(Protocol):
    """The turn of a chat in which an update or event of it is processed."""

    chat_id: int
    is_held: bool
    """Whether the chat must not be written to, since messages before these wait."""

    def pause(self) -> AbstractAsyncContextManager[None]:
        """Let the next updates of the chat be processed while the block runs."""


CURRENT_TURN: ContextVar[ChatTurn | None] = ContextVar("current_turn", default=None)


class RetryingRateLimiter(BaseRateLimiter[bool]):
    """Repeats calls after rate limits and network errors.

    :param on_migration: notes the new id of a chat.
    :param now: seconds that only grow.
    """

    def __init__(
        self,
        on_migration: OnMigration | None = None,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._on_migration = on_migration
        self._sleep = sleep or self._sleep_until_stopped
        self._now = now
        self._refused_until: dict[object, float] = {}
        """By the chat for messages, else by the method and the chat, if any."""
        self._stopped = asyncio.Event()

    async def initialize(self) -> None:
        """Do nothing."""

    async def shutdown(self) -> None:
        """Do nothing."""

    def stop_waiting(self) -> None:
        """Let calls that wait fail, so that the process can end; their updates stay undone."""
        self._stopped.set()

    async def process_request(
        self,
        callback: Call,
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: bool | None,
    ) -> Any:
        """Make one call.

        :param rate_limit_args: whether the caller retries by itself, so that the call is neither
            delayed nor repeated here.
        :raises TelegramError: Telegram's final answer; `RetryAfter` also without asking again,
            while the chat has to wait.
        :raises ChatRefusedError: where it is a message.
        """
        patience = 0.0 if rate_limit_args else _max_wait(endpoint)
        network_errors, is_followed = 0, False
        while True:
            key = _refusal_key(endpoint, data)
            if not rate_limit_args:
                patience -= await self._wait_for(key, endpoint, patience, _turn_of(key))
            try:
                answer = await callback(*args, **kwargs)
            except RetryAfter as error:
                self._refuse(key, retry_delay(error).total_seconds())
                _log.warning("call_refused", method=endpoint, seconds=retry_delay(error).seconds)
                if rate_limit_args:
                    raise
            except ChatMigrated as error:
                if is_followed or not await self._follow(data, error.new_chat_id):
                    raise
                is_followed = True
            except BadRequest:  # a subclass of NetworkError in PTB, but not one
                raise
            except NetworkError:
                network_errors += 1
                is_last = network_errors > _MAX_NETWORK_RETRIES or self._stopped.is_set()
                if rate_limit_args or is_last or endpoint in _SHORT_LIVED:
                    raise
                wait = back_off(network_errors, _FIRST_NETWORK_WAIT, _MAX_NETWORK_WAIT)
                _log.warning("call_waits", method=endpoint, seconds=wait)
                await self._sleep(wait)
            else:
                self._refused_until.pop(key, None)
                return answer

    async def _wait_for(
        self, key: object, endpoint: str, patience: float, turn: ChatTurn | None
    ) -> float:
        """Wait until a chat may be written to, and return the seconds that it took.

        The next updates of the chat are processed meanwhile.

        :raises RetryAfter: where that is too long; `ChatRefusedError` for a message.
        """
        wait = self._refused_until.get(key, 0.0) - self._now()
        if turn is not None and turn.is_held:
            raise ChatRefusedError(math.ceil(max(wait, 1.0)))
        if wait <= 0:
            self._refused_until.pop(key, None)
            return 0.0
        if wait > patience or self._stopped.is_set():
            raise (ChatRefusedError if _shows(endpoint) else RetryAfter)(math.ceil(wait))
        _log.warning("call_waits", method=endpoint, seconds=round(wait, 1))
        async with nullcontext() if turn is None else turn.pause():
            await self._sleep(wait)
        return wait

    def _refuse(self, key: object, seconds: float) -> None:
        now = self._now()
        if len(self._refused_until) >= _MAX_REMEMBERED:
            later = {k: until for k, until in self._refused_until.items() if until > now}
            self._refused_until = later
        self._refused_until[key] = now + seconds

    async def _follow(self, data: dict[str, Any], new_id: int) -> bool:
        """Address a call to the supergroup that its chat became; `False` where it is to no chat."""
        old_id = data.get("chat_id")
        if not isinstance(old_id, int) or old_id == new_id:
            return False
        _log.info("chat_migrated")
        data["chat_id"] = new_id
        if self._on_migration is not None:
            await self._on_migration(old_id, new_id)
        return True

    async def _sleep_until_stopped(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)


def _shows(endpoint: str) -> bool:
    return endpoint.startswith(_SHOWING)


def _refusal_key(endpoint: str, data: dict[str, Any]) -> object:
    """Return what Telegram refuses together: the messages to a chat, or the calls of a method."""
    chat = data.get("chat_id")
    if chat is None:
        return endpoint
    return chat if _shows(endpoint) else (endpoint, chat)


def _turn_of(key: object) -> ChatTurn | None:
    """Return the turn in which a message is sent to its own chat, if any."""
    turn = CURRENT_TURN.get()
    return turn if turn is not None and turn.chat_id == key else None


def _max_wait(endpoint: str) -> float:
    return _MAX_SHORT_LIVED_WAIT if endpoint in _SHORT_LIVED else _MAX_FLOOD_WAIT
