"""Pairing: the code, the words, a yes at each end; one bridge a chat; and its end."""

from datetime import timedelta

import pytest

from reader_bridge.protocol.word_list import PAIRING_WORDS
from services.bridge.errors import NoPairingError, NotConnectedError, NotPairedError
from services.bridge.events import (
    BridgeConnected,
    BridgeDisconnected,
    BridgePaired,
    BridgeUnpaired,
    OperationFailed,
    PairingEndReason,
    PairingFailed,
    PairingFailureReason,
    PairingOffered,
)
from services.bridge.operations.task import CardTask
from services.bridge.pairing.service import sanitise_name
from tests.services.authority.world import CHAT
from tests.services.bridge.pc import Pc
from tests.services.bridge.world import BridgeWorld

OTHER = 2002


async def offered(world: BridgeWorld, chat: int = CHAT) -> Pc:
    """Give a PC whose person has typed the code and said yes; the chat has not."""
    pc = Pc(world, None)
    await pc.dials()
    code = await world.hub.issue_pairing_code(chat, chat, "Anna", world.now)
    await pc.types(code.code.reveal())
    return pc


async def test_both_ends_derive_the_same_words(world: BridgeWorld) -> None:
    pc = await offered(world)
    assert pc.words is not None
    shown = tuple(PAIRING_WORDS[number] for number in pc.words)
    assert world.hub.pairing_words(CHAT) == shown
    assert world.told(PairingOffered)[0].words == shown
    assert pc.telegram_name == "Anna"


async def test_words_depend_on_code_session_and_both_nonces(world: BridgeWorld) -> None:
    """So that who stands between two connections cannot have the same at both."""
    seen = {(await offered(world, chat)).words for chat in range(3000, 3012)}
    assert len(seen) > 6


async def test_a_yes_at_one_end_pairs_nobody(world: BridgeWorld) -> None:
    pc = Pc(world, None)
    pc.before = lambda message: message["type"] != "pair_offer"  # the person at the PC thinks
    await pc.dials()
    code = await world.hub.issue_pairing_code(CHAT, CHAT, "Anna", world.now)
    await pc.types(code.code.reveal())
    await world.hub.answer_pairing(CHAT, world.now, accepted=True)
    assert not world.hub.status(CHAT).is_paired
    await pc.says("pair_answer", accepted=True)
    await pc.works()
    assert world.hub.status(CHAT).is_paired
    pc = await offered(world, OTHER)
    assert not world.hub.status(OTHER).is_paired
    assert pc.heard_of("paired") == []


async def test_pairing_lasts_twelve_hours(world: BridgeWorld) -> None:
    pc = await world.paired_pc(None)
    assert pc.heard_of("paired")[0]["seconds_left"] == 12 * 3600
    paired = world.told(BridgePaired)[0]
    assert (paired.expires_at, paired.replaced) == (world.now + timedelta(hours=12), False)
    await world.passes(hours=11, minutes=59)
    assert world.hub.status(CHAT).is_connected
    await world.passes(minutes=1)
    assert world.told(BridgeUnpaired)[-1].reason is PairingEndReason.EXPIRED
    assert pc.heard_of("unpaired")[0]["reason"] == "expired"
    assert not world.hub.status(CHAT).is_paired


async def test_a_no_in_the_chat_ends_it(world: BridgeWorld) -> None:
    pc = await offered(world)
    await world.hub.answer_pairing(CHAT, world.now, accepted=False)
    await pc.works()
    assert pc.heard_of("unpaired")[0]["reason"] == "refused"
    assert world.told(PairingFailed)[0].reason is PairingFailureReason.REFUSED_IN_CHAT
    with pytest.raises(NoPairingError):
        await world.hub.answer_pairing(CHAT, world.now, accepted=True)


async def test_a_no_at_the_pc_ends_it(world: BridgeWorld) -> None:
    pc = Pc(world, None)
    pc.before = lambda message: message["type"] != "pair_offer"
    await pc.dials()
    code = await world.hub.issue_pairing_code(CHAT, CHAT, "Anna", world.now)
    await pc.types(code.code.reveal())
    await pc.says("pair_answer", accepted=False)
    assert world.told(PairingFailed)[0].reason is PairingFailureReason.REFUSED_AT_PC
    pc.before = lambda _: True
    await world.pairs(pc)  # the same connection may pair after all, with a new code


async def test_who_said_yes_at_the_pc_may_still_say_no(world: BridgeWorld) -> None:
    pc = await offered(world)
    await pc.says("pair_answer", accepted=True)
    assert world.told(PairingFailed) == [], "the same yes twice is one yes"
    await pc.says("pair_answer", accepted=False)
    assert world.told(PairingFailed)[0].reason is PairingFailureReason.REFUSED_AT_PC
    with pytest.raises(NoPairingError):
        await world.hub.answer_pairing(CHAT, world.now, accepted=True)
    assert not world.hub.status(CHAT).is_paired


async def test_an_offer_waits_for_five_minutes(world: BridgeWorld) -> None:
    pc = await offered(world)
    await world.passes(minutes=5)
    await pc.works()
    assert pc.heard_of("unpaired")[0]["reason"] == "expired"
    assert world.told(PairingFailed)[0].reason is PairingFailureReason.TOO_LATE


async def test_a_link_that_is_lost_ends_an_offer(world: BridgeWorld) -> None:
    pc = await offered(world)
    await pc.loses_link()
    assert world.told(PairingFailed)[0].reason is PairingFailureReason.LINK_LOST
    with pytest.raises(NoPairingError):
        await world.hub.answer_pairing(CHAT, world.now, accepted=True)


