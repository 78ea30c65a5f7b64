"""Authorising, releasing and completing the setting of a PIN by the issuer.

Each method is one unit of work: what it allows is recorded and audited before it has any effect.
"""

from contextlib import suppress
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from reader_bridge.protocol import Operation
from reader_bridge.protocol.operation_payloads import Receipt
from services.authority.data_types import CardPermit
from services.authority.errors import GrantUsedError, NoAuthorityError
from services.authority.interface.authority import Authority
from services.bridge.events import CardTaskFailed, CardTaskSucceeded, PinSetResult
from services.bridge.operations import admin_authentication
from services.bridge.operations.admin_authentication import AuthenticationChallenge
from services.bridge.operations.card_task import CardTask
from services.bridge.operations.possession_proof import verify_receipt
from services.bridge.operations.state import OperationState
from services.bridge.operations.store import OperationGoneError, OperationRecord, OperationStore
from services.bridge.pairing.store import PairingStore
from services.ids import new_nonce
from services.storage.database import Database


class PinAuthorisation:
    """The server's part in activating (開卡) and unlocking (鎖卡解碼).

    :param origin: of this server, as bridges connect to it; receipts have to be for it.
    """

    def __init__(
        self,
        database: Database,
        authority: Authority | None,
        sessions: PairingStore,
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
        """Check person and state, and record which card may have its PIN set.

        The operation's deadline is no later than the grant's.

        :param supersedes: an unresolved operation that it replaces.
        :raises NoAuthorityError: where nothing is carried out here.
        :raises GrantUsedError: where the grant had its cryptogram.
        :raises GrantExpiredError: where the grant is over, or for another operation.
        :raises WrongStateError: where the certificates do not allow it.
        """
        async with self._database.unit_of_work() as session:
            operation.permit, grant_end = await self._permit(session, operation, now)
            if await self._operations.is_released(session, operation.grant_id or ""):
                raise GrantUsedError
            operation.deadline = min(operation.deadline, grant_end)
            operation.nonce = new_nonce()
            await self._audit(session, operation.permit, "authorised", operation.chat_id, now)
            if supersedes is not None:
                await self._operations.delete(session, supersedes.id)
            await self._operations.add(session, operation)

    async def release_cryptogram(
        self, operation: OperationRecord, challenge: AuthenticationChallenge, now: datetime
    ) -> bytes:
        """Make the one cryptogram of an authorisation, after auditing that it is released.

        Everything is checked once more: the grant, the state, the card, the pairing, and that
        neither this operation nor this grant had a cryptogram before.

        :raises AuthorityError: where person, state or card are no longer right.
        :raises OperationGoneError: where there was one, or operation or pairing are over.
        """
        assert operation.permit is not None
        async with self._database.unit_of_work() as session:
            permit, _ = await self._permit(session, operation, now)
            if permit != operation.permit:
                raise OperationGoneError
            if not await self._sessions.may_set_pin(session, operation.session_id, now):
                raise OperationGoneError
            await self._operations.record_release(session, operation, now)
            await self._audit(session, permit, "cryptogram", operation.chat_id, now)
        key = self._authority.cards.derive_admin_key(operation.permit.card_serial)
        return admin_authentication.make_cryptogram(key, challenge)

    def verify_answer(self, operation: OperationRecord, answer: bytes) -> bool:
        """Whether the answer proves that the card is genuine."""
        assert operation.permit is not None
        assert operation.challenge is not None
        key = self._authority.cards.derive_admin_key(operation.permit.card_serial)
        return admin_authentication.verify_answer(key, operation.challenge, answer)

    async def complete(
        self,
        operation: OperationRecord,
        receipt: Receipt,
        proved_by: Operation,
        now: datetime,
    ) -> CardTaskSucceeded | None:
        """Record success, where the receipt proves that the card on record has its new PIN.

        :param proved_by: the operation that gave the receipt.
        :returns: `None` where the receipt proves nothing.
        :raises AuthorityError: where the state no longer allows it.
        :raises OperationGoneError: where the operation is over.
        """
        permit, chat_id = operation.permit, operation.chat_id
        assert permit is not None
        assert operation.nonce is not None
        authority = self._authority
        async with self._database.unit_of_work() as session:
            certificate = await authority.cards.find_certificate(session, permit)
            if receipt.card_serial != permit.card_serial or not verify_receipt(
                receipt, certificate, self._origin, proved_by, operation.nonce
            ):
                return None
            await self._audit(session, permit, "pin_set", chat_id, now)
            value = PinSetResult()
            if operation.task is CardTask.ACTIVATE:
                change = await authority.cards.activate(session, permit, chat_id, now)
                value = PinSetResult(change.changed, change.other_chats)
            about = (chat_id, operation.id, operation.task)
            succeeded = CardTaskSucceeded(*about, value, operation.is_cancelled)
            await self._operations.record_end(session, operation, succeeded)
        return succeeded

    async def record_failure(self, operation: OperationRecord, failed: CardTaskFailed) -> None:
        """Record how the operation failed.

        :raises OperationGoneError: where it is over already.
        """
        async with self._database.unit_of_work() as session:
            await self._operations.record_end(session, operation, failed)

    async def record_alarm(
        self, operation: OperationRecord, failed: CardTaskFailed, now: datetime
    ) -> None:
        """Record that card or issuer failed to authenticate, and bar the pairing."""
        assert operation.permit is not None
        async with self._database.unit_of_work() as session:
            step = str(failed.code)
            await self._audit(session, operation.permit, step, operation.chat_id, now)
            await self._sessions.bar(session, operation.session_id)
            with suppress(OperationGoneError):  # ended elsewhere; the rest holds all the same
                await self._operations.record_end(session, operation, failed)

    async def record_stopping(self, operation: OperationRecord) -> None:
        """Record that the operation has to end, so that nobody releases its cryptogram.

        :raises OperationGoneError: where the operation is over.
        """
        async with self._database.unit_of_work() as session:
            await self._operations.set_state(session, operation, OperationState.STOPPING)

    async def record_unresolved(self, operation: OperationRecord, now: datetime) -> None:
        """Record that the PIN may or may not have been set.

        :raises OperationGoneError: where the operation is over.
        """
        assert operation.permit is not None
        async with self._database.unit_of_work() as session:
            await self._audit(session, operation.permit, "cut_off", operation.chat_id, now)
            await self._operations.set_state(session, operation, OperationState.UNRESOLVED)

    async def _permit(
        self, session: AsyncSession, operation: OperationRecord, now: datetime
    ) -> tuple[CardPermit, datetime]:
        wanted, chat_id = operation.task.authority_operation, operation.chat_id
        permit = self._authority.cards.permit
        return await permit(session, operation.grant_id or "", wanted, chat_id, now)

    async def _audit(
        self, session: AsyncSession, permit: CardPermit, step: str, chat_id: int, now: datetime
    ) -> None:
        await self._authority.cards.record_work(session, permit, step, chat_id, now)
