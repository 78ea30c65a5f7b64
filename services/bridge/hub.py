"""The hub, in one process: bridges, chats, and what is between them.

Everything it does is set off by a chat, a bridge or the clock, and each chat's things happen one
after the other. What has to outlive the process is in the database before it has any effect; the
rest is in memory, and a restart ends it with a word.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from reader_bridge.protocol import KeyRole, PairingWord, ProtocolErrorCode, SessionState
from services.authority.interface.authority import Authority
from services.bridge.connection import House, HubConnection
from services.bridge.events import Failed, Fault, PairedEnd, PairingEnd, Unresolved
from services.bridge.interface import Presence, Transport
from services.bridge.operations.authorisation import CardWork
from services.bridge.operations.completion import Endings, Events
from services.bridge.operations.message_handler import Answers
from services.bridge.operations.start import Operations
from services.bridge.operations.state import Happening, OperationState, after
from services.bridge.operations.store import Ending, OperationRecord, OperationStore
from services.bridge.operations.task import Work
from services.bridge.pairing.codes import PairingCode, PairingCodes
from services.bridge.pairing.service import PairingDesk, shown_name
from services.bridge.pairing.store import SessionStore
from services.bridge.sessions import Chat, Chats, Session, Sessions
from services.bridge.write_behind import WriteBehind
from services.storage.database import Database
from services.storage.keys import KeyRing

UNPAIRED_FOR: Final = timedelta(minutes=30)
"""How long a connection may stand unpaired; a bridge that is left running dials anew."""


class Hub:
    """Carries out `services.bridge.interface.BridgeHub` and `BridgeDoor`.

    :param origin: of this server as bridges dial it, such as ``wss://kaika.example``.
    :param events: hears what chats have to know; must not wait.
    """

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        authority: Authority | None,
        origin: str,
        events: Events,
    ) -> None:
        self._database = database
        self._events = events
        self._codes = PairingCodes(database, keys)
        self._pairings = SessionStore(keys)
        self._store = OperationStore()
        self._behind = WriteBehind(database)
        self._chats, self._sessions = Chats(), Sessions()
        work = CardWork(database, authority, self._pairings, self._store, origin)
        endings = Endings(self._store, work, self._behind, events)
        self._operations = Operations(self._store, work, self._behind, endings, events)
        self._pairing = PairingDesk(
            database,
            self._codes,
            self._pairings,
            self._chats,
            self._sessions,
            self._operations,
            events,
        )
        answers = Answers(work, self._operations, endings, origin, events)
        self._connections: set[HubConnection] = set()
        self._house = House(
            self._chats,
            self._sessions,
            self._pairing,
            answers,
            origin,
            events,
            self._connections.discard,
        )

    async def begin(self, now: datetime) -> None:
        """Take up what an earlier process left. Called once, before any other verb.

        Pairings stand and wait for their bridges, and so does what is the bridge's alone: it tells
        the end when it is back. What the server has a part in is ended with a word; what was cut
        off after its cryptogram waits for its bridge, or the card, to tell. Ends that no chat was
        told are told again.
        """
        async with self._database.unit_of_work() as rows:
            await self._store.tidy(rows, now)
            for pairing in await self._pairings.all(rows, now):
                session = Session("", now, pairing.session_id, SessionState.PAIRED, pairing=pairing)
                session.restored, session.lost_at = True, now
                self._sessions.add(session)
                async with self._chats.held(pairing.chat_id) as chat:
                    chat.session = session
            told = [await self._take_up(rows, one, end) for one, end in await self._store.all(rows)]
        for event in reversed(told):
            if event is not None:
                self._events(event)

    async def _take_up(
        self, rows: AsyncSession, operation: OperationRecord, end: Ending | None
    ) -> Ending | Unresolved | None:
        if end is not None:
            return end
        fault = Fault.SERVER_RESTARTED
        about = (operation.chat_id, operation.id, operation.work, fault)
        async with self._chats.held(operation.chat_id) as chat:
            if after(operation.state, Happening.CUT) is OperationState.UNRESOLVED:
                await self._store.move(rows, operation, OperationState.UNRESOLVED)
                operation.state = OperationState.UNRESOLVED
                chat.unresolved = chat.unresolved or operation
                return Unresolved(*about)
            stands = chat.session is not None and chat.session.id == operation.session_id
            if operation.state is OperationState.RUNNING and stands and chat.running is None:
                chat.running = operation
                return None
        failed = Failed(*about)
        await self._store.end(rows, operation, failed)
        return failed

    async def close(self) -> None:
        """Tell every bridge that the server goes, and finish what is being written."""
        for connection in list(self._connections):
            connection.close(ProtocolErrorCode.GOING_DOWN)
        await self.settled()

    async def settled(self) -> None:
        """Wait until what nobody waits for is on record too."""
        await self._behind.settled()

    @asynccontextmanager
    async def open(self, now: datetime) -> AsyncIterator[None]:
        """Be there for chats and bridges while the block runs."""
        await self.begin(now)
        try:
            yield
        finally:
            await self.close()

    async def tend(self, now: datetime) -> None:
        """End what is too late. Called every second or so."""
        for chat_id in self._chats.ids():
            async with self._chats.held(chat_id) as chat:
                await self._tend(chat, now)
        for connection in list(self._connections):
            if not connection.is_paired and now - connection.since > UNPAIRED_FOR:
                connection.close(ProtocolErrorCode.GOING_DOWN)

    async def _tend(self, chat: Chat, now: datetime) -> None:
        if chat.offered is not None and chat.offered.expires_at <= now:
            self._pairing.drop_offer(chat, PairingEnd.TOO_LATE)
        pairing = chat.session.pairing if chat.session else None
        if pairing is not None and pairing.expires_at <= now:
            await self._pairing.end(chat, PairedEnd.EXPIRED, now)
        await self._operations.tend(chat, now)

    async def tidy(self, session: AsyncSession, now: datetime) -> None:
        """Strike out what is over. Runs daily."""
        await self._codes.tidy(session, now)
        await self._store.tidy(session, now)

    def connect(self, transport: Transport, address: str, now: datetime) -> HubConnection:
        """Carry out `BridgeDoor.connect`."""
        connection = HubConnection(self._house, transport, address, now)
        self._connections.add(connection)
        return connection

    async def offer(self, chat_id: int, user_id: int, name: str, now: datetime) -> PairingCode:
        """Carry out `BridgeHub.offer`."""
        async with self._chats.held(chat_id) as chat:
            self._pairing.drop_offer(chat, PairingEnd.ANOTHER_CODE)
            return await self._codes.offer(chat_id, user_id, shown_name(name), now)

    def words(self, chat_id: int) -> tuple[PairingWord, PairingWord] | None:
        """Carry out `BridgeHub.words`."""
        chat = self._chats.find(chat_id)
        return chat.offered.words if chat and chat.offered else None

    async def confirm(self, chat_id: int, now: datetime, *, accepted: bool) -> None:
        """Carry out `BridgeHub.confirm`."""
        async with self._chats.held(chat_id) as chat:
            await self._pairing.answered_in_chat(chat, accepted, now)

    def presence(self, chat_id: int) -> Presence:
        """Carry out `BridgeHub.presence`."""
        chat = self._chats.find(chat_id)
        if chat is None:
            return Presence(False)
        session, unresolved = chat.session, chat.unresolved
        pairing = session.pairing if session else None
        return Presence(
            paired=pairing is not None,
            connected=pairing is not None and session is not None and session.transport is not None,
            since=pairing.paired_at if pairing else None,
            until=pairing.expires_at if pairing else None,
            work=chat.running.work if chat.running else None,
            unresolved=unresolved.work if unresolved else None,
        )

    async def unpair(self, chat_id: int, now: datetime) -> bool:
        """Carry out `BridgeHub.unpair`."""
        async with self._chats.held(chat_id) as chat:
            await self._codes.withdraw(chat_id)
            self._pairing.drop_offer(chat, PairingEnd.REFUSED_IN_CHAT)
            return await self._pairing.end(chat, PairedEnd.BY_CHAT, now)

    async def start(
        self,
        chat_id: int,
        work: Work,
        now: datetime,
        grant_id: str | None = None,
        role: KeyRole = KeyRole.AUTHENTICATION,
    ) -> str:
        """Carry out `BridgeHub.start`."""
        async with self._chats.held(chat_id) as chat:
            started = await self._operations.start(chat, work, now, grant_id, role)
        operation_id, on_record = started
        if on_record is not None:
            await on_record
        return operation_id

    async def cancel(self, chat_id: int, now: datetime) -> bool:
        """Carry out `BridgeHub.cancel`."""
        async with self._chats.held(chat_id) as chat:
            return await self._operations.cancel(chat, now)

    async def resolve(self, chat_id: int, now: datetime) -> str:
        """Carry out `BridgeHub.resolve`."""
        async with self._chats.held(chat_id) as chat:
            return await self._operations.resolve(chat, now)

    async def told(self, operation_id: str) -> None:
        """Carry out `BridgeHub.told`."""
        async with self._database.unit_of_work() as rows:
            await self._store.forget_end(rows, operation_id)
