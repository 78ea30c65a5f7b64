"""Faults that can happen at a message of an operation, and what the chat may say of each."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from tests.handlers.clock import set_time
from tests.handlers.engine.navigation import press
from tests.reader_bridge.end_to_end.card_walk import CardWalk
from tests.reader_bridge.end_to_end.frame_proxy import (
    Forward,
    FrameFault,
    Message,
    ProxiedLink,
    Socket,
)
from tests.reader_bridge.end_to_end.watched_card import RESET_RETRY_COUNTER

Fault = Callable[[CardWalk, ProxiedLink, Socket, Forward], Awaitable[None]]
StartTask = Callable[[CardWalk], Awaitable[str]]

# ---- the faults


async def link_cut_message_lost(_: CardWalk, link: ProxiedLink, __: Socket, ___: Forward) -> None:
    link.cut()


async def link_cut_message_arrives(
    _: CardWalk, link: ProxiedLink, to: Socket, forward: Forward
) -> None:
    await forward()
    link.cut(spare=to)


async def server_killed_message_lost(
    walk: CardWalk, link: ProxiedLink, _: Socket, __: Forward
) -> None:
    walk.process.kill()
    link.cut()


async def server_killed_message_arrives(
    walk: CardWalk, link: ProxiedLink, to: Socket, forward: Forward
) -> None:
    walk.process.kill()
    await forward()
    link.cut(spare=to)


async def card_pulled(walk: CardWalk, _: ProxiedLink, __: Socket, forward: Forward) -> None:
    walk.reader.pull()
    await forward()


async def reader_service_killed(
    walk: CardWalk, _: ProxiedLink, __: Socket, forward: Forward
) -> None:
    walk.reader.stop()
    await forward()


CUT, KILLED = {"work", "unresolved"}, {"work", "server_restarted", "unresolved"}
CARD_LOST = {
    "work", "unresolved", "card_removed", "card_mute", "card_contact_lost", "not_done",
    "outcome_unknown",
}  # fmt: skip
AS_USUAL = {"who", "confirm", "report", "offer", "done"}
FAULTS: Mapping[Fault, set[str]] = {
    link_cut_message_lost: CUT,
    link_cut_message_arrives: CUT,
    server_killed_message_lost: KILLED,
    server_killed_message_arrives: KILLED,
    card_pulled: CARD_LOST,
    reader_service_killed: {*CARD_LOST, "reader_service_stopped"},
}
"""The steps and failures that the chat may show after each."""

# ---- the tasks, up to the button that starts them


async def card_check(walk: CardWalk) -> str:
    await walk.person.starts("do-card_check")
    return "go"


async def change_pin(walk: CardWalk) -> str:
    await walk.person.starts("do-change_pin")
    return "yes"


async def activate(walk: CardWalk) -> str:
    await walk.take_new_card()
    return await walk.identify("activate")


async def unlock(walk: CardWalk) -> str:
    walk.card.card.file.state.pin_tries = 0
    return await walk.identify("unlock")


async def prove_possession(walk: CardWalk) -> str:
    """Unlock, with the card pulled at the new PIN: it is asked to prove which PIN it has."""
    walk.card.pull_after = RESET_RETRY_COUNTER
    return await unlock(walk)


def is_proof(message: Message) -> bool:
    return message.get("operation") == "prove_possession"


TASKS: Mapping[StartTask, int] = {
    activate: 7,
    card_check: 4,
    change_pin: 3,
    unlock: 7,
    prove_possession: 4,
}
"""The fewest messages that each takes."""


async def run_with_fault_at(
    walk: CardWalk,
    work: StartTask,
    number: int,
    fault: Fault,
) -> bool:
    """Run a task with a fault at a message; return whether there was that message."""

    async def falls(link: ProxiedLink, to: Socket, forward: Forward) -> None:
        await fault(walk, link, to, forward)

    set_time(
        walk.cards.harness, walk.cards.now + timedelta(minutes=3)
    )  # a chat has 30 checks an hour
    key = await work(walk)
    strike = FrameFault(number, falls)
    if work is prove_possession:
        strike.since = is_proof
    walk.process.hub_counter.proxy.fault = strike
    await press(walk.person, key)
    await walk.follow_to_end()
    walk.process.hub_counter.proxy.fault = None
    await walk.restore_reader()
    assert walk.card.spent_tries == []
    assert walk.card.card.file.state.pin_tries == 3
    assert await walk.holder.certificate_state() == "active"
    return strike.has_struck


async def run_with_fault_everywhere(walk: CardWalk, work: StartTask, fault: Fault) -> int:
    """Run a task again and again, with the fault at each of its messages; return their number."""
    struck = 0
    while await run_with_fault_at(walk, work, struck + 1, fault):
        struck += 1
    return struck
