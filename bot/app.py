"""The running bot: its parts, and the order in which they start and stop."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from aiohttp.web import AbstractRouteDef
from telegram.error import InvalidToken
from telegram.request import BaseRequest

from bot.health import HealthMonitor
from bot.jobs.worker import schedule_housekeeping
from bot.settings import Settings, SettingsError
from bot.stop_deadline import StopDeadline, stop_on_signals
from bot.telegram import command_menus
from bot.telegram.persistent_calls import PersistentCaller
from bot.telegram.rate_limiter import RetryingRateLimiter
from bot.telegram.transport import AiohttpRequest
from bot.updates import webhook
from bot.updates.intake import ALLOWED_UPDATES, CrashMarker, Intake
from bot.updates.poller import Poller
from bot.updates.update_processor import ClosableUpdateQueue
from bot.web import listeners
from bot.wiring.application import build_application, build_services
from bot.wiring.desk import DeskRuntime, make_desk
from bot.wiring.faq_edits import FaqEditsWatcher
from bot.wiring.job_registry import JobRegistry
from handlers.conversations.registry import Deployment, conversations_for
from handlers.faq import answers
from services.back_off import back_off
from services.clock import SystemClock
from services.clock_record import RECORD_SECONDS, record_moment, resume_counting
from services.conversations import ConversationStore
from services.faq import entries
from services.messaging.inbox import Inbox
from services.people.languages import LanguagePreferences
from services.storage import keys
from services.storage.availability import DatabaseUnavailableError
from services.storage.database import Database
from services.storage.engine import OWNER_LIMITS
from services.storage.key_fingerprints import check_database, open_database
from services.storage.keys import KeyRing
from services.storage.ownership import RENEWAL_SECONDS, OwnershipLostError, create_ownership
from services.supervisor import OwnedTasks, Supervisor

if TYPE_CHECKING:
    from bot.wiring.bridge import BridgeRuntime
    from bot.wiring.embedded import EmbeddedServices

_SWEEP_SECONDS = 1.0
"""How often the intake looks whether there are updates to be processed again."""
_FIRST_ATTEMPT_WAIT, _MAX_ATTEMPT_WAIT = 0.25, 1.0
"""Seconds between attempts to reach or own the database."""

OpenAuthority = Callable[
    [Settings, Database, KeyRing], AbstractAsyncContextManager["EmbeddedServices"]
]

_NOT_KNOWN = "KAIKA_BOT_TOKEN is not known to Telegram; copy it again from @BotFather"
_log = structlog.get_logger()


class Kaika:
    """The running bot.

    :param request: makes its Bot API calls; aiohttp by default.
    :param open_authority: opens the embedded authority, where the settings ask for one.
    :ivar on_stop: called when a stop is requested.
    """

    def __init__(
        self,
        settings: Settings,
        request: BaseRequest | None = None,
        open_authority: OpenAuthority | None = None,
    ) -> None:
        self.settings = settings
        self.database = Database(settings.database, OWNER_LIMITS)
        self.ownership = create_ownership(self.database)
        self.keys = keys.load_or_create(settings.key_file)
        self.embedded: EmbeddedServices | None = None
        self.bridge: BridgeRuntime | None = None
        self.desk_runtime: DeskRuntime | None = None
        self._open_authority = open_authority or _open_authority
        self.inbox = Inbox(self.database, self.keys)
        self.languages = LanguagePreferences(self.database)
        self.conversations = ConversationStore(self.database)
        self.crash_marker = CrashMarker(settings.data_dir / "current-update.bin")
        self.intake = Intake(self.inbox, self.crash_marker, settings.max_backlog)
        self.update_queue = ClosableUpdateQueue()
        self.poll_request = AiohttpRequest(connections=1)
        self._request = request or AiohttpRequest()
        self.clock = SystemClock()
        services = build_services(self.database, self.languages, self.conversations, self.clock)
        self.desk = make_desk(settings, self.database, self.keys)
        services = replace(services, desk=self.desk, publish_menus=self._publish_menus)
        requests = (self._request, self.poll_request)
        self.application = build_application(
            settings, requests, self.update_queue, self.intake, services
        )
        self.supervisor = Supervisor(self._fail)
        self.health = HealthMonitor(self.database, self.inbox, self.intake, self.supervisor)
        self.on_stop: Callable[[], None] = lambda: None
        self._tasks = OwnedTasks()
        self._stop = asyncio.Event()
        base_url = self.application.bot.base_url
        self._telegram = PersistentCaller(self.poll_request, base_url, self._stop)
        self._failure: BaseException | None = None
        self._health_address: str | None = None

    def stop(self) -> None:
        """Request a clean stop: no new updates are accepted, those in progress are finished."""
        self.on_stop()
        self._stop.set()

    def _fail(self, error: BaseException) -> None:
        """Stop because of an error, which `run` raises in the end."""
        self._failure = self._failure or error
        self.stop()

    async def run(self) -> None:
        """Run until stopped.

        :raises InvalidToken: when Telegram does not know the bot.
        :raises TaskFailedError: when a part of the bot fails again and again.
        :raises OwnershipLostError: when another process has taken over.
        :raises DatabaseUnavailableError: when only the operator can make the database available.
        :raises DatabaseOutdatedError: when the operator has to upgrade the database first.
        :raises WrongKeyFileError: when the key file is not the one of this database.
        """
        await self._run()
        if self._failure is not None:
            raise self._failure

    async def _run(self) -> None:
        async with AsyncExitStack() as stack:
            self._close_at_end(stack)
            await stack.enter_async_context(self._serve_health())
            if not await self._try_until_stopped(self._check_database):
                return
            await stack.enter_async_context(self.health.watching())
            if not await self._try_until_stopped(self._claim_database):
                return
            await stack.enter_async_context(self._own_database())
            await stack.enter_async_context(self._open_parts())
            self._announce_health()
            await self._telegram.call(self.application.bot.initialize)
            if self._stop.is_set():
                return
            await stack.enter_async_context(self.process_updates())
            recording = self.supervisor.repeating("clock", self._record_moment, RECORD_SECONDS)
            await stack.enter_async_context(recording)
            await stack.enter_async_context(self._serve_public())
            await self._receive_updates()

    @asynccontextmanager
    async def open_resources(self) -> AsyncIterator[None]:
        """Open the database, and the authority and bridge hub where there are any.

        :raises DatabaseOutdatedError: when the operator has to upgrade it first.
        :raises WrongKeyFileError: when the key file is not the one of this database.
        """
        async with AsyncExitStack() as stack:
            self._close_at_end(stack)
            await stack.enter_async_context(self._open_parts())
            yield

    def _close_at_end(self, stack: AsyncExitStack) -> None:
        """Close the connections when the stack ends, also where the start fails."""
        stack.push_async_callback(self.database.close)
        for request in (self._request, self.poll_request):
            stack.push_async_callback(request.shutdown)

    async def _try_until_stopped(self, attempt: Callable[[], Awaitable[bool]]) -> bool:
        """Repeat an attempt until it succeeds; `False` when a stop was requested first."""
        failures = 0
        while not self._stop.is_set():
            try:
                if await attempt():
                    return True
                failures = 1
            except DatabaseUnavailableError as error:
                if error.needs_operator:
                    raise
                failures += 1
                self.health.note_database(str(error))
            self._announce_health()
            with suppress(TimeoutError):
                wait = back_off(failures, _FIRST_ATTEMPT_WAIT, _MAX_ATTEMPT_WAIT)
                await asyncio.wait_for(self._stop.wait(), wait)
        return False

    def _announce_health(self) -> None:
        """Log once where the health can be asked for."""
        if self._health_address is not None:
            _log.info("health", address=self._health_address)
            self._health_address = None

    async def _check_database(self) -> bool:
        await check_database(self.database, self.keys)
        self.health.note_database(None)
        return True

    async def _claim_database(self) -> bool:
        if await self.ownership.claim():
            self.health.owner = None
            return True
        if self.health.phase != "waiting":
            self.health.phase, self.health.owner = "waiting", await self.ownership.describe_owner()
            _log.warning("another_process_owns_the_database", owner=self.health.owner)
        return False

    @asynccontextmanager
    async def _own_database(self) -> AsyncIterator[None]:
        """Have every commit checked, and the claim renewed, while the block runs."""
        self.health.phase = "starting"
        self.database.check_ownership = self.ownership.check
        renewing = self.supervisor.repeating(
            "ownership", self.ownership.renew, RENEWAL_SECONDS, fatal=(OwnershipLostError,)
        )
        try:
            async with renewing:
                yield
        finally:
            self.database.check_ownership = None
            await self.ownership.release()

    @asynccontextmanager
    async def _open_parts(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await open_database(self.database, self.keys)
            await self.languages.load()
            if self.desk is not None:
                await self.desk.load()
            if self.settings.authority == "embedded":
                opening = self._open_authority(self.settings, self.database, self.keys)
                self._use_authority(await stack.enter_async_context(opening))
            self._enable_bridge()
            yield

    def _use_authority(self, embedded: "EmbeddedServices") -> None:
        """Use the conversations of an authority that carries operations out."""
        self.embedded = embedded
        bot_data = self.application.bot_data
        services = replace(bot_data["services"], authority=embedded.authority)
        takes_payments = services.payment_provider is not None
        bot_data["services"] = services
        deployment = Deployment(self.database, embedded.authority, takes_payments)
        bot_data["conversations"] = conversations_for(deployment).conversations

    def _enable_bridge(self) -> None:
        """Accept reader bridges, where the settings name an address for them."""
        settings, bot_data = self.settings, self.application.bot_data
        if not (settings.bridge_url or settings.webhook_url or settings.public_url):
            return
        from bot.wiring.bridge import BridgeRuntime  # slow to load, and most bots have none

        authority = bot_data["services"].authority
        self.bridge = BridgeRuntime.from_settings(
            settings, self.database, self.keys, authority, self.application
        )

    @asynccontextmanager
    async def process_updates(self) -> AsyncIterator[None]:
        """Process accepted updates while the block runs, then finish those in progress."""
        async with AsyncExitStack() as stack:
            crashed = stack.enter_context(self.crash_marker.keep_open())
            if crashed is not None:
                await self.intake.count_crash(crashed)
            await stack.enter_async_context(self.inbox.running(self.supervisor))
            await stack.enter_async_context(self.application)
            await self.application.start()
            stack.push_async_callback(self.application.stop)
            stack.callback(self.update_queue.close)
            stack.callback(self._stop_waiting_for_telegram)
            await resume_counting(self.database, self.clock)
            async with self.database.unit_of_work() as session:
                await schedule_housekeeping(session, self.clock.now())
            await self.conversations.load_open()
            if self.desk is not None:
                parts = (self.desk, self.database, self.application, self.clock)
                self.desk_runtime = DeskRuntime(*parts)
            if self.embedded is not None:
                composer = self.embedded.authority.mail_composer
                composer.bot_name = self.application.bot.username
            self.job_registry = self._make_job_registry()
            self.job_worker = self.job_registry.make_worker()
            await stack.enter_async_context(self.job_worker.running(self.supervisor))
            if self.bridge is not None:
                await stack.enter_async_context(self.bridge.running(self.supervisor))
            if self.desk_runtime is not None:
                await stack.enter_async_context(self.desk_runtime.running(self.supervisor))
            publishing = self._tasks.start("command menus", self._publish_menus())
            stack.callback(publishing.cancel)
            answers.render_all(entries.load_entries())
            watcher = FaqEditsWatcher(
                self.database, self.application.bot_data, self.settings.data_dir
            )
            await stack.enter_async_context(watcher.running(self.supervisor))
            # The objects built so far stay for good: excluding them from garbage collection, and
            # collecting less often, makes every update faster.
            gc.collect()
            gc.freeze()
            gc.set_threshold(20_000, 20, 50)
            resumed = await self.intake.enqueue_unfinished()
            if self.bridge is not None:
                await self.bridge.announce_restart()
            sweep = self.intake.take_up_again
            sweeping = self.supervisor.repeating("sweep", sweep, _SWEEP_SECONDS)
            await stack.enter_async_context(sweeping)
            _log.info("ready", bot=self.application.bot.username, resumed=resumed)
            yield

    async def _publish_menus(self) -> None:
        await command_menus.publish(
            self.application.bot,
            is_online=self.settings.authority == "embedded",
            has_bridge=self.bridge is not None,
            has_desk=self.desk is not None and self.desk.is_open_for_tickets,
        )

    def _stop_waiting_for_telegram(self) -> None:
        limiter = self.application.bot.rate_limiter
        assert isinstance(limiter, RetryingRateLimiter)
        limiter.stop_waiting()

    async def _record_moment(self) -> None:
        async with self.database.unit_of_work() as session:
            await record_moment(session, self.clock.now())

    def _make_job_registry(self) -> JobRegistry:
        parts = (self.application, self.database, self.inbox, self.conversations)
        return JobRegistry(*parts, self.embedded, self.bridge, self.clock, self.desk_runtime)

    async def _receive_updates(self) -> None:
        bot, settings = self.application.bot, self.settings
        if settings.webhook_url is None:
            await self._telegram.call(bot.delete_webhook)
            self.health.phase = "ok"
            poller = self.health.poller = Poller(bot, self.poll_request, self.intake)
            polling = self.supervisor.repeating(
                "poller", poller.poll, interrupt=poller.stop, fatal=(InvalidToken,)
            )
            async with polling:
                await self._stop.wait()
            return
        assert settings.webhook_secret is not None
        secret = settings.webhook_secret.get_secret_value()
        address, kinds = settings.webhook_url, ALLOWED_UPDATES
        await self._telegram.call(
            lambda: bot.set_webhook(address, secret_token=secret, allowed_updates=kinds)
        )
        self.health.phase = "ok"
        await self._stop.wait()

    @asynccontextmanager
    async def _serve_public(self) -> AsyncIterator[None]:
        """Serve the public routes while the block runs, where there are any."""
        settings = self.settings
        routes: list[AbstractRouteDef] = []
        if settings.webhook_url and settings.webhook_secret:
            secret = settings.webhook_secret.get_secret_value()
            routes += webhook.webhook_routes(
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
            app.on_shutdown.append(self.bridge.disconnect_all)
        async with listeners.serve_app(app, settings.public_host, settings.public_port):
            yield

    @asynccontextmanager
    async def _serve_health(self) -> AsyncIterator[None]:
        app = listeners.health_app(self.health.report)
        async with listeners.serve_app(app, "127.0.0.1", self.settings.loopback_port) as port:
            self._health_address = f"http://127.0.0.1:{port}/healthz"
            yield


def _open_authority(
    settings: Settings, database: Database, ring: KeyRing
) -> AbstractAsyncContextManager["EmbeddedServices"]:
    from bot.wiring import embedded  # slow to load, and most bots only guide

    return embedded.open_embedded(settings, database, ring, datetime.now(UTC))


async def run_bot(settings: Settings) -> None:
    """Run the bot until SIGINT or SIGTERM.

    :raises SettingsError: when Telegram does not know the token.
    """
    kaika = Kaika(settings)
    kaika.on_stop = StopDeadline().start
    stop_on_signals(kaika.stop)
    try:
        await kaika.run()
    except InvalidToken:
        raise SettingsError([_NOT_KNOWN]) from None
