"""Pairing (配對) of a bridge with a chat: code, confirmation on both sides, unpairing."""

import unicodedata
from datetime import datetime, timedelta
from math import ceil

from reader_bridge.protocol import PairRefusal, SessionState, UnpairReason, derive_pairing_words
from reader_bridge.protocol.limits import PAIRED_SECONDS
from reader_bridge.protocol.pairing_messages import Pair, Paired, PairOffer, PairRefused, Unpaired
from services.bridge.errors import NoPairingError
from services.bridge.events import (
    BridgePaired,
    BridgeUnpaired,
    PairingDelayed,
    PairingEndReason,
    PairingFailed,
    PairingFailureReason,
    PairingOffered,
    ServerFailure,
)
from services.bridge.operations.completion import Publish
from services.bridge.operations.service import OperationService
from services.bridge.pairing.codes import LIFETIME, CodeRefusedError, PairingCodes
from services.bridge.pairing.store import PairingStore, StoredPairing
from services.bridge.sessions import (
    ChatRegistry,
    HubChat,
    HubSession,
    PendingPairing,
    SessionRegistry,
)
from services.clock import steady_time
from services.formats.hidden import Hidden
from services.ids import new_nonce
from services.storage.database import Database

MAX_WRONG_CODES = 5
"""Wrong codes over one connection; one more closes it."""
_MAX_NAME_LENGTH = 64
_PAIRED = timedelta(seconds=PAIRED_SECONDS)
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
_DIRECTION_CONTROLS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
"""Characters that change the direction of text, and could make a name read as another."""
_FAILURE_MESSAGES = {
    PairingFailureReason.REFUSED_AT_PC: UnpairReason.REFUSED,
    PairingFailureReason.REFUSED_IN_CHAT: UnpairReason.REFUSED,
    PairingFailureReason.ANOTHER_CODE: UnpairReason.REPLACED,
    PairingFailureReason.TOO_LATE: UnpairReason.EXPIRED,
}
_END_MESSAGES = {
    PairingEndReason.BY_CHAT: UnpairReason.BY_CHAT,
    PairingEndReason.REPLACED: UnpairReason.REPLACED,
    PairingEndReason.EXPIRED: UnpairReason.EXPIRED,
}
"""The reason sent to the bridge; without one it knows already."""


