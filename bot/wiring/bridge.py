"""The bridge hub of this process, its routes, and the conversations that use it.

The hub's events go into the update queue, so that they stay in order with what the person does.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from urllib.parse import urlsplit

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.settings import Settings, is_loopback
from bot.web.bridge_websocket import bridge_routes, run_hub
from bot.web.pairing_page import pairing_page_routes
from bot.wiring.application import KaikaApplication
from handlers.card.live_messages import LiveMessages
from handlers.card.operation_steps import WORK
from handlers.card.pairing_steps import STEPS, PcSetup
from handlers.card_events import BridgeEventHandler, PairingCodeAged, ProcessRestarted
from handlers.conversations.card_check.online import Records
from handlers.conversations.pair import BRIDGE
from handlers.conversations.registry import CardAccess, Deployment, conversations_for
from reader_bridge.protocol import origin_of
from services.authority.embedded.certificates.register import EmbeddedCertificateRegister
from services.authority.interface.authority import Authority
from services.authority.lifecycle import CertificateState
from services.bridge.hub import Hub
from services.conversations import ConversationRow
from services.storage.database import Database
from services.storage.keys import KeyRing
from services.supervisor import Supervisor

_TICK_SECONDS = 20.0
"""How often the minutes left of a shown pairing code are updated."""

Clock = Callable[[], datetime]


class BridgeRuntime:
    """The hub of this process; the conversations of the bot use it from then on.

    :param origin: of this server, as bridges connect to it, such as ``wss://kaika.example``.
    :param download_url: where the operator offers the bridge.
    """

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        authority: Authority | None,
        origin: str,
        application: KaikaApplication,
        download_url: str | None = None,
    ) -> None:
        self._database = database
        self._application = application
        self._clock: Clock = lambda: application.bot_data["services"].now()
        self.live_messages = LiveMessages()
        queue = application.update_queue
        self.hub = Hub(database, keys, authority, origin, queue.put_nowait)
        records = None if authority is None else _certificate_states()
        access = CardAccess(self.hub, self.live_messages, PcSetup(origin, download_url), records)
        takes_payments = application.bot_data["services"].payment_provider is not None
        deployment = Deployment(database, authority, takes_payments, access)
        self.registry = conversations_for(deployment)
        cards = self.registry.card_conversations
        self.event_handler = BridgeEventHandler(self.hub, self.live_messages, cards)
        application.bot_data["conversations"] = self.registry.conversations
        application.bot_data[BRIDGE] = self.event_handler

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        database: Database,
        keys: KeyRing,
        authority: Authority | None,
        application: KaikaApplication,
    ) -> "BridgeRuntime | None":
        """Make the hub; `None` where the settings name no address for bridges."""
        origin = bridge_origin(settings)
        if origin is None:
            return None
        download_url = settings.bridge_download_url
        return cls(database, keys, authority, origin, application, download_url)

    def routes(self) -> list[web.RouteDef]:
        """The routes of the bridges, for the public listener."""
        return [*bridge_routes(self.hub, self._clock), *pairing_page_routes()]

    @asynccontextmanager
    async def running(self, supervisor: Supervisor) -> AsyncIterator[None]:
        """Run the hub; the application has to run already."""
        async with run_hub(self.hub, supervisor, self._clock):
            for chat in await self._chats_at_live_steps():
                self.event_handler.resume(chat)
            refreshing = supervisor.repeating("pairing codes", self._refresh_codes, _TICK_SECONDS)
            async with refreshing:
                yield

    async def disconnect_all(self, _app: web.Application) -> None:
        """Disconnect every bridge, when the listener is about to close."""
        await self.hub.close()

    async def delete_old(self, session: AsyncSession, now: datetime) -> None:
        """Delete what is no longer needed. Runs daily."""
        self.live_messages.remove_old(now)
        await self.hub.delete_old(session, now)

    async def announce_restart(self) -> None:
        """Send an event to the chats at a step that an earlier process kept up to date.

        To be called once the updates that were left undone are queued: one that comes again shows
        the step in the message that it was shown in before, and this event adds no second one.
        """
        for chat in await self._chats_at_live_steps():
            self._application.update_queue.put_nowait(ProcessRestarted(chat))

    async def _chats_at_live_steps(self) -> Sequence[int]:
        is_open = ConversationRow.is_open.is_(True)
        is_live = ConversationRow.step.in_((*STEPS, WORK))
        is_ours = ConversationRow.conversation.in_(self.registry.card_conversations)
        query = select(ConversationRow.chat_id).where(is_open, is_ours, is_live)
        async with self._database.unit_of_work() as session:
            return (await session.scalars(query)).all()

    async def _refresh_codes(self) -> None:
        for chat in self.live_messages.chats_with_code():
            self._application.update_queue.put_nowait(PairingCodeAged(chat))


def bridge_origin(settings: Settings) -> str | None:
    """The origin that bridges connect to: as set, else that of webhook or public address.

    An address without TLS counts on this machine only.
    """
    for address in (settings.bridge_url, settings.webhook_url, settings.public_url):
        if address is None:
            continue
        parts = urlsplit(address)
        if parts.scheme in ("https", "wss") or is_loopback(parts.hostname):
            return origin_of(f"{parts.scheme}://{parts.netloc}")
    return None


def _certificate_states() -> Records:
    register = EmbeddedCertificateRegister()

    async def state(session: AsyncSession, serial: int) -> CertificateState | None:
        found = (await register.find(session, [serial])).get(serial)
        return found.state if found else None

    return state
