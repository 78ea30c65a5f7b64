"""Pairing, as the person at the PC meets it."""

import asyncio
import json

import pytest

from reader_bridge.client.pairing_flow import PairingLinks
from reader_bridge.prompter import (
    ExitReason,
    PairingClosed,
    PairingPeer,
    ServerConnected,
    WordChoice,
    WrongWordsChosen,
)
from reader_bridge.protocol.enums import (
    ByeReason,
    PairRefusal,
    ProtocolErrorCode,
    UnpairReason,
)
from reader_bridge.protocol.messages import encode_frame
from reader_bridge.protocol.operation_messages import Bye, ErrorMessage
from reader_bridge.protocol.pairing_messages import (
    Pair,
    PairAnswer,
    PairOffer,
    Welcome,
)
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.client.conftest import run_client, scripted_person
from tests.reader_bridge.scripted_prompter import ScriptedPrompter
from tests.reader_bridge.scripted_server import CODE, NAME


def peers_of(person: ScriptedPrompter) -> list[PairingPeer]:
    """Return the peers whose words the person was asked to compare."""
    return [asked for asked in person.asked if isinstance(asked, PairingPeer)]


async def test_a_wrong_code_is_asked_again_and_one_that_cannot_be_is_never_sent(
    reader: VirtualReader,
) -> None:
    person = scripted_person(("hello", "abcd 234", " abcd-2345 ", CODE))
    async with asyncio.timeout(20), run_client(reader, person) as harness:
        line = await harness.server.accept()
        await line.welcome()
        assert (await line.receive(Pair)).code == CODE
        await line.refuse(PairRefusal.WRONG_CODE, 4)
        assert (await line.receive(Pair)).code == CODE
        reasons = [getattr(asked, "reason", "first") for asked in person.asked]
        assert reasons == ["first", None, None, PairRefusal.WRONG_CODE]


async def test_a_pairing_the_person_refuses_does_not_come_about(reader: VirtualReader) -> None:
    person = scripted_person((CODE,), agree=lambda _: False)
    async with asyncio.timeout(20), run_client(reader, person) as harness:
        line = await harness.server.accept()
        await line.welcome()
        await line.receive(Pair)
        await line.offer()
        assert not (await line.receive(PairAnswer)).accepted


async def test_a_link_lost_while_pairing_needs_another_code(reader: VirtualReader) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.server.accept()
        await line.welcome()
        await line.receive(Pair)
        await line.cut()
        await harness.pair()
        asked = [getattr(each, "reason", None) for each in harness.person.asked]
        assert PairRefusal.EXPIRED in asked


async def test_a_person_who_gives_no_code_leaves(reader: VirtualReader) -> None:
    async with asyncio.timeout(20), run_client(reader, ScriptedPrompter((None,))) as harness:
        line = await harness.server.accept()
        await line.welcome()
        assert await line.receive(Bye) == Bye(ByeReason.CLOSED)
        line.ended.set()
        assert await harness.task is ExitReason.LEFT


async def test_a_server_that_reveals_another_nonce_is_left_for_good(reader: VirtualReader) -> None:
    """Grinding server: having the code and the bridge's nonce, it picks a nonce for its words."""
    person = scripted_person((CODE, CODE))
    async with asyncio.timeout(20), run_client(reader, person) as harness:
        line = await harness.server.accept()
        await line.welcome()
        await line.receive(Pair)
        await line.send(PairOffer(bytes(32), NAME))
        assert await line.receive(Bye) == Bye(ByeReason.CLOSED)
        line.ended.set()
        assert await harness.task is ExitReason.COMMITMENT_BROKEN
        assert peers_of(person) == [], "no words are shown"


async def test_a_server_that_commits_itself_to_nothing_gets_no_code(reader: VirtualReader) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.server.accept()
        await line.greet()
        await line.send_frame(encode_frame(Welcome(line.memory.session)))
        assert await line.receive(ErrorMessage) == ErrorMessage(ProtocolErrorCode.BAD_MESSAGE)
        assert "pair" not in "".join(harness.server.frames)


