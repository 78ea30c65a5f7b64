"""Which conversation runs in which deployment; the only place that says so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from handlers.card.live_messages import LiveMessages
from handlers.card.operation_steps import CardConversation
from handlers.card.pairing_steps import PcSetup
from handlers.conversations.activate.guide import ACTIVATE
from handlers.conversations.activate.online import activate_conversation
from handlers.conversations.card_check.guide import CARD_CHECK
from handlers.conversations.card_check.online import Records, card_check_conversation
from handlers.conversations.change_pin.guide import CHANGE_PIN
from handlers.conversations.change_pin.online import change_pin_conversation
from handlers.conversations.pair import pairing_conversation
from handlers.conversations.pay.guide import PAY
from handlers.conversations.pay.online import pay_conversation
from handlers.conversations.resume.guide import RESUME
from handlers.conversations.resume.online import resume_conversation
from handlers.conversations.retrieve.guide import RETRIEVE
from handlers.conversations.retrieve.online import retrieve_conversation
from handlers.conversations.status.guide import STATUS
from handlers.conversations.status.online import status_conversation
from handlers.conversations.suspend.guide import SUSPEND
from handlers.conversations.suspend.online import suspend_conversation
from handlers.conversations.triage.guide import TRIAGE
from handlers.conversations.triage.online import triage_conversation
from handlers.conversations.unlock.guide import UNLOCK
from handlers.conversations.unlock.online import unlock_conversation
from handlers.engine.model import Conversation
from services.authority.interface.authority import Authority
from services.bridge.interface import BridgeHub
from services.storage.database import Database


def _by_name(conversations: Iterable[Conversation]) -> Mapping[str, Conversation]:
    return {conversation.name: conversation for conversation in conversations}


GUIDES = _by_name(
    (TRIAGE, RETRIEVE, PAY, ACTIVATE, SUSPEND, RESUME, UNLOCK, CHANGE_PIN, STATUS, CARD_CHECK)
)
"""The guides through the official page, in the order in which they are listed."""


def is_guide(conversation: Conversation) -> bool:
    """Return whether a conversation leads to the official page, and carries nothing out."""
    return GUIDES.get(conversation.name) is conversation


@dataclass(frozen=True)
class CardAccess:
    """How conversations reach a card in a reader.

    :ivar setup: what a person needs to set up the PC.
    :ivar records: the authority's records of certificates; `None` in guide mode.
    """

    hub: BridgeHub
    live_messages: LiveMessages
    setup: PcSetup
    records: Records | None


@dataclass(frozen=True)
class Deployment:
    """What a deployment can do.

    :ivar authority: carries operations out; `None` in guide mode.
    :ivar takes_payments: whether there is a payment provider.
    :ivar card_access: `None` where no reader bridge can connect.
    """

    database: Database
    authority: Authority | None = None
    takes_payments: bool = False
    card_access: CardAccess | None = None


@dataclass(frozen=True)
class ConversationRegistry:
    """The conversations of one deployment by name, in the order in which they are listed.

    :ivar card_conversations: those among them that receive the hub's events.
    """

    conversations: Mapping[str, Conversation]
    card_conversations: Mapping[str, CardConversation] = field(default_factory=dict)


def conversations_for(deployment: Deployment) -> ConversationRegistry:
    """Return the conversations of a deployment."""
    authority, access = deployment.authority, deployment.card_access
    if authority is None:
        declared = GUIDES
    else:
        declared = _online(authority, deployment.database, deployment.takes_payments)
    if access is None:
        return ConversationRegistry(declared)
    cards = {
        card.conversation.name: card for card in _with_card(authority, access, deployment.database)
    }
    declared = {**declared, **{name: card.conversation for name, card in cards.items()}}
    if authority is not None:
        declared["triage"] = triage_conversation(deployment.takes_payments, reaches_card=True)
    return ConversationRegistry(declared, cards)


def _online(
    authority: Authority, database: Database, takes_payments: bool
) -> Mapping[str, Conversation]:
    """The operations that the authority carries out.

    Those with the card are guides here, and so is paying without a payment provider.
    """
    return _by_name(
        (
            triage_conversation(takes_payments),
            retrieve_conversation(authority, database),
            pay_conversation(authority, database) if takes_payments else PAY,
            ACTIVATE,
            suspend_conversation(authority, database),
            resume_conversation(authority, database),
            UNLOCK,
            CHANGE_PIN,
            status_conversation(authority, database),
            CARD_CHECK,
        )
    )


def _with_card(
    authority: Authority | None, access: CardAccess, database: Database
) -> tuple[CardConversation, ...]:
    """The conversations with the card; without an authority none of them sets a PIN."""
    hub, live_messages, setup = access.hub, access.live_messages, access.setup
    check = card_check_conversation(hub, live_messages, setup, database, access.records)
    if authority is None:
        return (check, pairing_conversation(hub, live_messages, setup, ("card_check",)))
    links = ("card_check", "activate", "unlock", "change_pin")
    return (
        activate_conversation(authority, hub, live_messages, setup),
        unlock_conversation(authority, hub, live_messages, setup),
        change_pin_conversation(hub, live_messages, setup),
        check,
        pairing_conversation(hub, live_messages, setup, links),
    )
