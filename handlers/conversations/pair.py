"""/pair, /unpair, and the conversation that only connects a PC (配對)."""

from dataclasses import dataclass, replace

from telegram import Update
from telegram.constants import ChatType

from handlers.card.live_messages import LiveMessages
from handlers.card.operation_steps import CardConversation
from handlers.card.pairing_steps import (
    CLIENT_LANGUAGE,
    INSTRUCTIONS,
    NO_CODE,
    PAIR,
    PC_AWAY_TEXT,
    PairingSteps,
    PcSetup,
)
from handlers.context import Context
from handlers.engine import start_handler
from handlers.engine.model import ButtonTransition, Conversation, Step, StepContext, StepResult
from handlers.engine.session import conversations_of
from handlers.identity.error_messages import format_time
from handlers.identity.step_data import SECRET_TIMEOUT
from handlers.screen.text import N_, Markup, say
from handlers.screen.view import send, view
from services.bridge.interface import BridgeHub
from services.clock import wall_time

NAME, PAIRED = "pair", "paired"
BRIDGE = "bridge"
"""The key of the `BridgeEventHandler` in `bot_data`."""

_PAIRED = N_(
    "✅ <b>Your PC is connected to this chat</b> until {until} (Taipei), or until you close "
    "kaika-bridge or send /unpair.\n"
    "\n"
    "What would you like to do with the card?"
)
_DISCONNECTED = N_("🔌 <b>Your PC is disconnected.</b> To connect one again send /pair.")
_NOT_PAIRED = N_("ℹ️ No PC is connected with this chat. To connect one send /pair.")
_IN_PRIVATE = N_("You can do this only in our private chat.")
_NO_BRIDGE = N_(
    "ℹ️ This bot is not set up to use cards. Send /guide: I'll guide you through the official "
    "website."
)


def pairing_conversation(
    hub: BridgeHub, live_messages: LiveMessages, setup: PcSetup, links: tuple[str, ...]
) -> CardConversation:
    """Return the conversation that only connects a PC.

    :param setup: what a person needs to set up the PC.
    :param links: conversations to offer once a PC is connected.
    """
    steps = _ConnectionSteps(hub, setup, links)
    pairing_steps = PairingSteps(
        hub, live_messages, setup, _on_connected, (PAIRED,), waits_for_pc=False
    )
    conversation = Conversation(
        name=NAME,
        title=N_("💻 Connect a PC"),
        initial="begin",
        timeout=SECRET_TIMEOUT,
        steps={
            "begin": steps.first_step(pairing_steps),
            **pairing_steps.steps,
            PAIRED: Step(
                steps.paired_text,
                links=steps.links_if_connected,
                requires=(CLIENT_LANGUAGE,),
                on_shown=live_messages.record_message,
            ),
        },
    )
    return CardConversation(conversation, pairing_steps)


async def _on_connected(_ctx: StepContext) -> StepResult:
    return StepResult(PAIRED, clears_history=True)


@dataclass(frozen=True)
class _ConnectionSteps:
    """The steps before and after pairing: no PC is connected, or one is."""

    hub: BridgeHub
    setup: PcSetup
    links: tuple[str, ...]

    def first_step(self, pairing_steps: PairingSteps) -> Step:
        code = ButtonTransition(
            "code",
            N_("🔢 Show a code"),
            PAIR,
            action=pairing_steps.offer_code,
            when=lambda ctx: not self._is_paired(ctx),
        )
        another = replace(
            code, key="another", label=N_("🔄 Connect another PC"), when=self._is_paired
        )
        disconnect = ButtonTransition(
            "part", N_("🔌 Disconnect"), "begin", action=self._disconnect, when=self._is_paired
        )
        return Step(self._first_text, (code, another, disconnect), links=self.links_if_connected)

    def paired_text(self, ctx: StepContext) -> Markup:
        until = self.hub.status(ctx.chat_id).expires_at
        if until is None:
            return say(ctx.language, _DISCONNECTED)
        return say(ctx.language, _PAIRED, until=format_time(wall_time(until, ctx.now)))

    def links_if_connected(self, ctx: StepContext) -> tuple[str, ...]:
        return self.links if self.hub.status(ctx.chat_id).is_connected else ()

    def _first_text(self, ctx: StepContext) -> Markup:
        status = self.hub.status(ctx.chat_id)
        if not status.is_paired:
            instructions = say(ctx.language, INSTRUCTIONS, server=self.setup.server)
            return Markup(f"{instructions}\n\n{say(ctx.language, NO_CODE)}")
        return self.paired_text(ctx) if status.is_connected else say(ctx.language, PC_AWAY_TEXT)

    def _is_paired(self, ctx: StepContext) -> bool:
        return self.hub.status(ctx.chat_id).is_paired

    async def _disconnect(self, ctx: StepContext) -> StepResult:
        await self.hub.unpair(ctx.chat_id, ctx.now)
        return StepResult("begin")


async def on_pair(update: Update, context: Context) -> None:
    """/pair: connect a PC, or show the connected one."""
    if NAME in conversations_of(context):
        await start_handler.on_go(update, context, [NAME])
    else:
        await send(update, context, view(say(context.language(update), _NO_BRIDGE)))


async def on_unpair(update: Update, context: Context) -> None:
    """/unpair: disconnect the PC, also while it does something."""
    chat, language = update.effective_chat, context.language(update)
    handler = context.bot_data.get(BRIDGE)
    if handler is None:
        text = say(language, _NO_BRIDGE)
    elif chat is None or chat.type != ChatType.PRIVATE:
        text = say(language, _IN_PRIVATE)
    else:
        was_paired = await handler.hub.unpair(chat.id, context.services.now())
        handler.live_messages.set_code(chat.id, None)
        text = say(language, _DISCONNECTED if was_paired else _NOT_PAIRED)
    await send(update, context, view(text))
