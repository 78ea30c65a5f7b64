"""Pairing (配對): a code, two words, a yes at each end; and its end."""

import unicodedata
from datetime import datetime, timedelta
from math import ceil

from reader_bridge.protocol import PairRefusal, SessionState, UnpairReason, derive_pairing_words
from reader_bridge.protocol.limits import PAIRED_SECONDS
from reader_bridge.protocol.pairing_messages import Paired, PairOffer, PairRefused, Unpaired
from services.bridge.errors import NoPairingError
from services.bridge.events import (
    Fault,
    NowPaired,
    NowUnpaired,
    PairedEnd,
    PairingEnd,
    PairingEnded,
    PairingOffered,
)
from services.bridge.ids import new_nonce
from services.bridge.operations.completion import Events
from services.bridge.operations.start import Operations
from services.bridge.pairing.codes import LIFETIME, CodeRefusedError, PairingCodes
from services.bridge.pairing.store import Pairing, SessionStore
from services.bridge.sessions import Chat, Chats, Offered, Session, Sessions
from services.formats.hidden import Hidden
from services.storage.database import Database

MOST_WRONG = 5
"""Wrong codes over one connection; the next one is not looked at any more."""
_LONGEST_NAME = 64
_PAIRED = timedelta(seconds=PAIRED_SECONDS)
_HIDDEN = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What turns the direction of a text around, and could make a name read as another."""
_OFFER_ENDS = {
    PairingEnd.REFUSED_IN_CHAT: UnpairReason.REFUSED,
    PairingEnd.ANOTHER_CODE: UnpairReason.REPLACED,
    PairingEnd.TOO_LATE: UnpairReason.EXPIRED,
}
_ENDS = {
    PairedEnd.BY_CHAT: UnpairReason.BY_CHAT,
    PairedEnd.REPLACED: UnpairReason.REPLACED,
    PairedEnd.EXPIRED: UnpairReason.EXPIRED,
}
"""What the bridge is told, where it does not know already."""


class PairingDesk:
    """Pairs chats with bridges, and parts them."""

    def __init__(
        self,
        database: Database,
        codes: PairingCodes,
        store: SessionStore,
        chats: Chats,
        sessions: Sessions,
        operations: Operations,
        events: Events,
    ) -> None:
        self._database = database
        self._codes = codes
        self._store = store
        self._chats = chats
        self._sessions = sessions
        self._operations = operations
        self._events = events

    async def redeem(self, session: Session, code: str, now: datetime) -> None:
        """Take a code that was typed at a PC; a right one is offered to its chat."""
        if session.wrong_codes >= MOST_WRONG:
            session.send(PairRefused(PairRefusal.TOO_MANY_TRIES, 0))
            session.hang_up()
            return
        try:
            offer = await self._codes.redeem(Hidden(code), session.address, now)
        except CodeRefusedError as refused:
            session.wrong_codes += not (refused.of_all or refused.expired)
            session.send(_refusal(refused, now))
            return
        async with self._chats.held(offer.chat_id) as chat:
            self.drop_offer(chat, PairingEnd.ANOTHER_CODE)
            words = derive_pairing_words(code, session.id, *session.nonces)
            offered = Offered(session, offer, words, now + LIFETIME)
            chat.offered = session.offered = offered
            session.state = SessionState.CONFIRMING
            session.send(PairOffer(offer.name.reveal()))
            self._events(PairingOffered(chat.id, words, offered.expires_at))

    async def answered_at_pc(self, session: Session, accepted: bool, now: datetime) -> None:
        """Hear what the person at the PC says of host, name and words."""
        offered = session.offered
        if offered is None:
            return
        async with self._chats.held(offered.offer.chat_id) as chat:
            if session.offered is not offered:
                return
            if not accepted:
                self.drop_offer(chat, PairingEnd.REFUSED_AT_PC)
                return
            offered.at_pc, session.state = True, SessionState.ANSWERED
            await self._pair_if_both(chat, offered, now)

    async def answered_in_chat(self, chat: Chat, accepted: bool, now: datetime) -> None:
        """Hear what the chat says of the words. The chat's lock is held.

        :raises NoPairingError: when nobody waits for it any more.
        """
        offered = chat.offered
        if offered is None or offered.expires_at <= now:
            raise NoPairingError
        if not accepted:
            self.drop_offer(chat, PairingEnd.REFUSED_IN_CHAT)
            return
        offered.in_chat = True
        await self._pair_if_both(chat, offered, now)

    async def _pair_if_both(self, chat: Chat, offered: Offered, now: datetime) -> None:
        if not (offered.at_pc and offered.in_chat):
            return
        session, offer = offered.session, offered.offer
        pairing = Pairing(
            chat_id=chat.id,
            user_id=offer.user_id,
            session_id=session.id,
            resume_secret=new_nonce(),
            paired_at=now,
            expires_at=now + _PAIRED,
        )
        await self._operations.bridge_gone(chat, Fault.REPLACED, now)
        async with self._database.unit_of_work() as rows:
            await self._store.put(rows, pairing)
        replaced = chat.session is not None
        if chat.session is not None:
            self._leave(chat, chat.session, PairedEnd.REPLACED)
        chat.offered = session.offered = None
        chat.session, session.pairing, session.state = session, pairing, SessionState.PAIRED
        session.send(Paired(pairing.resume_secret, PAIRED_SECONDS, offer.name.reveal()))
        self._events(NowPaired(chat.id, pairing.expires_at, replaced))
        if chat.unresolved is not None:
            await self._operations.resolve_soon(chat, now)

    def drop_offer(self, chat: Chat, reason: PairingEnd) -> None:
        """End an offer that did not come about; nothing happens where there is none."""
        offered = chat.offered
        if offered is None:
            return
        session, chat.offered = offered.session, None
        session.part()
        if reason in _OFFER_ENDS:
            session.send(Unpaired(_OFFER_ENDS[reason]))
        self._events(PairingEnded(chat.id, reason))

    async def end(self, chat: Chat, reason: PairedEnd, now: datetime) -> bool:
        """End the pairing of a chat; `False` where there is none. The chat's lock is held."""
        session = chat.session
        if session is None or session.pairing is None:
            return False
        await self._operations.bridge_gone(chat, Fault.UNPAIRED, now)
        async with self._database.unit_of_work() as rows:
            await self._store.remove(rows, session.pairing)
        self._leave(chat, session, reason)
        self._events(NowUnpaired(chat.id, reason))
        return True

    def _leave(self, chat: Chat, session: Session, reason: PairedEnd) -> None:
        if reason in _ENDS:
            session.send(Unpaired(_ENDS[reason]))
        chat.session = None
        session.part()
        self._sessions.forget(session)


def shown_name(name: str) -> str:
    """Give a Telegram name as the PC may show it: nothing hidden, nothing turned around, short."""
    shown = (
        letter
        for letter in " ".join(name.split())
        if unicodedata.category(letter) not in _HIDDEN and letter not in _TURNING
    )
    return " ".join("".join(shown).split())[:_LONGEST_NAME]


def _refusal(refused: CodeRefusedError, now: datetime) -> PairRefused:
    wait = None if refused.wait is None else max(1, ceil((refused.wait - now).total_seconds()))
    if refused.expired:
        return PairRefused(PairRefusal.EXPIRED, refused.tries_left)
    if refused.of_all:
        return PairRefused(PairRefusal.BUSY, None, wait)
    if not refused.tries_left:
        return PairRefused(PairRefusal.TOO_MANY_TRIES, 0, wait)
    return PairRefused(PairRefusal.WRONG_CODE, refused.tries_left, wait)
