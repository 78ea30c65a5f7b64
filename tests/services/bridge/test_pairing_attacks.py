"""Attackers on the pairing: whoever is between two ends has one chance in 65,000 for each code.

The server is the real one. What an attacker would need is to know, or choose, all that the words
depend on while the code is not yet spent.
"""

import json
import os

import pytest

from reader_bridge.protocol.pairing_proofs import derive_pairing_words
from services.bridge.events import PairingOffered
from tests.services.authority.authority_harness import CHAT
from tests.services.bridge.hub_harness import HubHarness
from tests.services.bridge.reference_bridge import ReferenceBridge
from tests.services.bridge.wire_format import (
    ORIGIN,
    commitment_to,
    decode_bytes,
    encode_bytes,
    word_numbers,
)

ATTACKER = 6666


async def code_of(harness: HubHarness, chat: int = CHAT) -> str:
    return (await harness.hub.issue_pairing_code(chat, chat, "Anna", harness.now)).code.reveal()


async def dialled(harness: HubHarness, address: str = "192.0.2.7") -> ReferenceBridge:
    pc = ReferenceBridge(harness, None, address)
    await pc.dials()
    return pc


async def test_a_bridge_that_opens_link_after_link_learns_nothing_of_the_words(
    harness: HubHarness,
) -> None:
    """Grinding bridge: every link has a nonce of its own, which is revealed for a spent code."""
    links = [await dialled(harness, f"192.0.2.{number}") for number in range(40)]
    assert len({pc.commitment for pc in links}) == 40
    for pc in links:
        revealed = [value for message in pc.received for value in message.values()]
        assert {message["type"] for message in pc.received} == {"greeting", "welcome"}
        for value in revealed:
            if isinstance(value, str) and len(value) == 43:
                assert commitment_to(pc.session, decode_bytes(value)) != pc.commitment


async def test_a_bridge_with_the_code_has_one_try_of_its_nonce(harness: HubHarness) -> None:
    """Grinding bridge: it sends the code with one nonce after another, all at once."""
    pc = await dialled(harness)
    code = await code_of(harness)
    pc.before = lambda message: message["type"] != "pair_offer"
    for _ in range(20):
        await pc.says("pair", code=code, nonce=encode_bytes(os.urandom(32)))
    assert len(pc.heard_of("pair_offer")) == 1
    others = [await dialled(harness, f"198.51.100.{number}") for number in range(20)]
    for other in others:
        await other.types(code)
        assert other.heard_of("pair_offer") == []
    assert len(harness.events_of(PairingOffered)) == 1


@pytest.mark.parametrize("ending", ["no at the PC", "no in the chat", "too late"])
async def test_a_nonce_that_was_revealed_serves_no_second_code(
    harness: HubHarness, ending: str
) -> None:
    """A relay pairs with its own chat first, and then passes on the victim's code."""
    pc = await dialled(harness)
    committed = pc.commitment
    pc.before = lambda message: message["type"] != "pair_offer"
    await pc.types(await code_of(harness, ATTACKER))
    first = decode_bytes(pc.heard_of("pair_offer")[0]["nonce"])
    assert commitment_to(pc.session, first) == committed
    if ending == "no at the PC":
        await pc.says("pair_answer", accepted=False)
    elif ending == "no in the chat":
        await harness.hub.answer_pairing(ATTACKER, harness.now, accepted=False)
    else:
        await harness.passes(minutes=5)
    await pc.works()
    assert pc.heard_of("unpaired")
    assert pc.commitment != committed, "whatever may be followed by a code has a new commitment"
    await pc.types(await code_of(harness))
    second = decode_bytes(pc.heard_of("pair_offer")[1]["nonce"])
    assert second != first
    assert commitment_to(pc.session, second) == pc.commitment


async def test_every_refusal_has_a_new_commitment(harness: HubHarness) -> None:
    pc = await dialled(harness)
    commitments = {pc.commitment}
    for _ in range(4):
        await pc.types("AAAAAAAA")
        commitments.add(pc.commitment)
    assert len(commitments) == 5


async def test_after_the_end_of_a_pairing_there_is_a_new_commitment(harness: HubHarness) -> None:
    pc = await harness.paired_pc(None)
    committed = pc.commitment
    await harness.hub.unpair(CHAT, harness.now)
    await pc.works()
    assert pc.commitment != committed
    pc.before = lambda message: message["type"] != "pair_offer"
    await pc.types(await code_of(harness))
    nonce = decode_bytes(pc.heard_of("pair_offer")[-1]["nonce"])
    assert commitment_to(pc.session, nonce) == pc.commitment


async def test_a_relay_that_changes_nothing_shows_different_words(harness: HubHarness) -> None:
    """The bridge goes by the address it dialled, which is the relay's."""
    equal = 0
    for number in range(12):
        chat = 3000 + number
        pc = await dialled(harness)
        pc.origin = "wss://kaika.test.evil.example"
        await pc.types(await code_of(harness, chat))
        offered = harness.events_of(PairingOffered)[-1]
        shown = derive_pairing_words(
            pc._code,
            origin=ORIGIN,
            session=pc.session,
            server_nonce=decode_bytes(pc.heard_of("pair_offer")[0]["nonce"]),
            bridge_nonce=pc.nonce,
        )
        assert offered.words == shown, "with the server's own origin"
        at_pc = word_numbers(
            pc._code,
            pc.origin,
            pc.session,
            decode_bytes(pc.heard_of("pair_offer")[0]["nonce"]),
            pc.nonce,
        )
        at_server = word_numbers(
            pc._code,
            ORIGIN,
            pc.session,
            decode_bytes(pc.heard_of("pair_offer")[0]["nonce"]),
            pc.nonce,
        )
        assert pc.words == at_pc
        equal += at_pc == at_server
    assert equal <= 1, "each by chance once in 65,280"


async def test_a_relay_that_cuts_before_it_reveals_has_spent_the_code(
    harness: HubHarness,
) -> None:
    """It sees the words of both ends first, and cuts where they differ: the code is gone then."""
    victim_code = await code_of(harness)
    relay = await dialled(harness)
    relay.before = lambda message: message["type"] != "pair_offer"
    await relay.types(victim_code)
    assert relay.heard_of("pair_offer"), "now it can compute the words of the chat"
    await relay.loses_link()
    again = await dialled(harness)
    await again.types(victim_code)
    assert again.heard_of("pair_refused")[0]["reason"] == "wrong_code"
    assert len(harness.events_of(PairingOffered)) == 1


async def test_the_nonce_is_in_no_frame_before_the_code_is_spent(harness: HubHarness) -> None:
    pc = await dialled(harness)
    await pc.types("AAAAAAAA")
    before = json.dumps(pc.received)
    await pc.types(await code_of(harness))
    assert pc.heard_of("pair_offer")[0]["nonce"] not in before
