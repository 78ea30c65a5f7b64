"""The wiring: which part gets which, and the order in which they start and stop."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from aiohttp.web import AbstractRouteDef
from telegram.error import InvalidToken, NetworkError
from telegram.request import BaseRequest

from bot.jobs.periodic import repeated
from bot.jobs.registry import Duties
from bot.jobs.worker import schedule_housekeeping
from bot.settings import Settings, SettingsError
from bot.telegram import command_menus
from bot.telegram.application import build, build_services
from bot.telegram.transport import AiohttpRequest
from bot.updates.intake import ALLOWED_UPDATES, Intake
from bot.updates.lease import IntakeLease
from bot.updates.poller import Poller
from bot.updates.update_processor import Line
from bot.web import listeners
from handlers.conversations.registry import conversations
from handlers.faq import answers
from services.conversations import ConversationStore
from services.faq import entries
from services.messaging.inbox import Inbox
from services.people.people import People
from services.storage import keys
from services.storage.database import Database
from services.storage.keys import KeyRing
from services.storage.upgrade import ensure_current, upgrade

if TYPE_CHECKING:
    from bot.wiring.bridge import Bridge
    from bot.wiring.embedded import Embedded

_SWEEP_SECONDS = 60.0
"""How often updates that line or database failed are taken up again."""
_POLL_SILENCE = 120.0
"""Seconds without a successful poll after which the bot does not call itself well."""

OpenAuthority = Callable[[Settings, Database, KeyRing], AbstractAsyncContextManager["Embedded"]]

_log = structlog.get_logger()


class Kaika:
    """The running bot.

    :param request: carries its calls; aiohttp to the Bot API where not given.
    :param open_authority: opens the embedded authority, where that is who stands behind it.
    """

    def __init__(
        self,
        settings: Settings,
        request: BaseRequest | None = None,
        open_authority: OpenAuthority | None = None,
    ) -> None:
        self.settings = settings
        self.database = Database(settings.database)
        self.keys = keys.load_or_create(settings.key_file)
        self.embedded: Embedded | None = None
        self.bridge: Bridge | None = None
        self._open_authority = open_authority or _open_authority
        self.inbox = Inbox(self.database, self.keys)
        self.people = People(self.database)
        self.conversations = ConversationStore(self.database)
        self.intake = Intake(self.inbox, settings.max_backlog)
        self.line = Line()
        self.poll_request = AiohttpRequest(connections=1)
        self._request = request or AiohttpRequest()
        services = build_services(self.database, self.people, self.conversations)
        requests = (self._request, self.poll_request)
        self.application = build(settings, requests, self.line, self.intake, services)
        self.poller: Poller | None = None
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Ask for a clean stop: nothing new is taken in, what is in hand is finished."""
        self._stop.set()
        if self.poller is not None:
            self.poller.stop()

    async def run(self) -> None:
        """Run until stopped.

        :raises InvalidToken: when Telegram does not know the bot.
        """
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.prepared())
            await stack.enter_async_context(self._healthy())
            lease = IntakeLease(self.database, on_loss=self.stop)
            if not await lease.wait(self._stop):
                return
            await stack.enter_async_context(lease.kept())
            await stack.enter_async_context(self.working())
            await stack.enter_async_context(self._public())
            await self._take_in()

    @asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        """Have the database ready while the block runs.

        :raises DatabaseOutdatedError: when the operator has to upgrade it first.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.database.close)
            for request in (self._request, self.poll_request):  # also where the start fails
                stack.push_async_callback(request.shutdown)
            if self.database.is_sqlite:
                await upgrade(self.database)
            await ensure_current(self.database)
            await self.people.load()
            if self.settings.authority == "embedded":
                opening = self._open_authority(self.settings, self.database, self.keys)
                self._embed(await stack.enter_async_context(opening))
            self._bridge()
            yield

    def _embed(self, embedded: "Embedded") -> None:
        """Put an authority that carries operations out behind the conversations."""
        self.embedded = embedded
        bot_data = self.application.bot_data
        services = replace(bot_data["services"], authority=embedded.authority)
        takes_money = services.payment_provider is not None
        bot_data["services"] = services
        bot_data["conversations"] = conversations(embedded.authority, self.database, takes_money)

    def _bridge(self) -> None:
        """Let bridges dial in, where the settings say at which address."""
        settings, bot_data = self.settings, self.application.bot_data
        if not (settings.bridge_url or settings.webhook_url or settings.public_url):
            return
        from bot.wiring.bridge import Bridge  # as with the authority: most bots have none

        authority = bot_data["services"].authority
        self.bridge = Bridge.of(settings, self.database, self.keys, authority, self.application)
        if self.bridge is not None:
            known = bot_data["conversations"]
            bot_data["conversations"] = {**known, **self.bridge.conversations()}

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work on what is taken in while the block runs, then finish what is in hand."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.inbox.running())
            await stack.enter_async_context(self.application)
            await self.application.start()
            stack.push_async_callback(self.application.stop)
            stack.callback(self.line.close)
            await self.conversations.load_open()
            self.duties = self._duties()
            self.due_worker = self.duties.worker()
            await stack.enter_async_context(self.due_worker.running())
            if self.bridge is not None:
                await stack.enter_async_context(self.bridge.running())
            has_bridge = self.bridge is not None
            publishing = command_menus.publish(self.application.bot, has_bridge=has_bridge)
            stack.callback(asyncio.create_task(publishing).cancel)
            answers.render_all(entries.load())
            # What is built by now stays: looking through it for garbage costs every update, and
            # so does looking often, as Python does where few objects are alive.
            gc.collect()
            gc.freeze()
            gc.set_threshold(20_000, 20, 50)
            resumed = await self.intake.resume()
            sweeping = repeated(self.intake.sweep, _SWEEP_SECONDS, "sweep")
            await stack.enter_async_context(sweeping)
            _log.info("ready", bot=self.application.bot.username, resumed=resumed)
            yield

    def _duties(self) -> Duties:
        parts = (self.application, self.database, self.inbox, self.conversations)
        return Duties(*parts, self.embedded, self.bridge)

    async def _take_in(self) -> None:
        bot, settings = self.application.bot, self.settings
        if settings.webhook_url is None:
            await bot.delete_webhook()
            self.poller = Poller(bot, self.poll_request, self.intake)
            if not self._stop.is_set():
                await self.poller.run()
            return
        assert settings.webhook_secret is not None
        secret = settings.webhook_secret.get_secret_value()
        await bot.set_webhook(
            settings.webhook_url, secret_token=secret, allowed_updates=ALLOWED_UPDATES
        )
        await self._stop.wait()

    @asynccontextmanager
    async def _public(self) -> AsyncIterator[None]:
        """Serve what is to be seen from outside while the block runs, where there is anything."""
        settings = self.settings
        routes: list[AbstractRouteDef] = []
        if settings.webhook_url and settings.webhook_secret:
            secret = settings.webhook_secret.get_secret_value()
            routes += listeners.webhook_routes(
                urlsplit(settings.webhook_url).path, secret, self.intake
            )
        if self.embedded is not None:
            routes += self.embedded.routes()
        if self.bridge is not None:
            routes += self.bridge.routes()
        if not routes:
            yield
            return
        app = listeners.public_app(routes)
        if self.bridge is not None:
            app.on_shutdown.append(self.bridge.part)
        async with listeners.listening(app, settings.public_host, settings.public_port):
            yield

    @asynccontextmanager
    async def _healthy(self) -> AsyncIterator[None]:
        async with self.database.unit_of_work() as session:
            await schedule_housekeeping(session, datetime.now(UTC))
        app = listeners.health_app(self.health)
        async with listeners.listening(app, "127.0.0.1", self.settings.loopback_port) as port:
            _log.info("health", address=f"http://127.0.0.1:{port}/healthz")
            yield

    async def health(self) -> dict[str, Any]:
        """Say how the bot is: ``status`` is ``ok``, ``waiting`` or ``silent``."""
        silence = round(monotonic() - self.poller.last_success, 1) if self.poller else None
        status = "ok" if self.application.running else "waiting"
        if silence is not None and silence > _POLL_SILENCE:
            status = "silent"
        return {
            "status": status,
            "seconds_since_poll": silence,
            "backlog": self.intake.backlog,
            "inbox": await self.inbox.counts(),
        }


def _open_authority(
    settings: Settings, database: Database, ring: KeyRing
) -> AbstractAsyncContextManager["Embedded"]:
    from bot.wiring import embedded  # takes a while to load, and most bots guide

    return embedded.opened(settings, database, ring, datetime.now(UTC))


async def run(settings: Settings) -> None:
    """Run the bot until SIGINT or SIGTERM.

    :raises SettingsError: when Telegram does not know the token or cannot be reached.
    """
    kaika = Kaika(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, kaika.stop)
    try:
        await kaika.run()
    except InvalidToken:
        raise SettingsError(
            ["KAIKA_BOT_TOKEN is not known to Telegram; copy it again from @BotFather"]
        ) from None
    except NetworkError:
        raise SettingsError(
            ["KAIKA_BASE_URL cannot be reached; check the network and start again, nothing is lost"]
        ) from None
