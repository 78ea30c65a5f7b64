"""Pairing: code, words, confirmation on both sides, one bridge per chat, unpairing."""

from datetime import timedelta

import pytest

from reader_bridge.protocol.word_list import PAIRING_WORDS
from services.bridge.errors import NoPairingError, NotConnectedError, NotPairedError
from services.bridge.events import (
    BridgeConnected,
    BridgeDisconnected,
    BridgePaired,
    BridgeUnpaired,
    CardTaskFailed,
    PairingEndReason,
    PairingFailed,
    PairingFailureReason,
    PairingOffered,
)
from services.bridge.operations.card_task import CardTask
from services.bridge.pairing.service import sanitise_name
from tests.services.authority.authority_harness import CHAT
from tests.services.bridge.hub_harness import HubHarness
from tests.services.bridge.reference_bridge import ReferenceBridge

OTHER = 2002


async def offered(harness: HubHarness, chat: int = CHAT) -> ReferenceBridge:
    """Return a PC that has confirmed the pairing; the chat has not."""
    pc = ReferenceBridge(harness, None)
    await pc.dials()
    code = await harness.hub.issue_pairing_code(chat, chat, "Anna", harness.now)
    await pc.types(code.code.reveal())
    return pc


async def test_both_ends_derive_the_same_words(harness: HubHarness) -> None:
    pc = await offered(harness)
    assert pc.words is not None
    shown = tuple(PAIRING_WORDS[number] for number in pc.words)
    assert harness.hub.pairing_words(CHAT) == shown
    assert harness.events_of(PairingOffered)[0].words == shown
    assert pc.telegram_name == "Anna"


async def test_words_depend_on_code_session_and_both_nonces(harness: HubHarness) -> None:
    """So that an attacker between two connections cannot have the same at both."""
    seen = {(await offered(harness, chat)).words for chat in range(3000, 3012)}
    assert len(seen) > 6


async def test_a_yes_at_one_end_pairs_nobody(harness: HubHarness) -> None:
    pc = ReferenceBridge(harness, None)
    pc.before = lambda message: message["type"] != "pair_offer"  # the person at the PC thinks
    await pc.dials()
    code = await harness.hub.issue_pairing_code(CHAT, CHAT, "Anna", harness.now)
    await pc.types(code.code.reveal())
    await harness.hub.answer_pairing(CHAT, harness.now, accepted=True)
    assert not harness.hub.status(CHAT).is_paired
    await pc.says("pair_answer", accepted=True)
    await pc.works()
    assert harness.hub.status(CHAT).is_paired
    pc = await offered(harness, OTHER)
    assert not harness.hub.status(OTHER).is_paired
    assert pc.heard_of("paired") == []


async def test_pairing_lasts_twelve_hours(harness: HubHarness) -> None:
    pc = await harness.paired_pc(None)
    assert pc.heard_of("paired")[0]["seconds_left"] == 12 * 3600
    paired = harness.events_of(BridgePaired)[0]
    assert (paired.expires_at, paired.replaced) == (harness.now + timedelta(hours=12), False)
    await harness.passes(hours=11, minutes=59)
    assert harness.hub.status(CHAT).is_connected
    await harness.passes(minutes=1)
    assert harness.events_of(BridgeUnpaired)[-1].reason is PairingEndReason.EXPIRED
    assert pc.heard_of("unpaired")[0]["reason"] == "expired"
    assert not harness.hub.status(CHAT).is_paired


async def test_a_no_in_the_chat_ends_it(harness: HubHarness) -> None:
    pc = await offered(harness)
    await harness.hub.answer_pairing(CHAT, harness.now, accepted=False)
    await pc.works()
    assert pc.heard_of("unpaired")[0]["reason"] == "refused"
    assert harness.events_of(PairingFailed)[0].reason is PairingFailureReason.REFUSED_IN_CHAT
    with pytest.raises(NoPairingError):
        await harness.hub.answer_pairing(CHAT, harness.now, accepted=True)


async def test_a_no_at_the_pc_ends_it(harness: HubHarness) -> None:
    pc = ReferenceBridge(harness, None)
    pc.before = lambda message: message["type"] != "pair_offer"
    await pc.dials()
    code = await harness.hub.issue_pairing_code(CHAT, CHAT, "Anna", harness.now)
    await pc.types(code.code.reveal())
    await pc.says("pair_answer", accepted=False)
    assert harness.events_of(PairingFailed)[0].reason is PairingFailureReason.REFUSED_AT_PC
    pc.before = lambda _: True
    await harness.pairs(pc)  # the same connection may pair after all, with a new code


async def test_who_said_yes_at_the_pc_may_still_say_no(harness: HubHarness) -> None:
    pc = await offered(harness)
    await pc.says("pair_answer", accepted=True)
    assert harness.events_of(PairingFailed) == [], "the same yes twice is one yes"
    await pc.says("pair_answer", accepted=False)
    assert harness.events_of(PairingFailed)[0].reason is PairingFailureReason.REFUSED_AT_PC
    with pytest.raises(NoPairingError):
        await harness.hub.answer_pairing(CHAT, harness.now, accepted=True)
    assert not harness.hub.status(CHAT).is_paired


async def test_an_offer_waits_for_five_minutes(harness: HubHarness) -> None:
    pc = await offered(harness)
    await harness.passes(minutes=5)
    await pc.works()
    assert pc.heard_of("unpaired")[0]["reason"] == "expired"
    assert harness.events_of(PairingFailed)[0].reason is PairingFailureReason.TOO_LATE


