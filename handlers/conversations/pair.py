"""The conversation that connects a PC and does nothing more; /pair and /unpair."""

from telegram import Update
from telegram.constants import ChatType

from handlers.card.live_messages import Board
from handlers.card.operation_steps import CardDialog
from handlers.card.pairing_steps import CLIENT, HOW, NO_CODE, PAIR, UNLINKED, Pairing
from handlers.context import Context
from handlers.engine import start_handler
from handlers.engine.model import Choice, Dialog, Outcome, Scene, Step
from handlers.identity.error_messages import moment
from handlers.identity.limits import RESTS
from handlers.screen.text import N_, Markup, say
from handlers.screen.view import send, view
from services.bridge.interface import BridgeHub, BridgeStatus

NAME, PAIRED = "pair", "paired"
BRIDGE = "bridge"
"""What `bot_data` has of the bridge: a `BridgeDesk`."""

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


def pairing(hub: BridgeHub, board: Board, server: str, links: tuple[str, ...]) -> CardDialog:
    """Give the conversation that connects a PC and does nothing more.

    :param links: what can be done with the card afterwards.
    """

    async def connected(_scene: Scene) -> Outcome:
        return Outcome(PAIRED, is_one_way=True)

    async def part(scene: Scene) -> Outcome:
        await hub.unpair(scene.chat_id, scene.now)
        return Outcome("begin")

    def presence(scene: Scene) -> BridgeStatus:
        return hub.status(scene.chat_id)

    def is_paired(scene: Scene) -> bool:
        return presence(scene).is_paired

    def paired(scene: Scene) -> Markup:
        until = presence(scene).expires_at
        if until is None:
            return say(scene.language, _PARTED_NOW)
        return say(scene.language, _PAIRED, until=moment(until))

    def begin(scene: Scene) -> Markup:
        if not is_paired(scene):
            how = say(scene.language, HOW, server=server)
            return Markup(f"{how}\n\n{say(scene.language, NO_CODE)}")
        return paired(scene) if presence(scene).is_connected else say(scene.language, UNLINKED)

    def after(scene: Scene) -> tuple[str, ...]:
        return links if presence(scene).is_connected else ()

    steps = Pairing(hub, board, server, connected, (PAIRED,), waits=False)
    code = N_("🔢 Show me a code")
    dialog = Dialog(
        name=NAME,
        title=N_("💻 Connect a PC (配對)"),
        begins="begin",
        lasts=RESTS,
        steps={
            "begin": Step(
                begin,
                (
                    Choice("code", code, PAIR, act=steps.offer, when=lambda s: not is_paired(s)),
                    Choice("another", N_("🔄 Connect another PC"), PAIR, act=steps.offer,
                           when=is_paired),
                    Choice("part", N_("🔌 Disconnect"), "begin", act=part, when=is_paired),
                ),
                links=after,
            ),
            **steps.steps,
            PAIRED: Step(paired, links=after, needs=(CLIENT,), shown=board.stands),
        },
    )  # fmt: skip
    return CardDialog(dialog, steps)


async def on_pair(update: Update, context: Context) -> None:
    """/pair: connect a PC, or see that one is."""
    if NAME in context.conversations:
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
        desk.board.put_code(chat.id, None)
        text = say(language, _PARTED_NOW if was_paired else _NOT_PAIRED)
    await send(update, context, view(text))
