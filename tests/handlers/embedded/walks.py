"""The way to every step of what is carried out, found from the declarations.

What is declared says where a step may lead; the tables here say which of it comes true for whom,
and what they type. `plan` finds the shortest way, a `Cast` walks it.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import count

from sqlalchemy import update

from handlers.dialog.declaration import Choice, Step, place
from services.authority.embedded.models import CertificateSet
from services.authority.errors import CodeLockedError, WrongCodeError
from services.authority.results import Operation
from tests.chat import Subscriber
from tests.handlers.dialog.interruptions import Visit
from tests.handlers.dialog.walking import Declared, Spot, declared, expect, press, state
from tests.handlers.embedded.people import Holder, Office, clock, one_time_code, wrong_code

Here = tuple[str, str]
"""A conversation and its step."""
ADDRESS = "100臺北市中正區廣州街15號"
WITH_A_CARD = ("issued", "posted", "active", "suspended", "revoked", "expired")
SEEDS = count(1000)


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
    for choice in step.choices:
        yield from _tapped(role, here, choice)
    if step.secret is not None:
        yield from _typed(role, here, place(step.secret.to, here[0]))


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


def _tapped(role: Role, here: Here, choice: Choice) -> Iterator[Way]:
    dialog, key = here[0], choice.key
    to = place(choice.to, dialog)
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
    begins = [(name, known[name].begins) for name in dict.fromkeys([own, *known])]
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
        if found is not None and (step.secret is None or _answer(role, goal, step, map_)):
            return role, found
    assert not step.needs, f"nobody comes to {goal[0]}/{goal[1]}"
    return ROLES[0], [Way("link:" + "-".join(goal), goal, is_one_way=True)]


@dataclass
class Cast:
    """Somebody who walks, with what they know; who they are is decided when it is needed."""

    office: Office
    anna: Subscriber
    role: Role
    trail: tuple[Here, ...] = ()
    _holder: Holder | None = field(default=None)

    async def holder(self) -> Holder:
        """Give whose card it is about."""
        if self._holder is None:
            self._holder = await made(self.office, self.role)
            chat = self.anna.person.id
            if self.role.chat == "linked":
                await self._holder.links(chat, clock(self.office.stage))
            elif self.role.chat == "paused":
                await pause(self._holder, chat)
        return self._holder

    async def walks(self, path: list[Way]) -> None:
        """Walk, and find each step where it should be."""
        for way in path:
            before = await self._where()
            await self.does(way.does)
            at = await state(self.anna)
            assert (at.dialog, at.step) == way.to, f"{before} by {way.does}: {at}"
            self._leaves(before, way)

    async def does(self, what: str) -> None:
        """Follow a link, tap, or type."""
        kind, _, which = what.partition(":")
        if kind == "link":
            await self.anna.starts(f"do-{which}")
        elif kind == "typed":
            await self.anna.says(await self.text(which))
        else:
            await press(self.anna, what)

    async def text(self, what: str) -> str:
        """Give what somebody types."""
        holder = await self.holder()
        texts: Mapping[str, str] = {
            "number": holder.number,
            "code": holder.secret,
            "birth date": holder.born,
            "number and code": holder.both,
            "number and birth date": f"{holder.number} {holder.born}",
            "address": ADDRESS,
        }
        if what == "card number":
            return await holder.card_number()
        if what == "one-time code":
            return await one_time_code(self.office.stage, holder)
        return texts[what]

    async def _where(self) -> Here | None:
        kaika = self.anna.stage.kaika
        if not kaika.dialogs.may_be_open(self.anna.person.id, self.anna.person.id):
            return None
        at = await state(self.anna)
        return at.dialog, at.step

    def _leaves(self, before: Here | None, way: Way) -> None:
        """Note how far Back leads."""
        if way.is_one_way or before is None:
            self.trail = ()
        else:
            trail = (*self.trail, before)
            self.trail = trail[: trail.index(way.to)] if way.to in trail else trail


async def made(office: Office, role: Role) -> Holder:
    """Give a person whose life has come so far."""
    seed, lives = next(SEEDS), {"overdue": "submitted", "expired": "active"}
    if role.life == "overdue":
        holder = office.holder(seed)
        await holder.applies(clock(office.stage) - timedelta(days=20))
    else:
        holder = await office.someone(lives.get(role.life, role.life), seed)
    if role.life == "expired":
        await expires(holder)
    if role.is_locked:
        for chat in (seed, seed, seed, -seed):  # one chat may be wrong three times a day
            await mistypes(holder, chat)
    return holder


async def expires(holder: Holder) -> None:
    """Let the certificates have become too old."""
    application = await holder.application()
    over = update(CertificateSet).where(CertificateSet.application_id == application.id)
    async with holder.office.database.unit_of_work() as session:
        await session.execute(over.values(state="expired"))


async def pause(holder: Holder, chat: int) -> None:
    """Let a chat have been wrong too often, and have had too many mails sent."""
    now = clock(holder.office.stage)
    stranger = holder.office.holder(next(SEEDS))
    for _ in range(3):
        await mistypes(holder, chat)
    online, born = holder.office.authority, holder.data.birth_date
    for number in [holder.ui_number] * 3 + [stranger.ui_number] * 3:
        async with holder.office.database.unit_of_work() as session:
            ask = online.ask_one_time_code
            await ask(session, number, born, Operation.RETRIEVE, chat, now)


async def mistypes(holder: Holder, chat: int) -> None:
    """Type a wrong code somewhere."""
    now = clock(holder.office.stage)
    try:
        await holder.checks(wrong_code(holder), chat=chat, now=now)
    except (WrongCodeError, CodeLockedError):
        return
    raise AssertionError("a wrong code was right")


_ASKS: Mapping[str, tuple[int, ...]] = {
    "who": (0, 2), "code": (0, 2), "born": (0,), "locked_out": (0,), "proof": (1,), "card": (1,),
}  # fmt: skip
"""Which of the misplaced secrets a step does ask for, or may."""


async def visits(cast: Cast, goal: Here, path: list[Way], map_: Map = ways) -> Visit:
    """Bring somebody to a step, with all that may come between."""
    await cast.walks(path)
    known = declared(cast.anna.stage)
    spot = _spot(known, goal)
    await expect(cast.anna, spot)
    assert tuple((await state(cast.anna)).trail) == tuple("/".join(each) for each in cast.trail)
    visit = Visit(cast.anna, spot, misplaced=_misplaced(spot))
    if cast.trail:
        before = _spot(known, cast.trail[-1])
        visit = replace(visit, before=before, again=partial(cast.does, path[-1].does))
    answer = _answer(cast.role, goal, spot.step, map_)
    return replace(visit, answer=partial(cast.text, answer)) if answer else visit


def _answer(role: Role, here: Here, step: Step, map_: Map) -> str | None:
    """Give what is typed at a step by who goes on."""
    typed = [w.does for w in map_(role, here, step) if w.does.startswith("typed:")]
    return typed[-1].partition(":")[2] if typed else None


def _misplaced(spot: Spot) -> tuple[str, ...]:
    asked = () if spot.step.secret is None else _ASKS.get(spot.name, ())
    if spot.here == ("retrieve", "who"):
        asked = _ASKS["locked_out"]
    return tuple(text for i, text in enumerate(Visit.misplaced) if i not in asked)


def _spot(known: Declared, here: Here) -> Spot:
    dialog, name = here
    return Spot(dialog, name, known[dialog].steps[name])