async def test_a_link_that_is_lost_ends_an_offer(harness: HubHarness) -> None:
    pc = await offered(harness)
    await pc.loses_link()
    assert harness.events_of(PairingFailed)[0].reason is PairingFailureReason.LINK_LOST
    with pytest.raises(NoPairingError):
        await harness.hub.answer_pairing(CHAT, harness.now, accepted=True)


async def test_a_new_bridge_takes_the_place_of_the_old_one(harness: HubHarness) -> None:
    old = await harness.paired_pc(None)
    await harness.hub.start(CHAT, CardTask.CARD_STATUS, harness.now)  # waits for a card there
    new = await harness.paired_pc(None)
    await old.works()
    assert old.heard_of("unpaired")[0]["reason"] == "replaced"
    assert [event.code for event in harness.events_of(CardTaskFailed)] == ["replaced"]
    assert [event.replaced for event in harness.events_of(BridgePaired)] == [False, True]
    await harness.hub.start(CHAT, CardTask.LIST_READERS, harness.now)
    assert new.heard_of("start")
    assert len(old.heard_of("start")) == 1


async def test_the_replaced_bridge_cannot_come_back(harness: HubHarness) -> None:
    old = await harness.paired_pc(None)
    secret, session = old.secret, old.session
    await harness.paired_pc(None)
    await old.loses_link()
    old.secret, old.session = secret, session
    welcome = await old.dials()
    assert not welcome.get("paired")
    await harness.restart()
    old.secret, old.session = secret, session
    assert not (await old.dials()).get("paired")


async def test_the_same_bridge_on_a_second_link_drops_the_first(harness: HubHarness) -> None:
    pc = await harness.paired_pc(None)
    first, connection = pc.wire, pc._connection
    welcome = await pc.dials()
    assert welcome["resumed"]
    assert first is not None
    assert first.closed
    await connection.handle_disconnect(harness.now)
    assert harness.hub.status(CHAT).is_connected
    assert harness.events_of(BridgeDisconnected) == []


async def test_a_restarted_server_knows_who_is_paired(harness: HubHarness) -> None:
    pc = await harness.paired_pc(None)
    pc.wire = None
    await harness.restart()
    presence = harness.hub.status(CHAT)
    assert (presence.is_paired, presence.is_connected) == (True, False)
    with pytest.raises(NotConnectedError):
        await harness.hub.start(CHAT, CardTask.LIST_READERS, harness.now)
    welcome = await pc.dials()
    assert (welcome["resumed"], welcome["paired"]) == (False, True)
    assert harness.events_of(BridgeConnected)
    await harness.hub.start(CHAT, CardTask.LIST_READERS, harness.now)


@pytest.mark.parametrize("what", ["secret", "session", "nonce"])
async def test_a_wrong_proof_resumes_nothing(harness: HubHarness, what: str) -> None:
    pc = await harness.paired_pc(None)
    await pc.loses_link()
    if what == "secret":
        pc.secret = bytes(32)
    if what == "session":
        pc.session = "0" * 32
    if what == "nonce":  # a hello that was overheard, said again
        hello = await overheard_hello(harness, pc)
        thief = ReferenceBridge(harness, None)
        await thief.dials()
        await thief.writes(hello)
        assert not thief.heard_of("welcome")[-1].get("paired")
        return
    assert not (await pc.dials()).get("paired")


async def overheard_hello(harness: HubHarness, pc: ReferenceBridge) -> str:
    written: list[str] = []
    connection = harness.hub.connect

    class Listening:
        def __init__(self, inner: object) -> None:
            self._inner = inner

        async def receive(self, text: str, now: object) -> None:
            written.append(text)
            await self._inner.receive(text, now)  # type: ignore[attr-defined]

    harness.hub.connect = lambda *about: Listening(connection(*about))  # type: ignore
    await pc.dials()
    harness.hub.connect = connection  # type: ignore[method-assign]
    return written[0]


async def test_the_chat_ends_it(harness: HubHarness) -> None:
    pc = await harness.paired_pc(None)
    assert await harness.hub.unpair(CHAT, harness.now)
    assert not await harness.hub.unpair(CHAT, harness.now)
    assert pc.heard_of("unpaired")[0]["reason"] == "by_chat"
    with pytest.raises(NotPairedError):
        await harness.hub.start(CHAT, CardTask.LIST_READERS, harness.now)
    await harness.restart()
    assert not harness.hub.status(CHAT).is_paired


async def test_the_bridge_ends_it(harness: HubHarness) -> None:
    pc = await harness.paired_pc(None)
    await pc.says("bye", reason="closed")
    assert not pc.is_linked
    assert [event.reason for event in harness.events_of(BridgeUnpaired)] == [
        PairingEndReason.BY_BRIDGE
    ]
    await harness.restart()
    assert not harness.hub.status(CHAT).is_paired


async def test_a_bridge_that_never_pairs_is_sent_away(harness: HubHarness) -> None:
    pc = ReferenceBridge(harness, None)
    await pc.dials()
    await harness.passes(minutes=31)
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


async def test_nothing_is_remembered_of_a_chat_that_has_no_bridge(harness: HubHarness) -> None:
    pc = await harness.paired_pc(None)
    await harness.hub.unpair(CHAT, harness.now)
    await pc.loses_link()
    assert harness.hub._chats.ids() == []
    assert harness.hub._sessions.find(pc.session) is None
    assert not harness.hub._connections


async def test_a_bridge_is_told_when_the_server_goes(harness: HubHarness) -> None:
    pc = await harness.paired_pc(None)
    await harness.hub.close()
    assert pc.received[-1] == {"type": "error", "seq": 0, "code": "going_down"}
    assert not pc.is_linked
