"""Setting a PIN with the issuer's consent, as the authority and the records see it.

Each verb is one unit of work: what it allows is on record, audited, before it has any effect.
"""

from contextlib import suppress
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from reader_bridge.protocol import Operation
from reader_bridge.protocol.operations import Receipt
from services.authority.errors import GrantExpiredError, NoAuthorityError
from services.authority.interface.authority import Authority
from services.authority.values import CardPermit
from services.bridge.events import Done, Failed, PinSet
from services.bridge.ids import new_nonce
from services.bridge.operations import admin_authentication
from services.bridge.operations.admin_authentication import AdminChallenge
from services.bridge.operations.possession_proof import receipt_is_right
from services.bridge.operations.state import OperationState
from services.bridge.operations.store import GoneError, OperationRecord, OperationStore
from services.bridge.operations.task import Work
from services.bridge.pairing.store import SessionStore
from services.storage.database import Database


class CardWork:
    """What activating and unlocking do on the server.

    :param origin: of this server, as bridges dial it; a statement for another one is none.
    """

    def __init__(
        self,
        database: Database,
        authority: Authority | None,
        sessions: SessionStore,
        operations: OperationStore,
        origin: str,
    ) -> None:
        self._database = database
        self._known_authority = authority
        self._sessions = sessions
        self._operations = operations
        self._origin = origin

    @property
    def _authority(self) -> Authority:
        if self._known_authority is None:
            raise NoAuthorityError
        return self._known_authority

    async def authorise(
        self, operation: OperationRecord, supersedes: OperationRecord | None, now: datetime
    ) -> None:
        """Check person and state, and put on record which card may have its PIN set.

        The operation ends with its grant.

        :param supersedes: an unresolved operation whose place it takes.
        :raises NoAuthorityError: where nothing is carried out here.
        :raises GrantExpiredError: where the grant is over, for something else, or was used.
        :raises WrongStateError: where the certificates do not allow it.
        """
        authority = self._authority
        grant_id, chat_id = operation.grant_id or "", operation.chat_id
        async with self._database.unit_of_work() as session:
            grant = await authority.credentials.find_grant(session, grant_id, chat_id, now)
            operation.permit = await self._permit(session, operation, now)
            if await self._operations.was_released(session, grant_id):
                raise GrantExpiredError
            operation.deadline = min(operation.deadline, grant.expires_at)
            operation.nonce = new_nonce()
            await self._note(session, operation.permit, "authorised", chat_id, now)
            if supersedes is not None:
                await self._operations.remove(session, supersedes.id)
            await self._operations.put(session, operation)

    async def release(
        self, operation: OperationRecord, challenge: AdminChallenge, now: datetime
    ) -> bytes:
        """Give the one cryptogram of an authorisation; that it leaves is audited before.

        Everything is checked once more: the grant, the state, the card, that the pairing stands,
        and that neither this operation nor this grant ever had one.

        :raises AuthorityError: where person, state or card are not right any more.
        :raises GoneError: where there was one, or operation or pairing are over.
        """
        assert operation.permit is not None
        async with self._database.unit_of_work() as session:
            permit = await self._permit(session, operation, now)
            if permit != operation.permit:
                raise GoneError
            if not await self._sessions.stands(session, operation.session_id, now):
                raise GoneError
            await self._operations.release(session, operation, now)
            await self._note(session, permit, "cryptogram", operation.chat_id, now)
        key = self._authority.cards.derive_admin_key(operation.permit.card_serial)
        return admin_authentication.cryptogram(key, challenge)

    def answer_is_right(self, operation: OperationRecord, answer: bytes) -> bool:
        """Tell whether the card that answers is the real one."""
        assert operation.permit is not None
        assert operation.challenge is not None
        key = self._authority.cards.derive_admin_key(operation.permit.card_serial)
        return admin_authentication.answer_is_right(key, operation.challenge, answer)

    async def settle(
        self,
        operation: OperationRecord,
        receipt: Receipt,
        proved_by: Operation,
        now: datetime,
    ) -> Done | None:
        """Bring the operation to its end, where the card on record proves to have its new PIN.

        :param proved_by: which operation gave the receipt.
        :returns: `None` where it proves nothing.
        :raises AuthorityError: where the state does not allow it any more.
        :raises GoneError: where the operation is over.
        """
        permit, chat_id = operation.permit, operation.chat_id
        assert permit is not None
        assert operation.nonce is not None
        authority = self._authority
        async with self._database.unit_of_work() as session:
            certificate = await authority.cards.find_certificate(session, permit)
            if receipt.card_serial != permit.card_serial or not receipt_is_right(
                receipt, certificate, self._origin, proved_by, operation.nonce
            ):
                return None
            await self._note(session, permit, "pin_set", chat_id, now)
            pin_set = PinSet()
            if operation.work is Work.ACTIVATE:
                change = await authority.cards.activate(session, permit, chat_id, now)
                pin_set = PinSet(change.changed, change.other_chats)
            done = Done(chat_id, operation.id, operation.work, pin_set)
            await self._operations.end(session, operation, done)
        return done

    async def fail(self, operation: OperationRecord, failed: Failed) -> None:
        """Put on record how the operation ended.

        :raises GoneError: where it is over already.
        """
        async with self._database.unit_of_work() as session:
            await self._operations.end(session, operation, failed)

    async def alarm(self, operation: OperationRecord, failed: Failed, now: datetime) -> None:
        """End an operation in which card and issuer did not know each other; bar the pairing."""
        assert operation.permit is not None
        async with self._database.unit_of_work() as session:
            step = str(failed.code)
            await self._note(session, operation.permit, step, operation.chat_id, now)
            await self._sessions.bar(session, operation.session_id)
            with suppress(GoneError):  # another process ended it; the rest is true all the same
                await self._operations.end(session, operation, failed)

    async def leave_unresolved(self, operation: OperationRecord, now: datetime) -> None:
        """Put on record that the PIN may be set or not.

        :raises GoneError: where the operation is over.
        """
        assert operation.permit is not None
        async with self._database.unit_of_work() as session:
            await self._note(session, operation.permit, "cut_off", operation.chat_id, now)
            await self._operations.move(session, operation, OperationState.UNRESOLVED)

    async def _permit(
        self, session: AsyncSession, operation: OperationRecord, now: datetime
    ) -> CardPermit:
        grant_id, chat_id = operation.grant_id or "", operation.chat_id
        permit = await self._authority.cards.permit(session, grant_id, chat_id, now)
        if permit.operation is not operation.work.authorised_by:
            raise GrantExpiredError
        return permit

    async def _note(
        self, session: AsyncSession, permit: CardPermit, step: str, chat_id: int, now: datetime
    ) -> None:
        await self._authority.cards.record_work(session, permit, step, chat_id, now)
