"""Pairing, as the person at the PC meets it."""

import asyncio

from reader_bridge.prompter import ExitReason
from reader_bridge.protocol.enums import ByeReason, PairRefusal
from reader_bridge.protocol.operation_messages import Bye
from reader_bridge.protocol.pairing_messages import (
    Pair,
    PairAnswer,
    PairOffer,
    PairRefused,
)
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.client.conftest import run_client, scripted_person
from tests.reader_bridge.scripted_prompter import ScriptedPrompter
from tests.reader_bridge.scripted_server import CODE, NAME


async def test_a_wrong_code_is_asked_again_and_one_that_cannot_be_is_never_sent(
    reader: VirtualReader,
) -> None:
    person = scripted_person(("hello", "abcd 234", " abcd-2345 ", CODE))
    async with asyncio.timeout(20), run_client(reader, person) as stage:
        line = await stage.server.accept()
        await line.welcome()
        assert (await line.receive(Pair)).code == CODE
        await line.send(PairRefused(PairRefusal.WRONG_CODE, 4))
        assert (await line.receive(Pair)).code == CODE
        reasons = [getattr(asked, "reason", "first") for asked in person.asked]
        assert reasons == ["first", None, None, PairRefusal.WRONG_CODE]


async def test_a_pairing_the_person_refuses_does_not_come_about(reader: VirtualReader) -> None:
    person = scripted_person((CODE,), agree=lambda _: False)
    async with asyncio.timeout(20), run_client(reader, person) as stage:
        line = await stage.server.accept()
        await line.welcome()
        await line.receive(Pair)
        await line.send(PairOffer(NAME))
        assert not (await line.receive(PairAnswer)).accepted


async def test_a_link_lost_while_pairing_needs_another_code(reader: VirtualReader) -> None:
    async with asyncio.timeout(20), run_client(reader) as stage:
        line = await stage.server.accept()
        await line.welcome()
        await line.receive(Pair)
        await line.cut()
        await stage.pair()
        asked = [getattr(each, "reason", None) for each in stage.person.asked]
        assert PairRefusal.EXPIRED in asked


async def test_a_person_who_gives_no_code_leaves(reader: VirtualReader) -> None:
    async with asyncio.timeout(20), run_client(reader, ScriptedPrompter((None,))) as stage:
        line = await stage.server.accept()
        await line.welcome()
        assert await line.receive(Bye) == Bye(ByeReason.CLOSED)
        line.ended.set()
        assert await stage.task is ExitReason.LEFT
