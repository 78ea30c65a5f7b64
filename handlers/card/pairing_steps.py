"""Pairing (配對): connecting a PC with the chat, by a code and two words compared at both ends.

``pair`` shows the code, ``compare`` the words, ``confirmed`` waits for the yes at the PC. Other
conversations have these steps, too, and go on by themselves once the PC is connected.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from handlers.card.live_messages import Board
from handlers.card.messages import PARTED
from handlers.context import Context
from handlers.engine.model import Aside, Choice, Heard, Outcome, Scene, Step
from handlers.screen.text import N_, Markup, say
from reader_bridge.protocol import CODE_LENGTH
from services.bridge.errors import NoPairingError
from services.bridge.events import PairingFailureReason
from services.bridge.interface import BridgeHub

CLIENT, WHY = "client", "why"
"""What is kept on the way: what the client speaks, for messages to come; why nothing was
connected."""
PAIR, COMPARE, CONFIRMED, PARTED_STEP = "pair", "compare", "confirmed", "parted"
STEPS = (PAIR, COMPARE, CONFIRMED, PARTED_STEP)

GoOn = Callable[[Scene], Awaitable[Outcome]]

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
class Pairing:
    """The steps of pairing, for any conversation.

    :ivar server: the address to type at the PC.
    :ivar go_on: what follows once a PC is connected, and where else than ``work`` it may lead.
    :ivar waits: whether a PC that is paired and away is waited for.
    """

    hub: BridgeHub
    board: Board
    server: str
    go_on: GoOn
    others: tuple[str, ...]
    waits: bool = True

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps, by the names they must have."""
        code = Choice("code", N_("🔢 Show me a code"), PAIR, act=self.offer)
        typed = Heard("the code is typed on the PC", COMPARE)
        further = (*self.others[1:], *((PAIR, "unlinked") if self.waits else ()))
        on = Choice(
            "on",
            N_("▶️ Go on"),
            self.others[0],
            act=self._go_on,
            others=further,
            when=self._is_joined,
        )
        said = Heard("yes at both ends", self.others[0], self.others[1:])
        dropped = Heard("no, or too late", PARTED_STEP)
        heard, needs, shown = (typed, said, dropped), (CLIENT,), self.board.stands
        asides = (
            Aside("get", N_("💻 Where is kaika-bridge?"), self._get),
            Aside("stuck", N_("🆘 It does not work"), _STUCK),
        )
        steps = {
            PAIR: Step(
                self._pair,
                (
                    _when(code, lambda scene: not self._has_code(scene)),
                    Choice("new", N_("🔄 Another code"), PAIR, act=self.offer, when=self._has_code),
                ),
                asides, needs=needs, heard=heard, shown=shown,
            ),
            COMPARE: Step(
                self._compare,
                (
                    Choice(
                        "same", N_("✅ Yes, the same words"), CONFIRMED, act=self._yes,
                        others=(PARTED_STEP, self.others[0], *further), when=self._is_offered,
                    ),
                    Choice(
                        "other", N_("🛑 No, other words"), PARTED_STEP, act=self._no,
                        when=self._is_offered,
                    ),
                    on,
                    _when(code, self._is_gone),
                ),
                needs=needs, heard=heard, shown=shown, left=self._left,
            ),
            CONFIRMED: Step(
                self._confirmed,
                (
                    Choice(
                        "other", N_("🛑 Do not connect"), PARTED_STEP, act=self._no,
                        when=self._is_offered,
                    ),
                    on,
                    _when(code, self._is_gone),
                ),
                needs=needs, heard=heard, shown=shown, left=self._left,
            ),
            PARTED_STEP: Step(_parted, (code,), needs=(WHY,), heard=heard, shown=shown),
            "unlinked": Step(
                UNLINKED,
                (
                    Choice(
                        "again", N_("🔁 Try again"), "unlinked", act=self.connect,
                        others=(PAIR, *self.others),
                    ),
                    code,
                ),
                needs=needs, heard=(said, dropped), shown=shown,
            ),
        }  # fmt: skip
        return {name: step for name, step in steps.items() if name != "unlinked" or self.waits}

    async def connect(self, scene: Scene) -> Outcome:
        """Go on where a PC is connected; else begin to pair."""
        presence = self.hub.status(scene.chat_id)
        if not presence.is_paired:
            return await self.offer(scene)
        if not presence.is_connected:
            return Outcome("unlinked", _kept(scene))
        return _with_client(await self.go_on(scene), scene)

    async def _go_on(self, scene: Scene) -> Outcome:
        return replace(_with_client(await self.go_on(scene), scene), is_one_way=True)

    async def offer(self, scene: Scene) -> Outcome:
        """Have a code to show."""
        hub, now = self.hub, scene.now
        code = await hub.issue_pairing_code(scene.chat_id, scene.user_id, scene.name, now)
        self.board.put_code(scene.chat_id, code)
        return Outcome(PAIR, _kept(scene))

    async def _yes(self, scene: Scene) -> Outcome:
        try:
            await self.hub.answer_pairing(scene.chat_id, scene.now, accepted=True)
        except NoPairingError:
            if self._is_joined(scene):  # a process that was killed did it
                return await self._go_on(scene)
            return Outcome(PARTED_STEP, {WHY: PairingFailureReason.TOO_LATE})
        return Outcome(CONFIRMED, is_one_way=True)

    async def _no(self, scene: Scene) -> Outcome:
        await self._refuse(scene)
        return Outcome(PARTED_STEP, {WHY: PairingFailureReason.REFUSED_IN_CHAT}, is_one_way=True)

    async def _refuse(self, scene: Scene) -> None:
        try:
            await self.hub.answer_pairing(scene.chat_id, scene.now, accepted=False)
        except NoPairingError:
            return  # it ended by itself, which is what was wanted

    async def _left(self, _context: Context, scene: Scene) -> None:
        await self._refuse(scene)

    def _pair(self, scene: Scene) -> Markup:
        how = say(scene.language, HOW, server=self.server)
        code = self.board.code(scene.chat_id, scene.now)
        if code is None:
            return Markup(f"{how}\n\n{say(scene.language, NO_CODE)}")
        half, shown = CODE_LENGTH // 2, code.code.reveal()
        minutes = self.board.minutes_left(scene.chat_id, scene.now)
        grouped = f"{shown[:half]} {shown[half:]}"
        return Markup(f"{how}\n{say(scene.language, _CODE, code=grouped, minutes=minutes)}")

    def _get(self, scene: Scene) -> Markup:
        return say(scene.language, _GET, server=self.server)

    def _compare(self, scene: Scene) -> Markup:
        words = self.hub.pairing_words(scene.chat_id)
        if words is None:
            return self._over(scene)
        shown = [w.chinese if scene.language.startswith("zh") else w.english for w in words]
        return say(scene.language, _COMPARE, first=shown[0], second=shown[1])

    def _confirmed(self, scene: Scene) -> Markup:
        return say(scene.language, _CONFIRMED) if self._is_offered(scene) else self._over(scene)

    def _over(self, scene: Scene) -> Markup:
        return say(scene.language, _JOINED if self._is_joined(scene) else _GONE)

    def _has_code(self, scene: Scene) -> bool:
        return self.board.code(scene.chat_id, scene.now) is not None

    def _is_offered(self, scene: Scene) -> bool:
        return self.hub.pairing_words(scene.chat_id) is not None

    def _is_joined(self, scene: Scene) -> bool:
        """Tell whether it is done: both ends said yes a moment ago."""
        since = self.hub.status(scene.chat_id).paired_at
        return not self._is_offered(scene) and since is not None and scene.now - since < _JUST

    def _is_gone(self, scene: Scene) -> bool:
        return not self._is_offered(scene) and not self._is_joined(scene)

    def awaits_link(self, step: str, scene: Scene) -> bool:
        """Tell whether somebody who is at a step goes on as soon as the paired PC is there."""
        if step == "unlinked":
            return True
        if step in (COMPARE, CONFIRMED):
            return self._is_joined(scene)
        return self.waits and step in (PAIR, PARTED_STEP) and not self._is_offered(scene)


def _parted(scene: Scene) -> Markup:
    return say(scene.language, PARTED.get(scene.data[WHY], _GONE))


def _kept(scene: Scene) -> dict[str, str]:
    return {CLIENT: scene.client_language or scene.data.get(CLIENT, "")}


def _with_client(outcome: Outcome, scene: Scene) -> Outcome:
    """Keep what the client speaks, whatever else was done."""
    kept = {**_kept(scene), **outcome.kept}
    return Outcome(outcome.to, kept, outcome.told, outcome.forget, outcome.is_one_way)


def _when(choice: Choice, when: Callable[[Scene], bool]) -> Choice:
    return Choice(choice.key, choice.label, choice.to, act=choice.act, when=when)
