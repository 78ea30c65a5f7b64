"""The conversation that connects a PC and does nothing more; /pair and /unpair."""

from telegram import Update
from telegram.constants import ChatType

from handlers.card.live_messages import LiveMessages
from handlers.card.operation_steps import CardConversation
from handlers.card.pairing_steps import CLIENT_LANGUAGE, HOW, NO_CODE, PAIR, UNLINKED, PairingSteps
from handlers.context import Context
from handlers.engine import start_handler
from handlers.engine.model import ButtonTransition, Conversation, Step, StepContext, StepResult
from handlers.engine.session import conversations_of
from handlers.identity.error_messages import format_time
from handlers.identity.step_data import SECRET_TIMEOUT
from handlers.screen.text import N_, Markup, say
from handlers.screen.view import send, view
from services.bridge.interface import BridgeHub, BridgeStatus

NAME, PAIRED = "pair", "paired"
BRIDGE = "bridge"
"""What `bot_data` has of the bridge: a `BridgeEventHandler`."""

_PAIRED = N_(
    "✅ <b>Your PC is connected with this chat</b>, until {until} (Taipei), until you close "
    "kaika-bridge, or until you send /unpair.\n\nWhat shall be done with the card?"
)
_PARTED_NOW = N_("🔌 <b>Your PC is disconnected.</b> To connect one again send /pair.")
_NOT_PAIRED = N_("ℹ️ No PC is connected with this chat. To connect one send /pair.")
_IN_PRIVATE = N_("That is done in our private chat only.")
_NO_BRIDGE = N_(
    "ℹ️ Here I cannot reach a card: whoever runs this bot has not set that up. /guide leads you "
    "through the official page."
)


def pairing(
    hub: BridgeHub, board: LiveMessages, server: str, links: tuple[str, ...]
) -> CardConversation:
    """Return the conversation that connects a PC and does nothing more.

    :param links: what can be done with the card afterwards.
    """

    async def connected(_scene: StepContext) -> StepResult:
        return StepResult(PAIRED, clears_history=True)

    async def part(ctx: StepContext) -> StepResult:
        await hub.unpair(ctx.chat_id, ctx.now)
        return StepResult("begin")

    def presence(ctx: StepContext) -> BridgeStatus:
        return hub.status(ctx.chat_id)

    def is_paired(ctx: StepContext) -> bool:
        return presence(ctx).is_paired

    def paired(ctx: StepContext) -> Markup:
        until = presence(ctx).expires_at
        if until is None:
            return say(ctx.language, _PARTED_NOW)
        return say(ctx.language, _PAIRED, until=format_time(until))

    def begin(ctx: StepContext) -> Markup:
        if not is_paired(ctx):
            how = say(ctx.language, HOW, server=server)
            return Markup(f"{how}\n\n{say(ctx.language, NO_CODE)}")
        return paired(ctx) if presence(ctx).is_connected else say(ctx.language, UNLINKED)

    def after(ctx: StepContext) -> tuple[str, ...]:
        return links if presence(ctx).is_connected else ()

    steps = PairingSteps(hub, board, server, connected, (PAIRED,), waits_for_pc=False)
    code = N_("🔢 Show me a code")
    dialog = Conversation(
        name=NAME,
        title=N_("💻 Connect a PC (配對)"),
        initial="begin",
        timeout=SECRET_TIMEOUT,
        steps={
            "begin": Step(
                begin,
                (
                    ButtonTransition(
                        "code", code, PAIR, action=steps.offer_code, when=lambda s: not is_paired(s)
                    ),
                    ButtonTransition(
                        "another",
                        N_("🔄 Connect another PC"),
                        PAIR,
                        action=steps.offer_code,
                        when=is_paired,
                    ),
                    ButtonTransition(
                        "part", N_("🔌 Disconnect"), "begin", action=part, when=is_paired
                    ),
                ),
                links=after,
            ),
            **steps.steps,
            PAIRED: Step(
                paired, links=after, requires=(CLIENT_LANGUAGE,), on_shown=board.record_message
            ),
        },
    )
    return CardConversation(dialog, steps)


async def on_pair(update: Update, context: Context) -> None:
    """/pair: connect a PC, or see that one is."""
    if NAME in conversations_of(context):
        await start_handler.on_go(update, context, [NAME])
    else:
        await send(update, context, view(say(context.language(update), _NO_BRIDGE)))


async def on_unpair(update: Update, context: Context) -> None:
    """/unpair: disconnect the PC, whatever it is doing."""
    chat, language = update.effective_chat, context.language(update)
    desk = context.bot_data.get(BRIDGE)
    if desk is None:
        text = say(language, _NO_BRIDGE)
    elif chat is None or chat.type != ChatType.PRIVATE:
        text = say(language, _IN_PRIVATE)
    else:
        was_paired = await desk.hub.unpair(chat.id, context.services.now())
        desk.live_messages.set_code(chat.id, None)
        text = say(language, _PARTED_NOW if was_paired else _NOT_PAIRED)
    await send(update, context, view(text))
