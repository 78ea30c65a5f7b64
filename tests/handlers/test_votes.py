"""Helpful or not: one vote a person an answer, changeable."""

from services.faq import votes
from tests.chat import Stage


async def _tally(stage: Stage) -> dict[str, tuple[int, int]]:
    async with stage.kaika.database.unit_of_work() as session:
        return await votes.count_by_entry(session)


async def test_a_vote_counts_once_and_can_be_changed(stage: Stage) -> None:
    anna, binh = stage.subscriber("Anna"), stage.subscriber("Bình", "vi")
    for person in (anna, binh):
        await person.says("how much does the card cost")
        await person.presses("👍")
    assert await _tally(stage) == {"fee": (2, 0)}
    assert any(label.startswith("✓ 👍") for label in anna.labels)

    await anna.presses("👍")
    assert anna.toast == "Your vote is counted already."
    assert await _tally(stage) == {"fee": (2, 0)}

    await anna.presses("👎")
    assert await _tally(stage) == {"fee": (1, 1)}
    assert any(label.startswith("✓ 👎") for label in anna.labels)


async def test_forged_votes_change_nothing(stage: Stage) -> None:
    anna = stage.subscriber()
    await anna.says("how much does the card cost")
    message_id = anna.last["message_id"]
    for data in ("v1:vote:no-such.en.1", "v1:vote:fee.xx.1", "v1:vote:fee.en.2", "v1:vote:fee"):
        await anna.forges(message_id, data)
        assert "too old" in (anna.toast or "")
    assert await _tally(stage) == {}
