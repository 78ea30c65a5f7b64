"""The crossing of operations, moments and what can come between: the whole of it, and a sample.

A message that does not belong is sent at every moment of one run, which has to be done as if there
were none. Everything else comes at one moment of a run.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from services.bridge.operations.card_task import CardTask
from tests.reader_bridge.end_to_end.interleaving import Effect, InterleavedWalk
from tests.reader_bridge.end_to_end.interventions import INTERVENTIONS, Intervention

Names = Mapping[CardTask, Sequence[str]]
_READING = ("a4", "cb")
EVERYWHERE = [each for each in INTERVENTIONS if each.is_message and each.effect is Effect.NONE]
ONCE = [each for each in INTERVENTIONS if each not in EVERYWHERE]


@dataclass(frozen=True)
class CrossingCase:
    """One run of an operation, with something that comes between.

    :ivar moments: the names of the moments at which it comes.
    """

    task: CardTask
    intervention: Intervention
    moments: tuple[str, ...]

    async def run(self, walk: InterleavedWalk) -> None:
        """Run it, and check what came of it."""
        act = partial(self.intervention.act, walk)
        await walk.run(self.task, {(name, 1): act for name in self.moments})
        walk.check(self.intervention.effect)

    def __str__(self) -> str:
        where = self.moments[0] if len(self.moments) == 1 else "every moment"
        return f"{self.intervention.name} at {where} of {self.task}"


async def find_moments(walk: InterleavedWalk) -> Names:
    """Return the names of the moments of every operation, each once and in order."""
    found = {}
    for task in CardTask:
        await CrossingCase(task, _NOTHING, ("question leave",)).run(walk)
        found[task] = tuple(dict.fromkeys(walk.moments.reached))
    return found


async def _do_nothing(_: InterleavedWalk) -> None:
    """Do nothing."""


_NOTHING = Intervention("nothing", _do_nothing, Effect.NONE)


def cross_everything(names: Names, tasks: Iterable[CardTask] = CardTask) -> Iterator[CrossingCase]:
    """Return every case."""
    for task in tasks:
        for intervention in EVERYWHERE:
            yield CrossingCase(task, intervention, tuple(names[task]))
        for intervention in ONCE:
            for name in names[task]:
                yield CrossingCase(task, intervention, (name,))


def draw_sample(names: Names, seed: int) -> list[CrossingCase]:
    """Return cases in which each thing that can come between does so.

    A message that does not belong comes at every moment of one operation; everything else comes
    once at two kinds of moments, and the operations take turns.
    """
    draw = random.Random(seed)  # noqa: S311 - a test
    cases = [
        CrossingCase(task, each, tuple(names[task]))
        for each in EVERYWHERE
        for task in [draw.choice((CardTask.CHANGE_PIN, CardTask.UNLOCK))]
    ]
    everything = [
        CrossingCase(task, each, (name,)) for each in ONCE for task in names for name in names[task]
    ]
    draw.shuffle(everything)
    tasks = dict.fromkeys(names, 0)
    wanted = {(each, kind) for each in ONCE for kind in draw.sample(KINDS, 2)}
    for case in sorted(everything, key=lambda case: kind_of(case.moments[0])):
        pair = (case.intervention, kind_of(case.moments[0]))
        if pair in wanted and tasks[case.task] <= min(tasks.values()) + _LEAD:
            wanted.discard(pair)
            tasks[case.task] += 1
            cases.append(case)
    return cases


_LEAD = 4
"""How many more runs one operation may have than another."""
KINDS = ("message", "question", "reading", "command", "under way")


def kind_of(name: str) -> str:
    """Return the kind of a moment, which several names can have."""
    where, what = name.split(" ", 1)
    if where in ("before", "after"):
        return "message"
    if where == "question":
        return where
    if what in _READING:
        return "reading"
    return "command" if where == "command" else "under way"