class PairingService:
    """Pairs bridges with chats, and ends their pairings.

    :param origin: of this server, as bridges connect to it.
    """

    def __init__(
        self,
        database: Database,
        codes: PairingCodes,
        store: PairingStore,
        chats: ChatRegistry,
        sessions: SessionRegistry,
        operations: OperationService,
        origin: str,
        publish: Publish,
    ) -> None:
        self._database = database
        self._codes = codes
        self._store = store
        self._chats = chats
        self._sessions = sessions
        self._operations = operations
        self._origin = origin
        self._publish = publish

    async def redeem(self, session: HubSession, pair: Pair, now: datetime) -> None:
        """Redeem a code typed at a PC; a right one is spent and begins a pairing with its chat.

        The nonce that the words depend on is revealed only after that.
        """
        try:
            offer = await self._codes.redeem(Hidden(pair.code), session.address, now)
        except CodeRefusedError as refused:
            session.wrong_codes += not refused.is_expired
            session.send(_refusal(refused, session.renew_commitment(), now))
            if session.wrong_codes > MAX_WRONG_CODES:
                session.disconnect()
            if refused.chat_id is not None and refused.retry_at is not None:
                self._publish(PairingDelayed(refused.chat_id, refused.retry_at))
            return
        server_nonce, session.pairing_nonce = session.pairing_nonce, b""
        async with self._chats.lock(offer.chat_id) as chat:
            self.cancel_pending(chat, PairingFailureReason.ANOTHER_CODE)
            words = derive_pairing_words(
                pair.code,
                origin=self._origin,
                session=session.id,
                server_nonce=server_nonce,
                bridge_nonce=pair.nonce,
            )
            offered = PendingPairing(session, offer, words, steady_time(now) + LIFETIME)
            chat.pending = session.pending = offered
            session.state = SessionState.CONFIRMING
            session.send(PairOffer(server_nonce, offer.name.reveal()))
            self._publish(PairingOffered(chat.id, words, offered.expires_at))

    async def answer_at_pc(self, session: HubSession, accepted: bool, now: datetime) -> None:
        """Take the answer given at the PC to host, name and words."""
        offered = session.pending
        if offered is None:
            return
        async with self._chats.lock(offered.code.chat_id) as chat:
            if session.pending is not offered:
                return
            if not accepted:
                self.cancel_pending(chat, PairingFailureReason.REFUSED_AT_PC)
                return
            offered.accepted_at_pc, session.state = True, SessionState.ANSWERED
            await self._pair_if_both(chat, offered, now)

    async def answer_in_chat(self, chat: HubChat, accepted: bool, now: datetime) -> None:
        """Take the chat's answer to the words. The chat's lock is held.

        :raises NoPairingError: when no bridge waits for it.
        """
        offered = chat.pending
        if offered is None or offered.expires_at <= steady_time(now):
            raise NoPairingError
        if not accepted:
            self.cancel_pending(chat, PairingFailureReason.REFUSED_IN_CHAT)
            return
        offered.accepted_in_chat = True
        await self._pair_if_both(chat, offered, now)

    async def _pair_if_both(self, chat: HubChat, offered: PendingPairing, now: datetime) -> None:
        if not (offered.accepted_at_pc and offered.accepted_in_chat):
            return
        session, offer = offered.session, offered.code
        pairing = StoredPairing(
            chat_id=chat.id,
            user_id=offer.user_id,
            session_id=session.id,
            resume_secret=new_nonce(),
            paired_at=steady_time(now),
            expires_at=steady_time(now) + _PAIRED,
        )
        await self._operations.abort_running(chat, ServerFailure.REPLACED, now)
        async with self._database.unit_of_work() as rows:
            await self._store.save(rows, pairing)
        replaced = chat.session is not None
        if chat.session is not None:
            self._detach(chat, chat.session, PairingEndReason.REPLACED)
        chat.pending = session.pending = None
        chat.session, session.pairing, session.state = session, pairing, SessionState.PAIRED
        session.send(Paired(pairing.resume_secret, PAIRED_SECONDS, offer.name.reveal()))
        self._publish(BridgePaired(chat.id, pairing.expires_at, replaced))
        if chat.unresolved is not None:
            await self._operations.resolve_soon(chat, now)

    def cancel_pending(self, chat: HubChat, reason: PairingFailureReason) -> None:
        """End a pairing that was not confirmed, if there is one."""
        offered = chat.pending
        if offered is None:
            return
        session, chat.pending = offered.session, None
        session.detach()
        if reason in _FAILURE_MESSAGES:
            session.send(Unpaired(_FAILURE_MESSAGES[reason], session.renew_commitment()))
        self._publish(PairingFailed(chat.id, reason))

    async def unpair(self, chat: HubChat, reason: PairingEndReason, now: datetime) -> bool:
        """End the pairing of a chat; `False` where there is none. The chat's lock is held."""
        session = chat.session
        if session is None or session.pairing is None:
            return False
        is_bridge_done = reason is PairingEndReason.BY_BRIDGE
        await self._operations.abort_running(
            chat, ServerFailure.UNPAIRED, now, is_bridge_done=is_bridge_done
        )
        async with self._database.unit_of_work() as rows:
            await self._store.delete(rows, session.pairing)
        self._detach(chat, session, reason)
        self._publish(BridgeUnpaired(chat.id, reason))
        return True

    def _detach(self, chat: HubChat, session: HubSession, reason: PairingEndReason) -> None:
        if reason in _END_MESSAGES:
            session.send(Unpaired(_END_MESSAGES[reason], session.renew_commitment()))
        chat.session = None
        session.detach()
        self._sessions.discard(session)


def sanitise_name(name: str) -> str:
    """Return a Telegram name as the PC may show it: short, without control characters."""
    shown = (
        letter
        for letter in " ".join(name.split())
        if unicodedata.category(letter) not in _INVISIBLE_CATEGORIES
        and letter not in _DIRECTION_CONTROLS
    )
    return " ".join("".join(shown).split())[:_MAX_NAME_LENGTH]


def _refusal(error: CodeRefusedError, commitment: bytes, now: datetime) -> PairRefused:
    wait = None if error.retry_at is None else max(1, ceil((error.retry_at - now).total_seconds()))
    if error.is_expired:
        return PairRefused(PairRefusal.EXPIRED, commitment, error.tries_left)
    if not error.tries_left:
        return PairRefused(PairRefusal.TOO_MANY_TRIES, commitment, 0, wait)
    return PairRefused(PairRefusal.WRONG_CODE, commitment, error.tries_left, wait)
