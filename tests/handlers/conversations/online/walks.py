"""Whoever walks to a step of what is carried out, on the way that `ways` plans for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import count

from sqlalchemy import update

from services.authority.embedded.models import CertificateSet
from services.authority.errors import CodeLockedError, WrongCodeError
from services.authority.values import AuthorityOperation
from tests.chat import Subscriber
from tests.handlers.conversations.online.people import (
    Holder,
    Office,
    clock,
    one_time_code,
    wrong_code,
)
from tests.handlers.conversations.online.ways import Here, Map, Role, Way, answer_at, ways
from tests.handlers.engine.interruptions import Visit
from tests.handlers.engine.walking import Declared, Spot, declared, expect, press, state

ADDRESS = "100臺北市中正區廣州街15號"
SEEDS = count(1000)


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
            assert (at.conversation, at.step) == way.to, f"{before} by {way.does}: {at}"
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
        if not kaika.conversations.may_be_open(self.anna.person.id, self.anna.person.id):
            return None
        at = await state(self.anna)
        return at.conversation, at.step

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
            ask = online.credentials.request_one_time_code
            await ask(session, number, born, AuthorityOperation.RETRIEVE, chat, now)


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
    assert tuple((await state(cast.anna)).history) == tuple("/".join(each) for each in cast.trail)
    visit = Visit(cast.anna, spot, misplaced=_misplaced(spot))
    if cast.trail:
        before = _spot(known, cast.trail[-1])
        visit = replace(visit, before=before, again=partial(cast.does, path[-1].does))
    answer = answer_at(cast.role, goal, spot.step, map_)
    return replace(visit, answer=partial(cast.text, answer)) if answer else visit


def _misplaced(spot: Spot) -> tuple[str, ...]:
    asked = () if spot.step.secret_input is None else _ASKS.get(spot.name, ())
    if spot.here == ("retrieve", "who"):
        asked = _ASKS["locked_out"]
    return tuple(text for i, text in enumerate(Visit.misplaced) if i not in asked)


def _spot(known: Declared, here: Here) -> Spot:
    dialog, name = here
    return Spot(dialog, name, known[dialog].steps[name])
