"""The steps of pairing (配對): a PC is connected by a code and two words compared at both ends.

``pair`` shows the code, ``compare`` the words, and ``confirmed`` waits for the yes at the PC. Every
conversation that needs a card has these steps, and continues once the PC is connected.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import locales
from handlers.card.live_messages import LiveMessages
from handlers.card.operation_texts import PAIRING_END_TEXTS
from handlers.context import Context
from handlers.engine.model import (
    ButtonTransition,
    ClientButton,
    ExternalTransition,
    InfoButton,
    Step,
    StepContext,
    StepResult,
)
from handlers.screen.text import N_, Markup, say
from services.bridge.errors import NoPairingError
from services.bridge.events import PairingFailureReason
from services.bridge.interface import BridgeHub
from services.clock import steady_time

CLIENT_LANGUAGE, END_REASON = "client", "why"
"""Step data: the language of the Telegram client, for later messages; why no PC is connected."""
PAIR, COMPARE, CONFIRMED, PAIRING_ENDED = "pair", "compare", "confirmed", "parted"
PC_AWAY = "unlinked"
"""The step for a PC that is paired but not connected."""
STEPS = (PAIR, COMPARE, CONFIRMED, PAIRING_ENDED)

PAGE_PATH = "/pair"
"""Where the page is served that hands a code to the bridge on the same PC."""


@dataclass(frozen=True)
class PcSetup:
    """What a person needs to set up the PC.

    :ivar server: the address to type there, such as ``wss://kaika.example``.
    :ivar download_url: where this service's operator offers the app; `None` where nowhere.
    """

    server: str
    download_url: str | None = None


OnConnected = Callable[[StepContext], Awaitable[StepResult]]
"""Returns where the conversation goes on once a PC is connected."""

INSTRUCTIONS = N_(
    "💻 <b>Connect your PC</b>\n"
    "1. Plug in the reader and put the card in.\n"
    "2. Start <b>kaika-bridge</b>. It may ask for this address:\n"
    "<code>{server}</code>"
)
_CODE = N_(
    "3. Is this chat open on that PC? Press the first button. If not, type this code into "
    "kaika-bridge:\n"
    "\n"
    "<code>{code}</code>\n"
    "\n"
    "⏳ Works once. Expires in {minutes} minutes.\n"
    "🔒 Only on your own PC. Whoever asks for it wants to use your card."
)
_DELAYED = N_(
    "⏸ <b>Please wait {minutes} more minutes.</b> Too many wrong codes were typed in your PC's "
    "network. Then get a new code here and type it. If you use another "
    "internet connection, such as a phone's, it works right away."
)
NO_CODE = N_(
    "⌛ The code has expired: each one works for five minutes. When kaika-bridge asks for a "
    "code, press the button."
)
_COMPARE_WORDS = N_(
    "🔍 <b>Does your PC show these two words?</b>\n"
    "\n"
    "<b>{first} · {second}</b>\n"
    "\n"
    "Press Yes only if they are the same, and on your own PC. If you see other words or no "
    "words, press No: someone else may be trying to connect."
)
_ENDED = N_("⌛ <b>No PC is waiting to connect now.</b> Get a new code and try again.")
_CONNECTED = N_(
    "✅ <b>Your PC is connected.</b> The next step comes in a moment. If not, press the button."
)
_RECENT = timedelta(minutes=10)
"""The longest time from an offer to its confirmation; a newer pairing is the one of this step."""
_CONFIRMED = N_(
    "✓ Confirmed here. 👉 <b>Now confirm on the PC too.</b> Then the next step comes automatically."
)
_WHAT_IT_IS = N_(
    "<b>kaika-bridge</b> is the Kaika app for your PC. It lets this chat use the card in your "
    "reader. It stores no secrets, asks you before each operation, and stops when you close it."
)
_DOWNLOAD_LINK = N_(
    '1. Download it only here: <a href="{link}">{link}</a>\n'
    "2. Check its signature, as the page explains.\n"
    "3. Install it."
)
_INSTALLATION = N_(
    "1. Install Python 3.11 or newer on the PC.\n"
    "2. In a terminal there: <code>pip install 'kaika[bridge-gui]'</code>\n"
    "   (on Debian and Ubuntu first: <code>sudo apt install pcscd libpcsclite-dev swig "
    "gcc</code>)\n"
    "3. Run <code>kaika-bridge check</code>: it shows if the reader and card are found."
)
_HOW_TO_START = N_(
    "Then start it: <code>kaika-bridge window --server {server}</code>, or without a window "
    "<code>kaika-bridge --server {server}</code>."
)
_STUCK = N_(
    "<b>Not working?</b>\n"
    "• The code is wrong: get a new one here. Each works once, for five minutes. After five "
    "wrong codes the PC waits 15 minutes.\n"
    "• No connection: compare the address letter by letter, and check the PC's internet.\n"
    "• Reader or card: run <code>kaika-bridge check</code>; it shows what to do.\n"
    "• 🙋 Help by phone: {hotline}."
)
PC_AWAY_TEXT = N_(
    "🔌 <b>Your PC is set up, but not reachable now.</b> Is kaika-bridge open and the PC awake? "
    "It reconnects by itself, and the next step comes automatically. If kaika-bridge was "
    "closed or asks for a code, get a new one."
)


@dataclass(frozen=True)
class PairingSteps:
    """The steps of pairing, for any conversation.

    :ivar setup: what a person needs to set up the PC.
    :ivar targets: where `on_connected` may lead, the usual step first.
    :ivar waits_for_pc: whether there is a step that waits for a paired PC to connect again.
    """

    hub: BridgeHub
    live_messages: LiveMessages
    setup: PcSetup
    on_connected: OnConnected
    targets: tuple[str, ...]
    waits_for_pc: bool = True

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps, by the names they must have."""
        steps = {
            PAIR: self._code_step(),
            COMPARE: self._comparison_step(),
            CONFIRMED: self._confirmed_step(),
            PAIRING_ENDED: self._ended_step(),
        }
        return {**steps, PC_AWAY: self._pc_away_step()} if self.waits_for_pc else steps

    def _code_step(self) -> Step:
        another = replace(self._code_button, key="new", label=N_("🔄 Get a new code"))
        return Step(
            self._code_text,
            (
                replace(self._code_button, when=lambda ctx: not self._has_code(ctx)),
                replace(another, when=self._has_code),
            ),
            (
                InfoButton("get", N_("💻 Get kaika-bridge"), self._download_text),
                InfoButton("stuck", N_("🆘 It doesn't work"), _STUCK),
            ),
            (
                ClientButton(N_("💻 Connect this PC"), url=self._page_address),
                ClientButton(N_("📋 Copy pairing code"), copied_text=self._code),
            ),
            requires=(CLIENT_LANGUAGE,),
            external_transitions=self._events,
            on_shown=self.live_messages.record_message,
        )

    def _comparison_step(self) -> Step:
        same = ButtonTransition(
            "same",
            N_("✅ Yes, same words"),
            CONFIRMED,
            action=self._confirm,
            also_targets=(PAIRING_ENDED, self.targets[0], *self._further_targets),
            when=self._is_pending,
        )
        return Step(
            self._comparison_text,
            (
                same,
                self._refuse_button(N_("🛑 No, different words")),
                self._continue_button,
                replace(self._code_button, when=self._has_ended),
            ),
            requires=(CLIENT_LANGUAGE,),
            external_transitions=self._events,
            on_shown=self.live_messages.record_message,
            on_leave=self._on_leave,
        )

    def _confirmed_step(self) -> Step:
        return Step(
            self._confirmed_text,
            (
                self._refuse_button(N_("🛑 Don't connect")),
                self._continue_button,
                replace(self._code_button, when=self._has_ended),
            ),
            requires=(CLIENT_LANGUAGE,),
            external_transitions=self._events,
            on_shown=self.live_messages.record_message,
            on_leave=self._on_leave,
        )

    def _ended_step(self) -> Step:
        return Step(
            _end_reason_text,
            (self._code_button,),
            requires=(END_REASON,),
            external_transitions=self._events,
            on_shown=self.live_messages.record_message,
        )

    def _pc_away_step(self) -> Step:
        again = ButtonTransition(
            "again",
            N_("🔁 Try again"),
            PC_AWAY,
            action=self.connect,
            also_targets=(PAIR, *self.targets),
        )
        return Step(
            PC_AWAY_TEXT,
            (again, self._code_button),
            requires=(CLIENT_LANGUAGE,),
            external_transitions=self._events[1:],
            on_shown=self.live_messages.record_message,
        )

    @property
    def _events(self) -> tuple[ExternalTransition, ...]:
        return (
            ExternalTransition("the code is typed on the PC", COMPARE),
            ExternalTransition("yes at both ends", self.targets[0], self.targets[1:]),
            ExternalTransition("no, or too late", PAIRING_ENDED),
        )

    @property
    def _further_targets(self) -> tuple[str, ...]:
        return (*self.targets[1:], *((PAIR, PC_AWAY) if self.waits_for_pc else ()))

    @property
    def _code_button(self) -> ButtonTransition:
        return ButtonTransition("code", N_("🔢 Show a code"), PAIR, action=self.offer_code)

    @property
    def _continue_button(self) -> ButtonTransition:
        return ButtonTransition(
            "on",
            N_("▶️ Continue"),
            self.targets[0],
            action=self._continue,
            also_targets=self._further_targets,
            when=self._is_just_connected,
        )

    def _refuse_button(self, label: str) -> ButtonTransition:
        return ButtonTransition(
            "other", label, PAIRING_ENDED, action=self._refuse, when=self._is_pending
        )

    async def connect(self, ctx: StepContext) -> StepResult:
        """Return where the conversation goes on: with the connected PC, or with pairing one."""
        presence = self.hub.status(ctx.chat_id)
        if not presence.is_paired:
            return await self.offer_code(ctx)
        if not presence.is_connected:
            return StepResult(PC_AWAY, client_language_data(ctx))
        return _with_client_language(await self.on_connected(ctx), ctx)

    async def offer_code(self, ctx: StepContext) -> StepResult:
        """Get a new pairing code and lead to the step that shows it."""
        code = await self.hub.issue_pairing_code(ctx.chat_id, ctx.user_id, ctx.name, ctx.now)
        self.live_messages.set_code(ctx.chat_id, code)
        return StepResult(PAIR, client_language_data(ctx))

    async def _continue(self, ctx: StepContext) -> StepResult:
        result = await self.on_connected(ctx)
        return replace(_with_client_language(result, ctx), clears_history=True)

    async def _confirm(self, ctx: StepContext) -> StepResult:
        try:
            await self.hub.answer_pairing(ctx.chat_id, ctx.now, accepted=True)
        except NoPairingError:
            if self._is_just_connected(ctx):  # confirmed by a process that was killed afterwards
                return await self._continue(ctx)
            return StepResult(PAIRING_ENDED, {END_REASON: PairingFailureReason.TOO_LATE})
        return StepResult(CONFIRMED, clears_history=True)

    async def _refuse(self, ctx: StepContext) -> StepResult:
        await self._cancel_pairing(ctx)
        reason = {END_REASON: PairingFailureReason.REFUSED_IN_CHAT}
        return StepResult(PAIRING_ENDED, reason, clears_history=True)

    async def _on_leave(self, _context: Context, ctx: StepContext) -> Markup | None:
        await self._cancel_pairing(ctx)
        return None

    async def _cancel_pairing(self, ctx: StepContext) -> None:
        with suppress(NoPairingError):  # it has ended already
            await self.hub.answer_pairing(ctx.chat_id, ctx.now, accepted=False)

    def _code_text(self, ctx: StepContext) -> Markup:
        instructions = say(ctx.language, INSTRUCTIONS, server=self.setup.server)
        code = self.live_messages.code(ctx.chat_id, ctx.now)
        if delayed := self.live_messages.delayed_minutes(ctx.chat_id, ctx.now):
            delay_text = say(ctx.language, _DELAYED, minutes=delayed)
            return Markup(f"{instructions}\n\n{delay_text}")
        if code is None:
            return Markup(f"{instructions}\n\n{say(ctx.language, NO_CODE)}")
        characters = code.code.reveal()
        half = len(characters) // 2
        minutes = self.live_messages.minutes_left(ctx.chat_id, ctx.now)
        grouped = f"{characters[:half]} {characters[half:]}"
        code_text = say(ctx.language, _CODE, code=grouped, minutes=minutes)
        return Markup(f"{instructions}\n{code_text}")

    def _code(self, ctx: StepContext) -> str | None:
        """Return the code that is shown; `None` while a PC has to wait."""
        if self.live_messages.delayed_minutes(ctx.chat_id, ctx.now):
            return None
        code = self.live_messages.code(ctx.chat_id, ctx.now)
        return code.code.reveal() if code else None

    def _page_address(self, ctx: StepContext) -> str | None:
        """Return the address of the page that hands the code to the bridge on the same PC."""
        code = self._code(ctx)
        scheme, host = self.setup.server.split("://", 1)
        return code and f"{'https' if scheme == 'wss' else 'http'}://{host}{PAGE_PATH}#{code}"

    def _download_text(self, ctx: StepContext) -> Markup:
        link = self.setup.download_url
        where = (
            say(ctx.language, _DOWNLOAD_LINK, link=link)
            if link
            else say(ctx.language, _INSTALLATION)
        )
        how = say(ctx.language, _HOW_TO_START, server=self.setup.server)
        return Markup(f"{say(ctx.language, _WHAT_IT_IS)}\n\n{where}\n\n{how}")

    def _comparison_text(self, ctx: StepContext) -> Markup:
        words = self.hub.pairing_words(ctx.chat_id)
        if words is None:
            return self._not_pending_text(ctx)
        is_chinese = locales.is_chinese(ctx.language)
        first, second = (word.chinese if is_chinese else word.english for word in words)
        return say(ctx.language, _COMPARE_WORDS, first=first, second=second)

    def _confirmed_text(self, ctx: StepContext) -> Markup:
        if self._is_pending(ctx):
            return say(ctx.language, _CONFIRMED)
        return self._not_pending_text(ctx)

    def _not_pending_text(self, ctx: StepContext) -> Markup:
        return say(ctx.language, _CONNECTED if self._is_just_connected(ctx) else _ENDED)

    def _has_code(self, ctx: StepContext) -> bool:
        return self.live_messages.code(ctx.chat_id, ctx.now) is not None

    def _is_pending(self, ctx: StepContext) -> bool:
        """Whether a PC waits for the confirmation of the words."""
        return self.hub.pairing_words(ctx.chat_id) is not None

    def _is_just_connected(self, ctx: StepContext) -> bool:
        """Whether both ends have just confirmed the words."""
        since = self.hub.status(ctx.chat_id).paired_at
        return (
            not self._is_pending(ctx)
            and since is not None
            and steady_time(ctx.now) - since < _RECENT
        )

    def _has_ended(self, ctx: StepContext) -> bool:
        return not self._is_pending(ctx) and not self._is_just_connected(ctx)

    def awaits_connection(self, step: str, ctx: StepContext) -> bool:
        """Return whether a person at a step goes on as soon as the paired PC is connected."""
        if step == PC_AWAY:
            return True
        if step in (COMPARE, CONFIRMED):
            return self._is_just_connected(ctx)
        return self.waits_for_pc and step in (PAIR, PAIRING_ENDED) and not self._is_pending(ctx)


def client_language_data(ctx: StepContext) -> dict[str, str]:
    """Return the step data with the language of the Telegram client."""
    return {CLIENT_LANGUAGE: ctx.client_language or ctx.data.get(CLIENT_LANGUAGE, "")}


def _with_client_language(result: StepResult, ctx: StepContext) -> StepResult:
    return replace(result, set_data={**client_language_data(ctx), **result.set_data})


def _end_reason_text(ctx: StepContext) -> Markup:
    return say(ctx.language, PAIRING_END_TEXTS.get(ctx.data[END_REASON], _ENDED))
