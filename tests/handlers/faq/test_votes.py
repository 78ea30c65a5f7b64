"""Helpful or not: one vote a person an answer, changeable."""

from services.faq import votes
from tests.bot_harness import BotHarness


async def _tally(harness: BotHarness) -> dict[str, tuple[int, int]]:
    async with harness.kaika.database.unit_of_work() as session:
        return await votes.count_by_entry(session)


async def test_a_vote_counts_once_and_can_be_changed(harness: BotHarness) -> None:
    anna, binh = harness.add_user("Anna"), harness.add_user("Bình", "vi")
    for person in (anna, binh):
        await person.says("how much does the card cost")
        await person.presses("👍")
    assert await _tally(harness) == {"fee": (2, 0)}
    assert any(label.startswith("✓ 👍") for label in anna.labels)

    await anna.presses("👍")
    assert anna.toast == "You've already rated this answer."
    assert await _tally(harness) == {"fee": (2, 0)}

    await anna.presses("👎")
    assert await _tally(harness) == {"fee": (1, 1)}
    assert any(label.startswith("✓ 👎") for label in anna.labels)


async def test_forged_votes_change_nothing(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.says("how much does the card cost")
    message_id = anna.last["message_id"]
    for data in ("v1:vote:no-such.en.1", "v1:vote:fee.xx.1", "v1:vote:fee.en.2", "v1:vote:fee"):
        await anna.forges(message_id, data)
        assert "no longer works" in (anna.toast or "")
    assert await _tally(harness) == {}
