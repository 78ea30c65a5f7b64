"""What can happen at a message of what a chat can have done, and what the chat may say of it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from tests.handlers.clock import set_time
from tests.handlers.engine.navigation import press
from tests.reader_bridge.end_to_end.at_home import RESET_RETRY_COUNTER
from tests.reader_bridge.end_to_end.walking import Walk
from tests.reader_bridge.end_to_end.wire import Cable, Forward, Message, Socket, Strike

Accident = Callable[[Walk, Cable, Socket, Forward], Awaitable[None]]
Begin = Callable[[Walk], Awaitable[str]]

# ---- what can happen at a message


async def link_cut_message_lost(_: Walk, cable: Cable, __: Socket, ___: Forward) -> None:
    cable.cut()


async def link_cut_message_arrives(_: Walk, cable: Cable, to: Socket, forward: Forward) -> None:
    await forward()
    cable.cut(spare=to)


async def server_killed_message_lost(walk: Walk, cable: Cable, _: Socket, __: Forward) -> None:
    walk.process.die()
    cable.cut()


async def server_killed_message_arrives(
    walk: Walk, cable: Cable, to: Socket, forward: Forward
) -> None:
    walk.process.die()
    await forward()
    cable.cut(spare=to)


async def card_pulled(walk: Walk, _: Cable, __: Socket, forward: Forward) -> None:
    walk.reader.pull()
    await forward()


async def reader_service_killed(walk: Walk, _: Cable, __: Socket, forward: Forward) -> None:
    walk.reader.stop()
    await forward()


CUT, KILLED = {"work", "unresolved"}, {"work", "server_restarted", "unresolved"}
CARD_LOST = {"work", "unresolved", "card_removed", "not_done", "outcome_unknown"}
AS_USUAL = {"who", "confirm", "report", "offer", "done"}
ACCIDENTS: Mapping[Accident, set[str]] = {
    link_cut_message_lost: CUT,
    link_cut_message_arrives: CUT,
    server_killed_message_lost: KILLED,
    server_killed_message_arrives: KILLED,
    card_pulled: CARD_LOST,
    reader_service_killed: {*CARD_LOST, "reader_service_stopped"},
}
"""What the chat may say of each: the steps, and the reasons why something failed."""

# ---- what can be done, up to the button that begins it


async def card_check(walk: Walk) -> str:
    await walk.person.starts("do-card_check")
    return "go"


async def change_pin(walk: Walk) -> str:
    await walk.person.starts("do-change_pin")
    return "yes"


async def activate(walk: Walk) -> str:
    await walk.takes_a_new_card()
    return await walk.identifies("activate")


async def unlock(walk: Walk) -> str:
    walk.card.card.file.state.pin_tries = 0
    return await walk.identifies("unlock")


async def prove_possession(walk: Walk) -> str:
    """Unlock, with the card pulled at the new PIN: it is asked to prove which PIN it has."""
    walk.card.leaves_after = RESET_RETRY_COUNTER
    return await unlock(walk)


def is_proof(message: Message) -> bool:
    return message.get("operation") == "prove_possession"


WORKS: Mapping[Begin, int] = {
    activate: 7,
    card_check: 4,
    change_pin: 3,
    unlock: 7,
    prove_possession: 4,
}
"""How many messages each takes at least."""


async def struck_at(
    walk: Walk,
    work: Begin,
    number: int,
    accident: Accident,
) -> bool:
    """Do something with an accident at a message; tell whether there was that message."""

    async def falls(cable: Cable, to: Socket, forward: Forward) -> None:
        await accident(walk, cable, to, forward)

    set_time(
        walk.cards.stage, walk.cards.now + timedelta(minutes=3)
    )  # a chat has 30 checks an hour
    key = await work(walk)
    strike = Strike(number, falls)
    if work is prove_possession:
        strike.since = is_proof
    walk.process.door.proxy.strike = strike
    await press(walk.person, key)
    await walk.goes_on_to_the_end()
    walk.process.door.proxy.strike = None
    await walk.mend()
    assert walk.card.lowered == []
    assert walk.card.card.file.state.pin_tries == 3
    assert await walk.holder.certificate_state() == "active"
    return strike.fell


async def struck_everywhere(walk: Walk, work: Begin, accident: Accident) -> int:
    """Do something again and again, with an accident at each of its messages; count those."""
    struck = 0
    while await struck_at(walk, work, struck + 1, accident):
        struck += 1
    return struck
