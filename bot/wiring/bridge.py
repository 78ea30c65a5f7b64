"""The bridge hub for one process: opened, tended, reached over the public listener.

What it tells a chat goes into the chat's own queue, so that it stays in order with what the person
does.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from urllib.parse import urlsplit

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.jobs.periodic import repeated
from bot.settings import Settings, is_loopback
from bot.telegram.application import App
from bot.web.bridge import bridge_routes, tended
from handlers.card.live_messages import LiveMessages
from handlers.card.operation_steps import WORK, CardConversation
from handlers.card.pairing_steps import STEPS
from handlers.card_events import BridgeEventHandler, PairingCodeAged, ProcessRestarted
from handlers.conversations.activate.online import activate
from handlers.conversations.card_check.online import Records, card_check
from handlers.conversations.change_pin.online import change_pin
from handlers.conversations.pair import BRIDGE, pairing
from handlers.conversations.triage.online import triage
from handlers.conversations.unlock.online import unlock
from handlers.engine.model import Conversation
from reader_bridge.protocol import origin_of
from services.authority.ca.statuses import standings
from services.authority.interface.authority import Authority
from services.authority.lifecycle import CertificateState
from services.bridge.hub import Hub
from services.bridge.interface import BridgeHub
from services.conversations import ConversationRow
from services.storage.database import Database
from services.storage.keys import KeyRing

_TICK_SECONDS = 20.0
"""How often the minutes of a code that is shown are counted."""
_WITH_PINS = ("activate", "unlock", "change_pin")

Clock = Callable[[], datetime]


class Bridge:
    """The hub, and the conversations that need it.

    :param origin: of this server, as bridges dial it, such as ``wss://kaika.example``.
    """

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        authority: Authority | None,
        origin: str,
        application: App,
    ) -> None:
        self._database = database
        self._application = application
        self._clock: Clock = lambda: application.bot_data["services"].now()
        self.board = LiveMessages()
        queue = application.update_queue
        self.hub = Hub(database, keys, authority, origin, queue.put_nowait)
        declared = at_the_card(authority, self.hub, self.board, origin, database)
        self._dialogs = {one.conversation.name: one for one in declared}
        self.desk = BridgeEventHandler(self.hub, self.board, self._dialogs)
        application.bot_data[BRIDGE] = self.desk

    @classmethod
    def of(
        cls,
        settings: Settings,
        database: Database,
        keys: KeyRing,
        authority: Authority | None,
        application: App,
    ) -> "Bridge | None":
        """Give the bridge; `None` where the settings name no address that bridges could dial."""
        origin = origin_for(settings)
        return None if origin is None else cls(database, keys, authority, origin, application)

    def conversations(self) -> Mapping[str, Conversation]:
        """Give the conversations that reach the card, by name; they take the place of others."""
        own = {name: one.conversation for name, one in self._dialogs.items()}
        return own if "activate" not in own else {**own, "triage": triage(reaches_card=True)}

    def routes(self) -> list[web.RouteDef]:
        """Give where bridges dial, on the public listener."""
        return bridge_routes(self.hub, self._clock)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Be there for chats and bridges while the block runs; the application works already."""
        async with tended(self.hub, self._clock):
            await self._explain_restart()
            async with repeated(self._tick, _TICK_SECONDS, "bridge ticking"):
                yield

    async def part(self, _app: web.Application) -> None:
        """Tell every bridge that the server goes, when its listener is about to close."""
        await self.hub.close()

    async def tidy(self, session: AsyncSession, now: datetime) -> None:
        """Strike out what is over. Runs daily."""
        self.board.remove_old(now)
        await self.hub.tidy(session, now)

    async def _explain_restart(self) -> None:
        """Tell everybody who had something live before this process began."""
        live = ConversationRow.step.in_((*STEPS, WORK))
        ours = ConversationRow.conversation.in_(self._dialogs)
        query = select(ConversationRow.chat_id).where(ConversationRow.is_open.is_(True), ours, live)
        async with self._database.unit_of_work() as session:
            chats = (await session.scalars(query)).all()
        for chat in chats:
            self._application.update_queue.put_nowait(ProcessRestarted(chat))

    async def _tick(self) -> None:
        for chat in self.board.chats_with_code():
            self._application.update_queue.put_nowait(PairingCodeAged(chat))


def at_the_card(
    authority: Authority | None,
    hub: BridgeHub,
    board: LiveMessages,
    origin: str,
    database: Database,
) -> list[CardConversation]:
    """Give the conversations; where nothing is carried out none of them touches a PIN."""
    if authority is None:
        look = card_check(hub, board, origin, database, None)
        return [look, pairing(hub, board, origin, ("card_check",))]
    return [
        activate(authority, hub, board, origin),
        unlock(authority, hub, board, origin),
        change_pin(hub, board, origin),
        card_check(hub, board, origin, database, _records()),
        pairing(hub, board, origin, ("card_check", *_WITH_PINS)),
    ]


def origin_for(settings: Settings) -> str | None:
    """Give where bridges dial this server: what is set, else where its listener is seen.

    An address without TLS is for this machine only.
    """
    for address in (settings.bridge_url, settings.webhook_url, settings.public_url):
        if address is None:
            continue
        parts = urlsplit(address)
        if parts.scheme in ("https", "wss") or is_loopback(parts.hostname):
            return origin_of(f"{parts.scheme}://{parts.netloc}")
    return None


def _records() -> Records:
    async def state(session: AsyncSession, serial: int) -> CertificateState | None:
        found = (await standings(session, [serial])).get(serial)
        return found.state if found else None

    return state
