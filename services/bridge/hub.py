"""The hub: connects reader bridges with the chats they are paired with, in one process.

It acts on calls from chats, frames from bridges and the clock; everything about one chat happens
one after the other. What has to survive the process is committed before it has any effect; the
rest is in memory, and after a restart the chat is told that it was interrupted.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from reader_bridge.protocol import KeyRole, PairingWord, ProtocolErrorCode, SessionState
from services.authority.interface.authority import Authority
from services.bridge.connection import ConnectionServices, HubConnection
from services.bridge.events import (
    CardTaskFailed,
    CardTaskUnresolved,
    PairingEndReason,
    PairingFailureReason,
    ServerFailure,
)
from services.bridge.interface import BridgeStatus, CancelResult, FrameTransport
from services.bridge.operations.authorisation import PinAuthorisation
from services.bridge.operations.card_task import CardTask
from services.bridge.operations.completion import OperationCompletion, Publish
from services.bridge.operations.message_handler import OperationMessageHandler
from services.bridge.operations.service import OperationService
from services.bridge.operations.state import OperationState, Trigger, next_state
from services.bridge.operations.store import OperationEnd, OperationRecord, OperationStore
from services.bridge.pairing.codes import PairingCode, PairingCodes
from services.bridge.pairing.service import PairingService, sanitise_name
from services.bridge.pairing.store import PairingStore
from services.bridge.sessions import ChatRegistry, HubChat, HubSession, SessionRegistry
from services.bridge.write_behind import WriteBehind
from services.clock import steady_time
from services.repeated_events import RepeatedEvents
from services.storage.database import Database
from services.storage.keys import KeyRing

MAX_UNPAIRED: Final = timedelta(minutes=30)
"""How long a connection may stay unpaired; a bridge that is still running reconnects."""


class Hub:
    """Implementation of `services.bridge.interface.BridgeHub` and `BridgeEndpoint`.

    :param origin: of this server, as bridges connect to it, such as ``wss://kaika.example``.
    :param publish: passes events on to the chats; must not block.
    """

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        authority: Authority | None,
        origin: str,
        publish: Publish,
    ) -> None:
        self._database = database
        self._publish = publish
        self._codes = PairingCodes(database, keys)
        self._pairings = PairingStore(keys)
        self._store = OperationStore()
        self._write_behind = WriteBehind(database)
        self._chats, self._sessions = ChatRegistry(), SessionRegistry()
        authorisation = PinAuthorisation(database, authority, self._pairings, self._store, origin)
        completion = OperationCompletion(self._store, authorisation, self._write_behind, publish)
        self._operations = OperationService(
            self._store, authorisation, self._write_behind, completion
        )
        self._pairing = PairingService(
            database,
            self._codes,
            self._pairings,
            self._chats,
            self._sessions,
            self._operations,
            origin,
            publish,
        )
        self._operation_messages = OperationMessageHandler(
            authorisation, self._operations, completion, origin, publish
        )
        self._connections: set[HubConnection] = set()
        self._services = ConnectionServices(
            self._chats,
            self._sessions,
            self._pairing,
            self._operation_messages,
            origin,
            publish,
            RepeatedEvents(),
            self._connections.discard,
        )

    async def restore(self, now: datetime) -> None:
        """Load what an earlier process left in the database. Called once, before anything else.

        Pairings wait for their bridges, and so do operations that a bridge may have finished by
        itself. Operations that need the server fail; those interrupted after their cryptogram was
        released are unresolved until the bridge or the card reports the outcome. Ends that no chat
        has acknowledged are published again.
        """
        async with self._database.unit_of_work() as rows:
            await self._store.delete_old(rows, now)
            for pairing in await self._pairings.load_valid(rows, now):
                session = HubSession(
                    "", now, pairing.session_id, SessionState.PAIRED, pairing=pairing
                )
                session.restored, session.lost_at = True, steady_time(now)
                self._sessions.add(session)
                async with self._chats.lock(pairing.chat_id) as chat:
                    chat.session = session
            events = [
                await self._restore_operation(rows, operation, end)
                for operation, end in await self._store.load_all(rows)
            ]
        for event in reversed(events):
            if event is not None:
                self._publish(event)

    async def _restore_operation(
        self, rows: AsyncSession, operation: OperationRecord, end: OperationEnd | None
    ) -> OperationEnd | CardTaskUnresolved | None:
        if end is not None:
            return end
        reason = ServerFailure.SERVER_RESTARTED
        details = (operation.chat_id, operation.id, operation.task, reason)
        async with self._chats.lock(operation.chat_id) as chat:
            if next_state(operation.state, Trigger.ABORT) is OperationState.UNRESOLVED:
                await self._store.set_state(rows, operation, OperationState.UNRESOLVED)
                operation.state = OperationState.UNRESOLVED
                chat.unresolved = chat.unresolved or operation
                return CardTaskUnresolved(*details)
            is_paired = chat.session is not None and chat.session.id == operation.session_id
            if is_paired and chat.running is None and operation.is_at_pc:
                if operation.state is OperationState.AUTHORISED:
                    await self._store.set_state(rows, operation, OperationState.STOPPING)
                    operation.state = OperationState.STOPPING
                chat.running = operation
                return None
        if operation.task.can_set_pin_alone:
            details = (*details[:3], ServerFailure.UNCONFIRMED)
        failed = CardTaskFailed(*details)
        await self._store.record_end(rows, operation, failed)
        return failed

    async def close(self) -> None:
        """Close every connection, and finish what is being written."""
        for connection in list(self._connections):
            connection.close(ProtocolErrorCode.GOING_DOWN)
        await self.flush()

    async def flush(self) -> None:
        """Wait until everything queued is written to the database."""
        await self._write_behind.flush()

    @asynccontextmanager
    async def running(self, now: datetime) -> AsyncIterator[None]:
        """Restore the hub, and close it when the block ends."""
        await self.restore(now)
        try:
            yield
        finally:
            await self.close()

    async def check_deadlines(self, now: datetime) -> None:
        """End what is past its deadline, and publish what waited. Called about every second."""
        for connection in self._connections:
            if connection.is_paired:
                connection.unpaired_since = steady_time(now)
        for chat_id in self._chats.ids():
            async with self._chats.lock(chat_id) as chat:
                await self._check_chat(chat, now)
        for connection in list(self._connections):
            is_idle = steady_time(now) - connection.unpaired_since > MAX_UNPAIRED
            if is_idle and not connection.is_paired:
                connection.close(ProtocolErrorCode.GOING_DOWN)

    async def _check_chat(self, chat: HubChat, now: datetime) -> None:
        if chat.pending is not None and chat.pending.expires_at <= steady_time(now):
            self._pairing.cancel_pending(chat, PairingFailureReason.TOO_LATE)
        pairing = chat.session.pairing if chat.session else None
        if pairing is not None and pairing.expires_at <= steady_time(now):
            await self._pairing.unpair(chat, PairingEndReason.EXPIRED, now)
        await self._operations.check_deadlines(chat, now)
        self._operation_messages.publish_waiting_progress(chat, now)

    async def delete_old(self, session: AsyncSession, now: datetime) -> None:
        """Delete rows that are no longer needed. Runs daily."""
        await self._codes.delete_old(session, now)
        await self._store.delete_old(session, now)

    def connect(self, transport: FrameTransport, address: str, now: datetime) -> HubConnection:
        """Start serving a websocket; see `BridgeEndpoint.connect`."""
        connection = HubConnection(self._services, transport, address, now)
        self._connections.add(connection)
        return connection

    async def issue_pairing_code(
        self, chat_id: int, user_id: int, name: str, now: datetime
    ) -> PairingCode:
        """Issue a pairing code; see `BridgeHub.issue_pairing_code`."""
        async with self._chats.lock(chat_id) as chat:
            self._pairing.cancel_pending(chat, PairingFailureReason.ANOTHER_CODE)
            return await self._codes.issue(chat_id, user_id, sanitise_name(name), now)

    def pairing_words(self, chat_id: int) -> tuple[PairingWord, PairingWord] | None:
        """The words to compare; see `BridgeHub.pairing_words`."""
        chat = self._chats.find(chat_id)
        return chat.pending.words if chat and chat.pending else None

    async def answer_pairing(self, chat_id: int, now: datetime, *, accepted: bool) -> None:
        """Take the chat's answer; see `BridgeHub.answer_pairing`."""
        async with self._chats.lock(chat_id) as chat:
            await self._pairing.answer_in_chat(chat, accepted, now)

    def status(self, chat_id: int) -> BridgeStatus:
        """The chat's bridge; see `BridgeHub.status`."""
        chat = self._chats.find(chat_id)
        if chat is None:
            return BridgeStatus(False)
        session, unresolved = chat.session, chat.unresolved
        pairing = session.pairing if session else None
        return BridgeStatus(
            is_paired=pairing is not None,
            is_connected=pairing is not None
            and session is not None
            and session.transport is not None,
            paired_at=pairing.paired_at if pairing else None,
            expires_at=pairing.expires_at if pairing else None,
            running=chat.running.task if chat.running else None,
            unresolved=unresolved.task if unresolved else None,
        )

    async def unpair(self, chat_id: int, now: datetime) -> bool:
        """End pairing and code; see `BridgeHub.unpair`."""
        async with self._chats.lock(chat_id) as chat:
            await self._codes.withdraw(chat_id)
            self._pairing.cancel_pending(chat, PairingFailureReason.REFUSED_IN_CHAT)
            return await self._pairing.unpair(chat, PairingEndReason.BY_CHAT, now)

    async def start(
        self,
        chat_id: int,
        task: CardTask,
        now: datetime,
        grant_id: str | None = None,
        role: KeyRole = KeyRole.AUTHENTICATION,
    ) -> str:
        """Start an operation; see `BridgeHub.start`."""
        async with self._chats.lock(chat_id) as chat:
            started = await self._operations.start(chat, task, now, grant_id, role)
        operation_id, written = started
        if written is not None:
            await written
        return operation_id

    async def cancel(self, chat_id: int, now: datetime) -> CancelResult:
        """Cancel the running operation; see `BridgeHub.cancel`."""
        async with self._chats.lock(chat_id) as chat:
            return await self._operations.cancel(chat, now)

    async def resolve(self, chat_id: int, now: datetime) -> str:
        """Ask the card for an outcome; see `BridgeHub.resolve`."""
        async with self._chats.lock(chat_id) as chat:
            return await self._operations.resolve(chat, now)

    async def acknowledge_end(self, operation_id: str) -> None:
        """Delete an end that was shown; see `BridgeHub.acknowledge_end`."""
        async with self._database.unit_of_work() as rows:
            await self._store.delete_ended(rows, operation_id)
