"""Which ways lead to every step of what is carried out, found from the declarations.

What is declared says where a step may lead; the tables here say which of it comes true for whom,
and what they type. `plan` finds the shortest way.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from handlers.engine.model import ButtonTransition, Step, resolve_target
from tests.handlers.engine.navigation import Declared

Here = tuple[str, str]
"""A conversation and its step."""


WITH_A_CARD = ("issued", "posted", "active", "suspended", "revoked", "expired")


@dataclass(frozen=True)
class Role:
    """Who walks.

    :ivar life: how far their card has come.
    :ivar chat: ``linked`` to them, or ``paused`` after wrong codes; else nobody knows it.
    :ivar is_locked: whether their code is locked.
    """

    life: str
    chat: str = ""
    is_locked: bool = False


ROLES = (
    Role("submitted"),
    Role("posted"),
    Role("suspended"),
    Role("paid"),
    Role("issued"),
    Role("overdue"),
    Role("active"),
    Role("revoked"),
    Role("expired"),
    Role("submitted", "paused"),
    Role("submitted", is_locked=True),
    Role("submitted", "linked"),
    Role("active", "linked"),
    Role("suspended", "linked"),
)
"""Whom it takes to come everywhere; the first who comes to a step is sent there."""


@dataclass(frozen=True)
class Way:
    """What leads on from a step for somebody.

    :ivar does: the key of a button, or what is typed, as ``typed:<what>``.
    :ivar is_one_way: whether there is no Back.
    """

    does: str
    to: Here
    is_one_way: bool = False


Map = Callable[[Role, Here, Step], Iterator[Way]]


_HINDERED = {
    "submitted": "unpaid", "overdue": "unpaid", "paid": "waiting", "issued": "inactive",
    "posted": "inactive", "revoked": "revoked", "expired": "expired",
}  # fmt: skip
"""The ends for a state that does not allow what was asked."""


_NOTHING_TO_DO = {"suspend": {"suspended": "already"}, "resume": {"active": "already"}}


_OWING = {"submitted": "owed", "overdue": "overdue", "paid": "paid"}


_BY_BIRTH = (("retrieve", "who"), ("suspend", "locked_out"))


def ways(role: Role, here: Here, step: Step) -> Iterator[Way]:
    """Give what leads on from a step for somebody."""
    for choice in step.buttons:
        yield from _tapped(role, here, choice)
    if step.secret_input is not None:
        yield from _typed(role, here, resolve_target(step.secret_input.target, here[0]))


def _typed(role: Role, here: Here, to: Here) -> Iterator[Way]:
    dialog, name = here
    if here in _BY_BIRTH:
        yield Way("typed:number", (dialog, "born"))
        yield Way("typed:number and birth date", _mailed(role, dialog))
    elif name == "born":
        yield Way("typed:birth date", _mailed(role, dialog))
    elif name == "who":
        yield Way("typed:number", (dialog, "code"))
        yield Way("typed:number and code", _right(role, dialog, to), is_one_way=True)
    elif name == "code":
        yield Way("typed:code", _right(role, dialog, to), is_one_way=True)
    elif name in ("proof", "card"):
        if role.life in WITH_A_CARD:
            yield Way("typed:card number", to, is_one_way=True)
    elif name == "mailed":
        yield Way("typed:one-time code", to, is_one_way=True)
    else:
        assert name == "address", f"nobody knows what to type at {dialog}/{name}"
        yield Way("typed:address", to)


def _mailed(role: Role, dialog: str) -> Here:
    """Give where UI No. and birth date lead."""
    if dialog == "suspend" and not role.is_locked:
        return dialog, "not_locked"
    return dialog, "paused" if role.chat == "paused" else "mailed"


def _right(role: Role, dialog: str, to: Here) -> Here:
    """Give where the right code leads."""
    if role.chat == "paused" or role.is_locked:
        return dialog, role.chat or "locked"
    if dialog == "pay":
        return dialog, _OWING.get(role.life, "made")
    if dialog == "status":
        return dialog, "done" if role.chat == "linked" else "offer"
    if dialog in _NOTHING_TO_DO:
        return dialog, _HINDERED.get(role.life, _NOTHING_TO_DO[dialog].get(role.life, to[1]))
    return to


def _tapped(role: Role, here: Here, choice: ButtonTransition) -> Iterator[Way]:
    dialog, key = here[0], choice.key
    to = resolve_target(choice.target, dialog)
    if key.startswith("known"):
        return  # for a chat that is linked to several people
    if key in ("suspend", "tell", "resume") and choice.effect is not None:
        if role.life in _HINDERED:
            to = dialog, _HINDERED[role.life]
        elif key != "tell" and role.chat != "linked" and not role.is_locked:
            to = dialog, "offer"
        yield Way(key, to, is_one_way=True)
    elif here == ("retrieve", "ready"):
        is_kept = role.life not in ("active", "suspended", "revoked", "expired")
        yield Way(key, to if is_kept else (dialog, "not_kept"), is_one_way=True)
    else:
        yield Way(key, to, is_one_way=here[1] == "offer")


def plan(known: Declared, role: Role, goal: Here, map_: Map = ways) -> list[Way] | None:
    """Give the shortest way from where conversations begin; `None` where there is none."""
    own, _ = goal
    begins = [(name, known[name].initial) for name in dict.fromkeys([own, *known])]
    found: dict[Here, list[Way]] = {}
    for start in begins:
        queue = deque([start])
        found.setdefault(start, [Way(f"link:{start[0]}", start, is_one_way=True)])
        while queue:
            here = queue.popleft()
            if here == goal:
                return found[here]
            dialog, name = here
            for way in map_(role, here, known[dialog].steps[name]):
                if way.to not in found:
                    found[way.to] = [*found[here], way]
                    queue.append(way.to)
    return None


def planned(known: Declared, goal: Here, map_: Map = ways) -> tuple[Role, list[Way]]:
    """Give who is sent to a step, and how; by a link to it where no other way leads there."""
    step = known[goal[0]].steps[goal[1]]
    for role in ROLES:
        found = plan(known, role, goal, map_)
        if found is not None and (step.secret_input is None or answer_at(role, goal, step, map_)):
            return role, found
    assert not step.requires, f"nobody comes to {goal[0]}/{goal[1]}"
    return ROLES[0], [Way("link:" + "-".join(goal), goal, is_one_way=True)]


def answer_at(role: Role, here: Here, step: Step, map_: Map) -> str | None:
    """Give what is typed at a step by who goes on."""
    typed = [w.does for w in map_(role, here, step) if w.does.startswith("typed:")]
    return typed[-1].partition(":")[2] if typed else None
