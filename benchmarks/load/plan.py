"""What a run consists of: people, questions, rates, and the flood in its middle."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

FIRST_CHAT = 500_001
FIRST_FLOODER = 900_001


@dataclass(frozen=True)
class LoadPlan:
    """The plan of a run, executed by the stand-in for Telegram.

    :ivar rate: updates a second, those of the flood not counted.
    :ivar faq, codes: shares of questions and of typed codes; the rest is steps of conversations.
    :ivar secrets: UI No. and code of those who have records, as they type them.
    :ivar flood_seconds: how long the flood lasts, up to the middle of the run.
    :ivar flood_texts, flood_queries: long texts and inline queries a second, of all flooders.
    :ivar checkout_seconds: between two pre-checkouts of the others.
    """

    seconds: float
    questions: list[str]
    secrets: list[str]
    people: int = 2000
    rate: float = 200.0
    faq: float = 0.70
    codes: float = 0.03
    flooders: int = 25
    flood_seconds: float = 60.0
    flood_texts: float = 30.0
    flood_queries: float = 180.0
    checkout_seconds: float = 2.0
    seed: int = 1
    conversations: list[str] = field(
        default_factory=lambda: ["retrieve", "pay", "suspend", "resume", "status", "triage"]
    )

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Return a plan that was written by `to_json`."""
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON."""
        return asdict(self)

    @property
    def flood(self) -> tuple[float, float]:
        """When the flood begins and ends, in seconds from the beginning."""
        middle = self.seconds / 2
        return middle - self.flood_seconds, middle
