"""What can come between at any moment of an operation: messages, stops and failures.

The messages are those of the protocol's tables, each sent where it does not belong; real ones are
sent twice. Stops are everything after which an operation has to end.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from handlers.engine.transitions import CANCEL
from reader_bridge.client.websocket import ServerConnectionError
from reader_bridge.protocol import (
    FailureCode,
    Operation,
    PairRefusal,
    ProtocolErrorCode,
    UnpairReason,
)
from reader_bridge.protocol.enums import ByeReason, ProgressStep
from reader_bridge.protocol.limits import API_LEVEL
from reader_bridge.protocol.messages import (
    BRIDGE_MESSAGES,
    SERVER_MESSAGES,
    BridgeMessage,
    ServerMessage,
    encode_frame,
    parse_frame,
)
from reader_bridge.protocol.operation_messages import (
    AdminAnswer,
    AdminChallenge,
    AdminCryptogram,
    AdminVerified,
    Bye,
    CancelOperation,
    ErrorMessage,
    OperationFailure,
    OperationResult,
    ProgressReport,
    StartOperation,
)
from reader_bridge.protocol.operation_payloads import ListReaders, ReaderList
from reader_bridge.protocol.pairing_messages import (
    Greeting,
    Hello,
    Pair,
    PairAnswer,
    Paired,
    PairOffer,
    PairRefused,
    Unpaired,
    Welcome,
)
from tests.handlers.clock import set_time
from tests.handlers.conversations.online.bridge_harness import PcUser
from tests.handlers.engine.navigation import press
from tests.reader_bridge.bridge_runner import run_test_bridge
from tests.reader_bridge.end_to_end.breakable_readers import BreakableVirtualReader
from tests.reader_bridge.end_to_end.frame_proxy import Traffic
from tests.reader_bridge.end_to_end.interleaving import FOREIGN, Effect, InterleavedWalk

Act = Callable[[InterleavedWalk], Awaitable[None]]
NONCE, OTHER = bytes(32), FOREIGN[0]


@dataclass(frozen=True)
class Intervention:
    """Something that comes between.

    :ivar is_message: it is a message that does not belong.
    """

    name: str
    act: Act
    effect: Effect
    is_message: bool = False


# ---- stops


async def cancel(walk: InterleavedWalk) -> None:
    """Press Cancel, or cancel at the hub where no conversation runs."""
    if await walk.shows_operation():
        await press(walk.person, CANCEL)
    else:
        await walk.hub.cancel(walk.chat, walk.cards.now)
    await walk.wait_for_reading()


async def cancel_twice(walk: InterleavedWalk) -> None:
    await cancel(walk)
    await walk.hub.cancel(walk.chat, walk.cards.now)


async def cancel_while_it_ends(walk: InterleavedWalk) -> None:
    """Press Cancel; the hub hears of it only when it has no operation any more."""
    hub, original = walk.hub, walk.hub.cancel

    async def cancel_late(*arguments: object) -> object:
        await walk.wait_for(lambda: hub.status(walk.chat).running is None)
        return await original(*arguments)  # type: ignore[arg-type]

    if not await walk.shows_operation():
        return
    hub.cancel = cancel_late  # type: ignore[method-assign, assignment]
    walk.moments.beside.append(asyncio.ensure_future(_press_and_restore(walk, original)))
    await asyncio.sleep(0)


async def _press_and_restore(walk: InterleavedWalk, original: object) -> None:
    try:
        await press(walk.person, CANCEL)
    finally:
        walk.hub.cancel = original  # type: ignore[method-assign, assignment]


async def begin_another(walk: InterleavedWalk) -> None:
    """Begin another conversation, and say yes to leaving this one."""
    if not await walk.shows_operation():
        await walk.hub.cancel(walk.chat, walk.cards.now)
        return
    await walk.person.starts("do-status")
    buttons = [
        button["callback_data"]
        for row in walk.person.last.get("reply_markup", {}).get("inline_keyboard", [])
        for button in row
        if button.get("callback_data", "").startswith("v1:anew")
    ]
    if buttons:
        await walk.person.forges(walk.person.last["message_id"], buttons[0])
    await walk.wait_for_reading()


async def unpair(walk: InterleavedWalk) -> None:
    await walk.hub.unpair(walk.chat, walk.cards.now)
    await walk.wait_for_reading()


async def pair_another(walk: InterleavedWalk) -> None:
    """Pair another PC with the chat."""
    person, traffic = PcUser(), walk.system.proxy.traffic
    code = await walk.hub.issue_pairing_code(walk.chat, walk.chat, "Anna", walk.cards.now)
    person.codes.put_nowait(code.code.reveal())
    walk.system.proxy.traffic = Traffic()
    async with run_test_bridge(walk.system.proxy.upstream, person, walk.reader.readers):
        await walk.wait_for(lambda: walk.hub.pairing_words(walk.chat) is not None)
        walk.system.proxy.traffic = traffic
        await walk.hub.answer_pairing(walk.chat, walk.cards.now, accepted=True)
        await walk.wait_for(lambda: walk.hub.pairing_words(walk.chat) is None)
        await walk.wait_for_reading()


async def pass_deadline(walk: InterleavedWalk) -> None:
    """Let the time for the operation be over."""
    set_time(walk.cards.harness, walk.cards.now + timedelta(minutes=6))
    await walk.hub.check_deadlines(walk.cards.now)
    await walk.wait_for_reading()


async def expire_pairing(walk: InterleavedWalk) -> None:
    """Let the twelve hours be over, as the server counts them."""
    set_time(walk.cards.harness, walk.cards.now + timedelta(hours=12))
    await walk.hub.check_deadlines(walk.cards.now)
    await walk.wait_for_reading()


async def expire_pairing_at_pc(walk: InterleavedWalk) -> None:
    """Let the twelve hours be over, as the PC counts them."""
    walk.home.session._on_pairing_expired()
    await walk.wait_for(lambda: walk.moments.is_stopped or walk.home.session._peer is None)


async def close_app(walk: InterleavedWalk) -> None:
    walk.needs_new_app = True
    walk.home.task.cancel()
    await walk.wait_for_reading()


async def kill_app(walk: InterleavedWalk) -> None:
    """End the app so that it says nothing any more."""
    walk.needs_new_app = True
    walk.system.proxy.is_open.clear()
    await walk.cut_link()
    walk.home.task.cancel()
    await walk.wait_for_reading()


async def lose_link_for_long(walk: InterleavedWalk) -> None:
    """Cut the link for longer than both sides wait for it."""
    walk.system.proxy.is_open.clear()
    await walk.cut_link()
    if walk.home.session._operations.is_running:
        walk.moments.note_stop()
    walk.home.session._on_disconnected_too_long()
    set_time(walk.cards.harness, walk.cards.now + timedelta(seconds=61))
    await walk.hub.check_deadlines(walk.cards.now)
    walk.system.proxy.is_open.set()


async def restart_server(walk: InterleavedWalk) -> None:
    """Stop the server, which says so, and let it come up again."""
    walk.system.proxy.is_open.clear()
    await walk.hub.close()
    walk.process.kill()
    await walk.cut_link()


async def kill_server(walk: InterleavedWalk) -> None:
    walk.process.kill()
    await walk.cut_link()


# ---- failures


async def cut_link(walk: InterleavedWalk) -> None:
    await walk.cut_link()


async def pull_card(walk: InterleavedWalk) -> None:
    if walk.moments.is_command_under_way:
        walk.card.is_pulled = True
    else:
        walk.reader.pull()


async def stop_reader_service(walk: InterleavedWalk) -> None:
    if walk.moments.is_command_under_way:
        assert isinstance(walk.reader, BreakableVirtualReader)
        walk.card.is_pulled, walk.reader._runs = True, False
    else:
        walk.reader.stop()


STOPS = {
    cancel: Effect.STOP,
    cancel_twice: Effect.STOP,
    cancel_while_it_ends: Effect.STOP,
    begin_another: Effect.STOP,
    unpair: Effect.STOP,
    pair_another: Effect.STOP,
    pass_deadline: Effect.STOP,
    expire_pairing: Effect.STOP,
    expire_pairing_at_pc: Effect.STOP,
    close_app: Effect.STOP,
    kill_app: Effect.DOUBT,
    lose_link_for_long: Effect.DOUBT,
    restart_server: Effect.STOP,
    kill_server: Effect.STOP,
    cut_link: Effect.NONE,
    pull_card: Effect.DOUBT,
    stop_reader_service: Effect.DOUBT,
}

# ---- messages that do not belong

_ANSWER = bytes(40)
FROM_SERVER: Mapping[str, ServerMessage] = {
    "greeting": Greeting((API_LEVEL,), NONCE, "ws://127.0.0.1", None),
    "welcome": Welcome(OTHER, commitment=NONCE),
    "pair_refused": PairRefused(PairRefusal.WRONG_CODE, NONCE, 3),
    "pair_offer": PairOffer(NONCE, "Anna"),
    "paired": Paired(NONCE, 60, "Anna"),
    "unpaired": Unpaired(UnpairReason.SERVER_FORGOT, NONCE),
    "start": StartOperation(OTHER, Operation.LIST_READERS, ListReaders(), 60),
    "admin_cryptogram": AdminCryptogram(OTHER, _ANSWER),
    "admin_verified": AdminVerified(OTHER, True),
    "cancel": CancelOperation(OTHER),
    "error": ErrorMessage(ProtocolErrorCode.BAD_STATE),
}
FROM_BRIDGE: Mapping[str, BridgeMessage] = {
    "hello": Hello(API_LEVEL, "1.9.0", "en", None),
    "pair": Pair("ABCD2345", NONCE),
    "pair_answer": PairAnswer(True),
    "progress": ProgressReport(OTHER, ProgressStep.WAITING_FOR_CARD),
    "admin_challenge": AdminChallenge(OTHER, "00ff", bytes(16), bytes(16)),
    "admin_answer": AdminAnswer(OTHER, _ANSWER),
    "result": OperationResult(OTHER, Operation.LIST_READERS, ReaderList()),
    "failure": OperationFailure(OTHER, FailureCode.CANCELLED),
    "bye": Bye(ByeReason.CLOSED),
    "error": ErrorMessage(ProtocolErrorCode.BAD_STATE),
}
assert FROM_SERVER.keys() == SERVER_MESSAGES.keys()
assert FROM_BRIDGE.keys() == BRIDGE_MESSAGES.keys()


def _effect(name: str) -> Effect:
    """Return what a message does to an operation."""
    return Effect.LIE if name in ("unpaired", "bye") else Effect.NONE


def _send_from_server(message: ServerMessage) -> Act:
    async def act(walk: InterleavedWalk) -> None:
        session = walk.hub_session
        if session is None or session.transport is None:
            return
        if isinstance(message, Greeting | Welcome):
            session.transport.send(encode_frame(message))
        else:
            session.send(message)

    return act


def _send_from_bridge(message: BridgeMessage) -> Act:
    async def act(walk: InterleavedWalk) -> None:
        connection = walk.home.session.channel._connection
        if isinstance(message, Hello):
            if connection is not None:
                with suppress(ServerConnectionError):
                    await connection.send(encode_frame(message))
        else:
            await walk.home.session.channel.send(message)

    return act


async def repeat_frames(walk: InterleavedWalk) -> None:
    """Send the newest frame of each side once more."""
    session, channel = walk.hub_session, walk.home.session.channel
    if session is not None and session.transport is not None:
        for _, frame in list(session.outgoing._frames)[-1:]:
            session.transport.send(frame)
    if channel._connection is not None:
        for _, frame in list(channel._outgoing._frames)[-1:]:
            with suppress(ServerConnectionError):
                await channel._connection.send(frame)


async def repeat_messages(walk: InterleavedWalk) -> None:
    """Send the newest message of each side once more, as a new one."""
    session, channel = walk.hub_session, walk.home.session.channel
    if session is not None and session.transport is not None:
        for _, frame in list(session.outgoing._frames)[-1:]:
            session.send(parse_frame(frame).decode_from_server())
    if channel._connection is not None:
        for _, frame in list(channel._outgoing._frames)[-1:]:
            await channel.send(parse_frame(frame).decode_from_bridge())


INTERVENTIONS = [
    *(Intervention(act.__name__, act, effect) for act, effect in STOPS.items()),
    *(
        Intervention(f"{name} from the server", _send_from_server(each), _effect(name), True)
        for name, each in FROM_SERVER.items()
    ),
    *(
        Intervention(f"{name} from the bridge", _send_from_bridge(each), _effect(name), True)
        for name, each in FROM_BRIDGE.items()
    ),
    Intervention("every frame twice", repeat_frames, Effect.NONE, True),
    Intervention("every message twice", repeat_messages, Effect.NONE, True),
]