async def test_a_new_bridge_takes_the_place_of_the_old_one(world: BridgeWorld) -> None:
    old = await world.paired_pc(None)
    await world.hub.start(CHAT, CardTask.CARD_STATUS, world.now)  # waits for a card there
    new = await world.paired_pc(None)
    await old.works()
    assert old.heard_of("unpaired")[0]["reason"] == "replaced"
    assert [event.code for event in world.told(OperationFailed)] == ["replaced"]
    assert [event.replaced for event in world.told(BridgePaired)] == [False, True]
    await world.hub.start(CHAT, CardTask.LIST_READERS, world.now)
    assert new.heard_of("start")
    assert len(old.heard_of("start")) == 1


async def test_the_replaced_bridge_cannot_come_back(world: BridgeWorld) -> None:
    old = await world.paired_pc(None)
    secret, session = old.secret, old.session
    await world.paired_pc(None)
    await old.loses_link()
    old.secret, old.session = secret, session
    welcome = await old.dials()
    assert not welcome.get("paired")
    await world.restart()
    old.secret, old.session = secret, session
    assert not (await old.dials()).get("paired")


async def test_the_same_bridge_on_a_second_link_drops_the_first(world: BridgeWorld) -> None:
    pc = await world.paired_pc(None)
    first, connection = pc.wire, pc._connection
    welcome = await pc.dials()
    assert welcome["resumed"]
    assert first is not None
    assert first.closed
    await connection.handle_disconnect(world.now)
    assert world.hub.status(CHAT).is_connected
    assert world.told(BridgeDisconnected) == []


async def test_a_restarted_server_knows_who_is_paired(world: BridgeWorld) -> None:
    pc = await world.paired_pc(None)
    pc.wire = None
    await world.restart()
    presence = world.hub.status(CHAT)
    assert (presence.is_paired, presence.is_connected) == (True, False)
    with pytest.raises(NotConnectedError):
        await world.hub.start(CHAT, CardTask.LIST_READERS, world.now)
    welcome = await pc.dials()
    assert (welcome["resumed"], welcome["paired"]) == (False, True)
    assert world.told(BridgeConnected)
    await world.hub.start(CHAT, CardTask.LIST_READERS, world.now)


@pytest.mark.parametrize("what", ["secret", "session", "nonce"])
async def test_a_wrong_proof_resumes_nothing(world: BridgeWorld, what: str) -> None:
    pc = await world.paired_pc(None)
    await pc.loses_link()
    if what == "secret":
        pc.secret = bytes(32)
    if what == "session":
        pc.session = "0" * 32
    if what == "nonce":  # a hello that was overheard, said again
        hello = await overheard_hello(world, pc)
        thief = Pc(world, None)
        await thief.dials()
        await thief.writes(hello)
        assert not thief.heard_of("welcome")[-1].get("paired")
        return
    assert not (await pc.dials()).get("paired")


async def overheard_hello(world: BridgeWorld, pc: Pc) -> str:
    written: list[str] = []
    connection = world.hub.connect

    class Listening:
        def __init__(self, inner: object) -> None:
            self._inner = inner

        async def receive(self, text: str, now: object) -> None:
            written.append(text)
            await self._inner.receive(text, now)  # type: ignore[attr-defined]

    world.hub.connect = lambda *about: Listening(connection(*about))  # type: ignore
    await pc.dials()
    world.hub.connect = connection  # type: ignore[method-assign]
    return written[0]


async def test_the_chat_ends_it(world: BridgeWorld) -> None:
    pc = await world.paired_pc(None)
    assert await world.hub.unpair(CHAT, world.now)
    assert not await world.hub.unpair(CHAT, world.now)
    assert pc.heard_of("unpaired")[0]["reason"] == "by_chat"
    with pytest.raises(NotPairedError):
        await world.hub.start(CHAT, CardTask.LIST_READERS, world.now)
    await world.restart()
    assert not world.hub.status(CHAT).is_paired


async def test_the_bridge_ends_it(world: BridgeWorld) -> None:
    pc = await world.paired_pc(None)
    await pc.says("bye", reason="closed")
    assert not pc.is_linked
    assert [event.reason for event in world.told(BridgeUnpaired)] == [PairingEndReason.BY_BRIDGE]
    await world.restart()
    assert not world.hub.status(CHAT).is_paired


async def test_a_bridge_that_never_pairs_is_sent_away(world: BridgeWorld) -> None:
    pc = Pc(world, None)
    await pc.dials()
    await world.passes(minutes=31)
    assert not pc.is_linked


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Anna", "Anna"),
        ("  Nguyễn  Văn\nA ", "Nguyễn Văn A"),
        ("阮文安 👩‍👩‍👧", "阮文安 👩‍👩‍👧"),
        ("\u202eannA\u2066", "annA"),
        ("A\u0000B\ud800C", "ABC"),
        ("", ""),
        ("x" * 500, "x" * 64),
    ],
)
def test_a_name_is_shown_without_tricks(name: str, shown: str) -> None:
    assert sanitise_name(name) == shown


async def test_nothing_is_remembered_of_a_chat_that_has_no_bridge(world: BridgeWorld) -> None:
    pc = await world.paired_pc(None)
    await world.hub.unpair(CHAT, world.now)
    await pc.loses_link()
    assert world.hub._chats.ids() == []
    assert world.hub._sessions.find(pc.session) is None
    assert not world.hub._connections


async def test_a_bridge_is_told_when_the_server_goes(world: BridgeWorld) -> None:
    pc = await world.paired_pc(None)
    await world.hub.close()
    assert pc.heard[-1] == {"type": "error", "seq": 0, "code": "going_down"}
    assert not pc.is_linked
