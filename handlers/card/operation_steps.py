"""Work on the card in the reader: one message that follows what happens on the PC.

Work runs beside the chat: a step begins it and returns at once, and what comes of it is an event
that `handlers.card_events` brings here. So questions, Cancel and another language work while the
person types a PIN on the PC.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from handlers.card.live_messages import Board
from handlers.card.messages import (
    ADMIN_BARRED,
    BUSY,
    FINAL,
    FROM_THE_CODE,
    UNRESOLVED,
    failure_words,
    progress_words,
)
from handlers.card.pairing_steps import CLIENT, Pairing
from handlers.context import Context
from handlers.engine.model import Choice, Dialog, Heard, Outcome, Scene, Step
from handlers.identity import unavailable_steps
from handlers.identity.code import GRANT
from handlers.identity.error_messages import told
from handlers.screen.text import N_, Markup, say
from handlers.screen.view import send_to, view
from reader_bridge.protocol import FailureCode
from services.authority.errors import AuthorityError, GrantExpiredError, WrongStateError
from services.authority.lifecycle import CertificateState
from services.bridge import events
from services.bridge.errors import (
    AdminBarredError,
    BridgeError,
    NotConnectedError,
    NothingToResolveError,
    NotPairedError,
    OperationRunningError,
)
from services.bridge.interface import BridgeHub
from services.bridge.operations.task import CardTask

WORK, FAILED, DOUBT = "work", "failed", "unresolved"
"""The steps: under way, ended without being done, cut off where the PIN may be set or not."""
FAILURE, TRIES = "failure", "tries"
"""What is kept on the way: why it ended, and the tries left."""
SUSPENDED = "suspended"

Finish = Callable[[events.OperationValue, Scene], Awaitable[Outcome]]
"""What follows when the work is done; is given what it gave."""

_NOTHING_RUNS = N_(
    "ℹ️ <b>Nothing is under way with your card any more.</b> I was started anew, or it ended "
    "meanwhile. The PIN is as it was unless I said that it is done. Start again whenever you like."
)
_CANNOT_STOP = N_(
    "⏳ <b>The card is getting its new PIN at this moment</b>, which can no longer be stopped. I "
    "tell you how it ends."
)
_IS_SUSPENDED = N_(
    "⏸ <b>The certificate is suspended (停用).</b> Nothing was changed. Resume it first (復用)."
)


@dataclass(frozen=True)
class CardWork:
    """One kind of work, as part of a conversation.

    :ivar finish: what follows when it is done; it may lead to `ends`.
    :ivar who: where the code is asked for; `None` where none is needed.
    :ivar links: what else may help when it failed.
    :ivar also: what `finish` may begin after it.
    :ivar or_else: where a failure leads that is none for the conversation.
    """

    hub: BridgeHub
    board: Board
    server: str
    work: CardTask
    finish: Finish
    ends: tuple[str, ...]
    who: str | None = None
    links: tuple[str, ...] = ()
    also: tuple[CardTask, ...] = ()
    or_else: Callable[[events.OperationFailed, Scene], Outcome | None] = lambda _event, _scene: None

    def is_about(self, event: events.OperationEvent) -> bool:
        """Tell whether an event is about this work."""
        return event.task in (self.work, *self.also)

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps, by the names they must have in their conversation."""
        needs, shown = (CLIENT,), self.board.stands
        states_of_it = () if self.who is None else (*unavailable_steps.STEPS, SUSPENDED)
        heard = (
            Heard("it is done", self.ends[0], (*self.ends[1:], *states_of_it)),
            Heard("it failed", FAILED),
            Heard("it was cut off", DOUBT),
            Heard("the PC is at it", WORK),
        )
        again = Choice("again", N_("🔁 Start again"), WORK, act=self.connect, others=self.others)
        found = {} if self.who is None else {**unavailable_steps.ENDS, SUSPENDED: _SUSPENDED}
        return {
            **self.pairing.steps,
            WORK: Step(
                self._words,
                (replace(again, when=lambda scene: not self._is_running(scene)),),
                needs=needs, heard=heard, shown=shown, left=self._left,
            ),
            FAILED: Step(
                self._failed,
                (replace(again, when=lambda scene: scene.data[FAILURE] not in FINAL),),
                needs=(FAILURE,), heard=heard, shown=shown, links=self._links, is_done=True,
            ),
            DOUBT: Step(
                self._doubt,
                (Choice("ask", N_("🔎 Ask the card now"), WORK, act=self.resolve,
                        others=self.others),),
                needs=(FAILURE,), heard=heard, shown=shown,
            ),
            **found,
        }  # fmt: skip

    @property
    def pairing(self) -> Pairing:
        """The steps that connect a PC first."""
        places = dict.fromkeys((WORK, *self.others))
        others = [place for place in places if place not in ("pair", "unlinked")]
        return Pairing(self.hub, self.board, self.server, self.go_on, tuple(others))

    @property
    def others(self) -> tuple[str, ...]:
        """Where beginning may lead beside ``work``."""
        asked = () if self.who is None else (self.who, *unavailable_steps.STEPS, SUSPENDED)
        return ("pair", "unlinked", FAILED, DOUBT, *asked)

    async def connect(self, scene: Scene) -> Outcome:
        """Begin, after a PC was connected and the person has shown who they are."""
        return await self.pairing.connect(scene)

    async def go_on(self, scene: Scene) -> Outcome:
        """Begin, now that a PC is connected; ask for the code first where it is needed."""
        if self.who is not None and GRANT not in scene.data:
            return Outcome(self.who)
        return await self.start(scene)

    async def start(self, scene: Scene) -> Outcome:
        """Begin at once."""
        hub, chat = self.hub, scene.chat_id
        try:
            await hub.start(chat, self.work, scene.now, scene.data.get(GRANT))
        except OperationRunningError as error:
            if error.task != self.work or not self._is_running(scene):
                return self.failed_as(BUSY, scene)
        except AuthorityError as error:
            return self._refused(error)
        except BridgeError as error:
            return await self._not_there(error, scene)
        else:
            self.board.begin(chat, self.work)
        return Outcome(WORK, _client(scene), is_one_way=True)

    async def resolve(self, scene: Scene) -> Outcome:
        """Have the card tell how it ended."""
        try:
            await self.hub.resolve(scene.chat_id, scene.now)
        except OperationRunningError:
            return self.failed_as(BUSY, scene)
        except NothingToResolveError:  # it is being asked already, or has told
            if self.hub.status(scene.chat_id).running is self.work and not self._is_running(scene):
                self.board.begin(scene.chat_id, self.work)
            return Outcome(WORK, is_one_way=True)
        except BridgeError as error:
            return await self._not_there(error, scene)
        self.board.begin(scene.chat_id, self.work)
        return Outcome(WORK, is_one_way=True)

    def failed(self, event: events.OperationFailed, scene: Scene) -> Outcome:
        """Give where a failure leads."""
        led = self.or_else(event, scene)
        if led is not None:
            return led
        if event.code is events.ServerFailure.WRONG_STATE and self.who and event.state:
            return self._refused(WrongStateError(event.state, self.work))
        return self.failed_as(event.code, scene, event.values.tries_left)

    def failed_as(self, code: str, scene: Scene, tries: int | None = None) -> Outcome:
        """Give the step that explains a failure and offers the way on."""
        kept = {FAILURE: str(code), **_client(scene)}
        if tries is not None:
            kept[TRIES] = str(tries)
        forget = (GRANT,) if code in FROM_THE_CODE else ()
        return Outcome(FAILED, kept, forget=(*forget, TRIES), is_one_way=True)

    def in_doubt(self, event: events.OperationUnresolved) -> Outcome:
        """Give the step that explains that only the card knows."""
        return Outcome(DOUBT, {FAILURE: str(event.code)}, is_one_way=True)

    def _refused(self, error: AuthorityError) -> Outcome:
        assert self.who is not None
        if isinstance(error, WrongStateError):
            if error.state == CertificateState.SUSPENDED:
                return Outcome(SUSPENDED, forget=(GRANT,), is_one_way=True)
            return unavailable_steps.away(error)
        if not isinstance(error, GrantExpiredError):
            raise error
        return Outcome(self.who, told=told(error), forget=(GRANT,), is_one_way=True)

    async def _not_there(self, error: BridgeError, scene: Scene) -> Outcome:
        if isinstance(error, NotPairedError):
            return await self.pairing.offer(scene)
        if isinstance(error, NotConnectedError):
            return Outcome("unlinked", _client(scene))
        if isinstance(error, AdminBarredError):
            return self.failed_as(ADMIN_BARRED, scene)
        raise error

    async def _left(self, context: Context, scene: Scene) -> None:
        """Stop what is under way on the PC; say so where that is no longer possible."""
        if not self._is_running(scene) or await self.hub.cancel(scene.chat_id, scene.now):
            self.board.end(scene.chat_id)
        elif self.hub.status(scene.chat_id).running is not None:
            text = view(say(scene.language, _CANNOT_STOP))
            await send_to(context.bot, scene.chat_id, text)

    def _is_running(self, scene: Scene) -> bool:
        return self.board.progress(scene.chat_id) is not None

    def _words(self, scene: Scene) -> Markup:
        progress = self.board.progress(scene.chat_id)
        if progress is None:
            return say(scene.language, _NOTHING_RUNS)
        return progress_words(scene.language, progress)

    def _failed(self, scene: Scene) -> Markup:
        return failure_words(scene.language, scene.data[FAILURE], scene.data.get(TRIES))

    def _doubt(self, scene: Scene) -> Markup:
        return say(scene.language, UNRESOLVED)

    def _links(self, scene: Scene) -> tuple[str, ...]:
        code = scene.data[FAILURE]
        if code in (FailureCode.PIN_WRONG, FailureCode.PIN_BLOCKED):
            return tuple(link for link in self.links if link != "card_check")
        return ("card_check",) if code in _LOOK and "card_check" in self.links else ()


_LOOK = frozenset({FailureCode.OUTCOME_UNKNOWN, FailureCode.CARD_UNKNOWN, FailureCode.CARD_MUTE})
_SUSPENDED = Step(_IS_SUSPENDED, links=("resume", "status"))


@dataclass(frozen=True)
class CardDialog:
    """A conversation with events.

    :ivar work: what is done on the card; `None` where it only connects a PC.
    """

    dialog: Dialog
    pairing: Pairing
    work: CardWork | None = None


def _client(scene: Scene) -> dict[str, str]:
    return {CLIENT: scene.client_language or scene.data.get(CLIENT, "")}