async def test_a_code_is_sent_once_whatever_happens_to_the_link(reader: VirtualReader) -> None:
    codes = ("ABCD2345", "EFGH6789", "JKMN2345", "PQRS6789")
    async with asyncio.timeout(30), run_client(reader, scripted_person(codes)) as harness:
        for cut_after in ("pair", "offer", "answer"):
            line = await harness.server.accept()
            await line.welcome()
            await line.receive(Pair)
            if cut_after != "pair":
                await line.offer()
            if cut_after == "answer":
                await line.receive(PairAnswer)
            await line.cut()
        await harness.pair()
        sent = [json.loads(frame) for frame in harness.server.frames]
        pairs = [message for message in sent if message["type"] == "pair"]
        assert [message["code"] for message in pairs] == list(codes)
        assert len({message["nonce"] for message in pairs}) == 4


async def test_a_no_at_the_pc_is_followed_by_a_new_commitment(reader: VirtualReader) -> None:
    answers = iter((False, True))
    person = scripted_person((CODE, CODE), agree=lambda _: next(answers))
    async with asyncio.timeout(20), run_client(reader, person) as harness:
        line = await harness.server.accept()
        await line.welcome()
        await line.receive(Pair)
        await line.offer()
        assert not (await line.receive(PairAnswer)).accepted
        await line.unpair(UnpairReason.REFUSED)
        pair = await line.receive(Pair)
        await line.offer()
        assert (await line.receive(PairAnswer)).accepted
        assert peers_of(person)[-1].words == line.words_for(pair)
        ended = [event for event in person.shown if isinstance(event, PairingClosed)]
        assert ended == [], "the person knows what they said"


async def test_a_server_with_another_address_of_its_own_is_announced(
    reader: VirtualReader,
) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.server.accept()
        line.origin = "wss://elsewhere.example"
        words = await line.pair()
        connected = [each for each in harness.person.shown if isinstance(each, ServerConnected)]
        assert connected[0].has_other_origin
        assert peers_of(harness.person)[0].words != words


@pytest.mark.parametrize("answer", ["right", "wrong", "none"])
async def test_where_a_link_brought_the_code_the_words_have_to_be_chosen(
    reader: VirtualReader, answer: str
) -> None:
    """Any web page can open a link, so a yes is not offered."""
    choices: list[WordChoice] = []

    class Chooser(ScriptedPrompter):
        async def choose_words(self, choice: WordChoice) -> int | None:
            choices.append(choice)
            right = choice.pairs.index(choice.peer.words)
            return {"right": right, "wrong": (right + 1) % 6, "none": None}[answer]

    person = Chooser()
    async with asyncio.timeout(20), run_client(reader, person, links=PairingLinks(CODE)) as harness:
        line = await harness.server.accept()
        await line.welcome()
        pair = await line.receive(Pair)
        await line.offer()
        accepted = (await line.receive(PairAnswer)).accepted
        (choice,) = choices
        assert accepted is (answer == "right")
        assert len(set(choice.pairs)) == 6
        assert choice.peer.words == line.words_for(pair)
        assert peers_of(person) == [], "nobody is asked to agree"
        wrong = [event for event in person.shown if isinstance(event, WrongWordsChosen)]
        assert bool(wrong) is (answer == "wrong")
        if answer != "right":
            await line.unpair(UnpairReason.REFUSED)


async def test_a_link_answers_the_question_for_the_code_and_no_other(
    reader: VirtualReader,
) -> None:
    links, person = PairingLinks(), ScriptedPrompter()
    async with asyncio.timeout(20), run_client(reader, person, links=links) as harness:
        line = await harness.server.accept()
        await line.welcome()
        await person.wait_until(lambda: bool(person.asked))
        assert links.offer(CODE)
        assert (await line.receive(Pair)).code == CODE
        assert not links.offer("EFGH6789"), "the code was sent"
        await line.offer()
        assert (await line.receive(PairAnswer)).accepted
        assert not links.offer("EFGH6789")
