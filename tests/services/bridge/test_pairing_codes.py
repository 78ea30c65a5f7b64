"""Limits on guessing pairing codes."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from reader_bridge.protocol import (
    LONG_PAIRING_CODE_LENGTH,
    PAIRING_CODE_ALPHABET,
    PAIRING_CODE_LENGTH,
    normalise_code,
)
from services.bridge.events import PairingDelayed
from services.bridge.models import PairingCodeRow
from services.bridge.pairing.codes import (
    ADDRESS_LIMIT,
    LIFETIME,
    MANY_WRONG_CODES,
    ORGANISATION_LIMIT,
    PAUSE,
    SITE_LIMIT,
    CodeRefusedError,
    PairingCodes,
    rate_limit_address,
)
from services.formats.hidden import Hidden
from services.messaging.outbox import OutboxMessage
from services.messaging.staff_alerts import StaffAlert
from services.rate_limit import RateLimit
from tests.services.authority.authority_harness import CHAT
from tests.services.authority.conftest import make_url
from tests.services.bridge.hub_harness import HubHarness
from tests.services.bridge.reference_bridge import ReferenceBridge
from tests.services.bridge.wire_format import Message

__all__ = ["make_url"]  # on each kind of database

WRONG = "AAAAAAAA"
DAY = timedelta(days=1)


def codes_of(harness: HubHarness) -> PairingCodes:
    return PairingCodes(harness.authority_world.database, harness.authority_world.keys)


async def guesses(
    harness: HubHarness, pc: ReferenceBridge, times: int, code: str = WRONG
) -> list[Message]:
    """Type a wrong code several times, reconnecting when the server hangs up."""
    for _ in range(times):
        if not pc.is_linked:
            await pc.dials()
        await pc.types(code)
    return pc.heard_of("pair_refused")[-times:]


def test_a_day_of_guessing_finds_a_code_in_one_of_ten_thousand_days() -> None:
    """The arithmetic of the limits, for a thousand valid codes at every moment."""
    assert len(set(PAIRING_CODE_ALPHABET)) == 30
    codes = len(PAIRING_CODE_ALPHABET) ** PAIRING_CODE_LENGTH
    unnoticed = MANY_WRONG_CODES * DAY / PAUSE
    assert 1000 * unnoticed / codes < 1 / 10_000
    long_codes = len(PAIRING_CODE_ALPHABET) ** LONG_PAIRING_CODE_LENGTH
    a_thousand_times_as_many = 1000 * unnoticed
    assert 1000 * a_thousand_times_as_many / long_codes < 1 / 10_000
    assert ADDRESS_LIMIT.window is not None
    of_one_address = ADDRESS_LIMIT.max_uses * DAY / ADDRESS_LIMIT.window
    assert 1000 * of_one_address / codes < 1 / 1_000_000


class Counting(PairingCodes):
    """Counts the codes that are checked."""

    looked_at = 0

    async def _pop(self, session: AsyncSession, code: Hidden) -> PairingCodeRow | None:
        Counting.looked_at += 1
        return await super()._pop(session, code)


async def test_four_hours_of_guessing_are_looked_at_80_times(harness: HubHarness) -> None:
    """One address without pause, and a server that restarts every five minutes."""
    Counting.looked_at = 0
    for minute in range(0, 4 * 60, 5):
        codes = Counting(harness.authority_world.database, harness.authority_world.keys)
        for _ in range(6):
            now = harness.now + timedelta(minutes=minute)
            with pytest.raises(CodeRefusedError) as refused:
                await codes.redeem(Hidden(WRONG), "192.0.2.1", now)
            if refused.value.retry_at is not None:
                break
    assert Counting.looked_at == 80


async def test_five_wrong_codes_then_fifteen_minutes(harness: HubHarness) -> None:
    pc = ReferenceBridge(harness, None)
    await pc.dials()
    refused = await guesses(harness, pc, 5)
    assert [each["reason"] for each in refused] == ["wrong_code"] * 4 + ["too_many_tries"]
    assert [each["tries_left"] for each in refused] == [4, 3, 2, 1, 0]
    assert refused[-1]["wait_seconds"] == 900
    another = ReferenceBridge(harness, None, pc.address)
    code = (await harness.hub.issue_pairing_code(CHAT, CHAT, "Anna", harness.now)).code.reveal()
    await another.dials()
    await another.types(code)  # even the right one is not looked at
    assert another.heard_of("pair_refused")[0]["reason"] == "too_many_tries"
    harness.now += timedelta(minutes=15)
    await harness.pairs(another)


async def test_a_connection_that_was_wrong_five_times_is_closed(harness: HubHarness) -> None:
    pc = ReferenceBridge(harness, None)
    await pc.dials()
    await guesses(harness, pc, 6)
    assert not pc.is_linked


async def test_a_restart_gives_no_new_tries(harness: HubHarness) -> None:
    pc = ReferenceBridge(harness, None)
    await pc.dials()
    await guesses(harness, pc, 3)
    await harness.restart()
    pc.wire = None
    refused = await guesses(harness, pc, 2)
    assert [each["tries_left"] for each in refused] == [1, 0]


async def test_strangers_cannot_keep_a_right_code_out(harness: HubHarness) -> None:
    """605 wrong codes from 121 networks, as an attacker with a /32 of IPv6 has them."""
    codes = codes_of(harness)
    for site in range(121):
        for number in range(5):
            address = rate_limit_address(f"2001:db8:{site:x}:{number:x}::1")
            with pytest.raises(CodeRefusedError):
                await codes.redeem(Hidden(WRONG), address, harness.now)
    code = await harness.hub.issue_pairing_code(CHAT, CHAT, "Anna", harness.now)
    pc = ReferenceBridge(harness, None, "192.0.2.99")
    await pc.dials()
    await pc.types(code.code.reveal())
    assert pc.heard_of("pair_offer")


@pytest.mark.parametrize(("step", "limit"), [(1, SITE_LIMIT), (256, ORGANISATION_LIMIT)])
async def test_a_large_network_has_a_limit_of_its_own(
    harness: HubHarness, step: int, limit: RateLimit
) -> None:
    """Five from each /64, in one /56 and in one /48, until the network is used up."""
    codes = codes_of(harness)
    for number in range(limit.max_uses):
        address = f"2001:db8:1:{number * step:x}::/64"
        with pytest.raises(CodeRefusedError) as refused:
            await codes.redeem(Hidden(WRONG), address, harness.now)
    assert (refused.value.tries_left, refused.value.retry_at) == (0, harness.now + PAUSE)
    with pytest.raises(CodeRefusedError) as refused:
        await codes.redeem(Hidden(WRONG), f"2001:db8:1:{255 * step:x}::/64", harness.now)
    assert refused.value.retry_at == harness.now + PAUSE, "a /64 that was never wrong"
    with pytest.raises(CodeRefusedError) as refused:
        await codes.redeem(Hidden(WRONG), "2001:db8:2:1::/64", harness.now)
    assert refused.value.tries_left == ADDRESS_LIMIT.max_uses - 1, "the next /48 is another"


async def test_the_chat_of_a_right_code_is_told_that_its_pc_has_to_wait(
    harness: HubHarness,
) -> None:
    pc = ReferenceBridge(harness, None)
    await pc.dials()
    await guesses(harness, pc, 5)
    code = (await harness.hub.issue_pairing_code(CHAT, CHAT, "Anna", harness.now)).code.reveal()
    another = ReferenceBridge(harness, None, pc.address)
    await another.dials()
    await another.types(code)
    assert another.heard_of("pair_refused")[0]["reason"] == "too_many_tries"
    assert harness.events_of(PairingDelayed) == [PairingDelayed(CHAT, harness.now + PAUSE)]
    elsewhere = ReferenceBridge(harness, None, "192.0.2.99")
    await elsewhere.dials()
    await elsewhere.types(code)
    assert elsewhere.heard_of("pair_offer"), "the code is not spent"


async def test_while_many_wrong_codes_come_in_new_ones_are_longer_and_staff_know(
    harness: HubHarness,
) -> None:
    codes = codes_of(harness)
    for number in range(MANY_WRONG_CODES):
        length = len((await codes.issue(CHAT, CHAT, "", harness.now)).code.reveal())
        assert length == PAIRING_CODE_LENGTH, number
        with pytest.raises(CodeRefusedError):
            await codes.redeem(Hidden(WRONG), f"10.0.{number // 200}.{number % 200}", harness.now)
    code = (await codes.issue(CHAT, CHAT, "Anna", harness.now)).code
    assert len(code.reveal()) == LONG_PAIRING_CODE_LENGTH
    assert normalise_code(f"{code.reveal()[:5]} {code.reveal()[5:]}".lower()) == code.reveal()
    assert (await codes.redeem(code, "192.0.2.1", harness.now)).chat_id == CHAT
    with pytest.raises(CodeRefusedError):
        await codes.redeem(Hidden(WRONG), "192.0.2.2", harness.now)
    async with harness.authority_world.database.unit_of_work() as session:
        query = select(OutboxMessage).where(
            OutboxMessage.message == StaffAlert.PAIRING_CODES_GUESSED
        )
        assert len((await session.scalars(query)).all()) == 1, "one alert, not one a code"
    later = harness.now + PAUSE + timedelta(seconds=1)
    assert len((await codes.issue(CHAT, CHAT, "", later)).code.reveal()) == PAIRING_CODE_LENGTH


async def test_right_codes_cost_nothing(harness: HubHarness) -> None:
    for chat in range(3000, 3020):
        await harness.paired_pc(None, chat)


async def test_a_right_code_does_not_forgive_wrong_ones(harness: HubHarness) -> None:
    pc = ReferenceBridge(harness, None)
    await pc.dials()
    await guesses(harness, pc, 4)
    await harness.pairs(pc)
    another = ReferenceBridge(harness, None, pc.address)
    assert (await guesses(harness, another, 1))[0]["tries_left"] == 0


async def test_a_code_is_good_once(harness: HubHarness) -> None:
    code = (await harness.hub.issue_pairing_code(CHAT, CHAT, "Anna", harness.now)).code.reveal()
    first, second = ReferenceBridge(harness, None), ReferenceBridge(harness, None, "192.0.2.8")
    await first.dials()
    await second.dials()
    await first.types(code)
    await second.types(code)
    assert first.heard_of("pair_offer")
    assert second.heard_of("pair_refused")[0]["reason"] == "wrong_code"


async def test_a_code_is_good_for_five_minutes(harness: HubHarness) -> None:
    offered = await harness.hub.issue_pairing_code(CHAT, CHAT, "Anna", harness.now)
    assert offered.expires_at == harness.now + timedelta(minutes=5) == harness.now + LIFETIME
    harness.now += LIFETIME
    pc = ReferenceBridge(harness, None)
    await pc.dials()
    await pc.types(offered.code.reveal())
    refused = pc.heard_of("pair_refused")[0]
    assert (refused["reason"], refused["tries_left"]) == ("expired", 5)
    assert "wait_seconds" not in refused


async def test_only_the_newest_code_of_a_chat_counts(harness: HubHarness) -> None:
    old = await harness.hub.issue_pairing_code(CHAT, CHAT, "Anna", harness.now)
    new = await harness.hub.issue_pairing_code(CHAT, CHAT, "Anna", harness.now)
    pc = ReferenceBridge(harness, None)
    await pc.dials()
    await pc.types(old.code.reveal())
    assert pc.heard_of("pair_refused")
    await pc.types(new.code.reveal())
    assert pc.heard_of("pair_offer")


async def test_neither_code_nor_name_is_readable_in_the_database(harness: HubHarness) -> None:
    offered = await harness.hub.issue_pairing_code(CHAT, CHAT, "Anna Nguyễn", harness.now)
    async with harness.authority_world.database.unit_of_work() as session:
        row = (await session.scalars(select(PairingCodeRow))).one()
    stored = row.code_hash + row.name
    assert offered.code.reveal().encode() not in stored
    assert b"Anna" not in stored
    assert offered.code.reveal() not in repr(offered)


async def test_codes_are_spread_over_the_whole_alphabet(harness: HubHarness) -> None:
    codes = codes_of(harness)
    drawn = [(await codes.issue(chat, chat, "", harness.now)).code.reveal() for chat in range(60)]
    assert all(len(code) == PAIRING_CODE_LENGTH for code in drawn)
    assert len(set(drawn)) == 60
    letters = Counter("".join(drawn))
    assert set(letters) <= set(PAIRING_CODE_ALPHABET)
    assert len(letters) > 25


async def test_what_is_over_is_struck_out(harness: HubHarness) -> None:
    await harness.hub.issue_pairing_code(CHAT, CHAT, "Anna", harness.now)
    async with harness.authority_world.database.unit_of_work() as session:
        await harness.hub.delete_old(session, harness.now + timedelta(minutes=11))
        assert (await session.scalars(select(PairingCodeRow))).all() == []


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("nonsense", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_household_counts_as_one_address(text: str, counted: str) -> None:
    assert rate_limit_address(text) == counted
