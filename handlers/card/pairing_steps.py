"""Pairing (配對): connecting a PC with the chat, by a code and two words compared at both ends.

``pair`` shows the code, ``compare`` the words, ``confirmed`` waits for the yes at the PC. Other
conversations have these steps, too, and go on by themselves once the PC is connected.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from handlers.card.live_messages import LiveMessages
from handlers.card.messages import PAIRING_END_TEXTS
from handlers.context import Context
from handlers.engine.model import (
    ButtonTransition,
    ExternalTransition,
    InfoButton,
    Step,
    StepContext,
    StepResult,
)
from handlers.screen.text import N_, Markup, say
from reader_bridge.protocol import PAIRING_CODE_LENGTH
from services.bridge.errors import NoPairingError
from services.bridge.events import PairingFailureReason
from services.bridge.interface import BridgeHub

CLIENT_LANGUAGE, END_REASON = "client", "why"
"""What is kept on the way: what the client speaks, for messages to come; why nothing was
connected."""
PAIR, COMPARE, CONFIRMED, PAIRING_ENDED = "pair", "compare", "confirmed", "parted"
STEPS = (PAIR, COMPARE, CONFIRMED, PAIRING_ENDED)

OnConnected = Callable[[StepContext], Awaitable[StepResult]]

HOW = N_(
    "💻 <b>Connect your PC</b>\n"
    "1. Plug the card reader into the PC and put the card in.\n"
    "2. Start <b>kaika-bridge</b> there. The first time it asks for this address:\n"
    "<code>{server}</code>"
)
_CODE = N_(
    "3. It asks for a code. Type this one <b>there</b>:\n\n<code>{code}</code>\n\n"
    "⏳ Good once, for {minutes} more min.\n"
    "🔒 Only on your own PC. Who else asks for this code wants your card."
)
NO_CODE = N_(
    "⌛ No code is shown at the moment; one is good for five minutes. Press the button when "
    "kaika-bridge asks for it."
)
_COMPARE = N_(
    "🔍 <b>Does your PC show these two words?</b>\n\n<b>{first} · {second}</b>\n\n"
    "Say yes only if they are the same, and on your own PC. Other words, or no words: say no, "
    "since then somebody else may be in between."
)
_GONE = N_("⌛ <b>Nobody waits to be connected any more.</b> Get a new code and try again.")
_JOINED = N_(
    "✅ <b>Your PC is connected.</b> It goes on by itself in a moment; if not, press the button."
)
_JUST = timedelta(minutes=10)
"""As long as an offer and its confirmation may take: who was paired since then was meant."""
_CONFIRMED = N_(
    "✓ You said yes here. 👉 <b>Now say yes on the PC, too.</b> Then it goes on by itself."
)
_GET = N_(
    "<b>Where kaika-bridge comes from</b>\n"
    "It is the program that lets this chat reach the card in your reader, for Windows, macOS and "
    "Linux. You get it from whoever runs this service; take it from nowhere else.\n\n"
    "It keeps no secret, asks you before everything, and ends when you close it. In a terminal: "
    "<code>kaika-bridge --server {server}</code>; with a window: <code>kaika-bridge window</code>."
)
_STUCK = N_(
    "<b>It does not work?</b>\n"
    "• The code is refused: get another one here; each is good once and for five minutes. After "
    "five wrong ones the PC has to wait 15 minutes.\n"
    "• The server is not reached: compare the address letter by letter, and look at the internet "
    "connection of the PC.\n"
    "• Reader or card: run <code>kaika-bridge check</code>; it names what is missing and what to "
    "do.\n"
    "• 🙋 A person helps at 0800-080-117."
)
UNLINKED = N_(
    "🔌 <b>Your PC is paired, but not reached at this moment.</b> Is kaika-bridge still open and "
    "the PC awake? It comes back by itself and I go on. Has it been closed, or does it ask for a "
    "code? Then get a new one."
)


@dataclass(frozen=True)
class PairingSteps:
    """The steps of pairing, for any conversation.

    :ivar server: the address to type at the PC.
    :ivar go_on: what follows once a PC is connected, and where else than ``work`` it may lead.
    :ivar waits: whether a PC that is paired and away is waited for.
    """

    hub: BridgeHub
    live_messages: LiveMessages
    server: str
    on_connected: OnConnected
    also_targets: tuple[str, ...]
    waits_for_pc: bool = True

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps, by the names they must have."""
        code = ButtonTransition("code", N_("🔢 Show me a code"), PAIR, action=self.offer_code)
        typed = ExternalTransition("the code is typed on the PC", COMPARE)
        further = (*self.also_targets[1:], *((PAIR, "unlinked") if self.waits_for_pc else ()))
        on = ButtonTransition(
            "on",
            N_("▶️ Go on"),
            self.also_targets[0],
            action=self._go_on,
            also_targets=further,
            when=self._is_joined,
        )
        said = ExternalTransition("yes at both ends", self.also_targets[0], self.also_targets[1:])
        dropped = ExternalTransition("no, or too late", PAIRING_ENDED)
        heard, needs, shown = (
            (typed, said, dropped),
            (CLIENT_LANGUAGE,),
            self.live_messages.record_message,
        )
        asides = (
            InfoButton("get", N_("💻 Where is kaika-bridge?"), self._get),
            InfoButton("stuck", N_("🆘 It does not work"), _STUCK),
        )
        steps = {
            PAIR: Step(
                self._pair,
                (
                    _when(code, lambda ctx: not self._has_code(ctx)),
                    ButtonTransition(
                        "new",
                        N_("🔄 Another code"),
                        PAIR,
                        action=self.offer_code,
                        when=self._has_code,
                    ),
                ),
                asides,
                requires=needs,
                external_transitions=heard,
                on_shown=shown,
            ),
            COMPARE: Step(
                self._compare,
                (
                    ButtonTransition(
                        "same",
                        N_("✅ Yes, the same words"),
                        CONFIRMED,
                        action=self._yes,
                        also_targets=(PAIRING_ENDED, self.also_targets[0], *further),
                        when=self._is_offered,
                    ),
                    ButtonTransition(
                        "other",
                        N_("🛑 No, other words"),
                        PAIRING_ENDED,
                        action=self._no,
                        when=self._is_offered,
                    ),
                    on,
                    _when(code, self._is_gone),
                ),
                requires=needs,
                external_transitions=heard,
                on_shown=shown,
                on_leave=self._left,
            ),
            CONFIRMED: Step(
                self._confirmed,
                (
                    ButtonTransition(
                        "other",
                        N_("🛑 Do not connect"),
                        PAIRING_ENDED,
                        action=self._no,
                        when=self._is_offered,
                    ),
                    on,
                    _when(code, self._is_gone),
                ),
                requires=needs,
                external_transitions=heard,
                on_shown=shown,
                on_leave=self._left,
            ),
            PAIRING_ENDED: Step(
                _parted, (code,), requires=(END_REASON,), external_transitions=heard, on_shown=shown
            ),
            "unlinked": Step(
                UNLINKED,
                (
                    ButtonTransition(
                        "again",
                        N_("🔁 Try again"),
                        "unlinked",
                        action=self.connect,
                        also_targets=(PAIR, *self.also_targets),
                    ),
                    code,
                ),
                requires=needs,
                external_transitions=(said, dropped),
                on_shown=shown,
            ),
        }
        return {
            name: step for name, step in steps.items() if name != "unlinked" or self.waits_for_pc
        }

    async def connect(self, ctx: StepContext) -> StepResult:
        """Go on where a PC is connected; else begin to pair."""
        presence = self.hub.status(ctx.chat_id)
        if not presence.is_paired:
            return await self.offer_code(ctx)
        if not presence.is_connected:
            return StepResult("unlinked", _kept(ctx))
        return _with_client(await self.on_connected(ctx), ctx)

    async def _go_on(self, ctx: StepContext) -> StepResult:
        return replace(_with_client(await self.on_connected(ctx), ctx), clears_history=True)

    async def offer_code(self, ctx: StepContext) -> StepResult:
        """Have a code to show."""
        hub, now = self.hub, ctx.now
        code = await hub.issue_pairing_code(ctx.chat_id, ctx.user_id, ctx.name, now)
        self.live_messages.set_code(ctx.chat_id, code)
        return StepResult(PAIR, _kept(ctx))

    async def _yes(self, ctx: StepContext) -> StepResult:
        try:
            await self.hub.answer_pairing(ctx.chat_id, ctx.now, accepted=True)
        except NoPairingError:
            if self._is_joined(ctx):  # a process that was killed did it
                return await self._go_on(ctx)
            return StepResult(PAIRING_ENDED, {END_REASON: PairingFailureReason.TOO_LATE})
        return StepResult(CONFIRMED, clears_history=True)

    async def _no(self, ctx: StepContext) -> StepResult:
        await self._refuse(ctx)
        return StepResult(
            PAIRING_ENDED, {END_REASON: PairingFailureReason.REFUSED_IN_CHAT}, clears_history=True
        )

    async def _refuse(self, ctx: StepContext) -> None:
        try:
            await self.hub.answer_pairing(ctx.chat_id, ctx.now, accepted=False)
        except NoPairingError:
            return  # it ended by itself, which is what was wanted

    async def _left(self, _context: Context, ctx: StepContext) -> None:
        await self._refuse(ctx)

    def _pair(self, ctx: StepContext) -> Markup:
        how = say(ctx.language, HOW, server=self.server)
        code = self.live_messages.code(ctx.chat_id, ctx.now)
        if code is None:
            return Markup(f"{how}\n\n{say(ctx.language, NO_CODE)}")
        half, shown = PAIRING_CODE_LENGTH // 2, code.code.reveal()
        minutes = self.live_messages.minutes_left(ctx.chat_id, ctx.now)
        grouped = f"{shown[:half]} {shown[half:]}"
        return Markup(f"{how}\n{say(ctx.language, _CODE, code=grouped, minutes=minutes)}")

    def _get(self, ctx: StepContext) -> Markup:
        return say(ctx.language, _GET, server=self.server)

    def _compare(self, ctx: StepContext) -> Markup:
        words = self.hub.pairing_words(ctx.chat_id)
        if words is None:
            return self._over(ctx)
        shown = [w.chinese if ctx.language.startswith("zh") else w.english for w in words]
        return say(ctx.language, _COMPARE, first=shown[0], second=shown[1])

    def _confirmed(self, ctx: StepContext) -> Markup:
        return say(ctx.language, _CONFIRMED) if self._is_offered(ctx) else self._over(ctx)

    def _over(self, ctx: StepContext) -> Markup:
        return say(ctx.language, _JOINED if self._is_joined(ctx) else _GONE)

    def _has_code(self, ctx: StepContext) -> bool:
        return self.live_messages.code(ctx.chat_id, ctx.now) is not None

    def _is_offered(self, ctx: StepContext) -> bool:
        return self.hub.pairing_words(ctx.chat_id) is not None

    def _is_joined(self, ctx: StepContext) -> bool:
        """Return whether it is done: both ends said yes a moment ago."""
        since = self.hub.status(ctx.chat_id).paired_at
        return not self._is_offered(ctx) and since is not None and ctx.now - since < _JUST

    def _is_gone(self, ctx: StepContext) -> bool:
        return not self._is_offered(ctx) and not self._is_joined(ctx)

    def awaits_connection(self, step: str, ctx: StepContext) -> bool:
        """Return whether somebody who is at a step goes on as soon as the paired PC is there."""
        if step == "unlinked":
            return True
        if step in (COMPARE, CONFIRMED):
            return self._is_joined(ctx)
        return self.waits_for_pc and step in (PAIR, PAIRING_ENDED) and not self._is_offered(ctx)


def _parted(ctx: StepContext) -> Markup:
    return say(ctx.language, PAIRING_END_TEXTS.get(ctx.data[END_REASON], _GONE))


def _kept(ctx: StepContext) -> dict[str, str]:
    return {CLIENT_LANGUAGE: ctx.client_language or ctx.data.get(CLIENT_LANGUAGE, "")}


def _with_client(outcome: StepResult, ctx: StepContext) -> StepResult:
    """Keep what the client speaks, whatever else was done."""
    kept = {**_kept(ctx), **outcome.set_data}
    return StepResult(
        outcome.target, kept, outcome.message, outcome.clear_data, outcome.clears_history
    )


def _when(choice: ButtonTransition, when: Callable[[StepContext], bool]) -> ButtonTransition:
    return ButtonTransition(
        choice.key, choice.label, choice.target, action=choice.action, when=when
    )
