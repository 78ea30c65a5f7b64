"""Takes a person along a planned path to a step of the online conversations."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import count

from sqlalchemy import update

from services.authority.data_types import AuthorityOperation
from services.authority.embedded.authority_limits import (
    CHAT_GUESSES,
    CHAT_MAILS,
    CHAT_MAILS_PER_DAY,
)
from services.authority.embedded.models import CertificateSet
from services.authority.errors import CodeLockedError, VerificationRequiredError, WrongCodeError
from services.rate_limit import consume, reset
from tests.bot_harness import ChatUser
from tests.handlers.clock import current_time
from tests.handlers.conversations.online.cardholders import (
    Cardholder,
    Office,
    read_one_time_code,
    wrong_code,
)
from tests.handlers.conversations.online.path_planning import (
    EdgeFinder,
    PathEdge,
    Persona,
    StepId,
    find_edges,
    input_at,
)
from tests.handlers.engine.interruptions import StepVisit
from tests.handlers.engine.navigation import (
    Conversations,
    StepLocation,
    declared_conversations,
    expect_step,
    press,
    state,
)

ADDRESS = "100臺北市中正區廣州街15號"
SEEDS = count(1000)


@dataclass
class Walker:
    """Takes a person along a path; their record is created when it is needed first."""

    office: Office
    anna: ChatUser
    persona: Persona
    history: tuple[StepId, ...] = ()
    _cardholder: Cardholder | None = field(default=None)

    async def cardholder(self) -> Cardholder:
        """Return whose card it is about, created on first use."""
        if self._cardholder is None:
            self._cardholder = await create_cardholder(self.office, self.persona)
            chat = self.anna.person.id
            if self.persona.chat_state == "linked":
                await self._cardholder.links(chat, current_time(self.office.harness))
            elif self.persona.chat_state in LIMITS_OF:
                await LIMITS_OF[self.persona.chat_state](self._cardholder, chat)
        return self._cardholder

    async def walk(self, path: list[PathEdge]) -> None:
        """Take a path, and expect each edge to lead to its target."""
        for edge in path:
            before = await self._current_step()
            await self.perform(edge.action)
            at = await state(self.anna)
            assert (at.conversation, at.step) == edge.target, f"{before} by {edge.action}: {at}"
            self._extend_history(before, edge)

    async def perform(self, action: str) -> None:
        """Follow a link, press a button, or type, as an edge says."""
        kind, _, which = action.partition(":")
        if kind == "link":
            await self.anna.starts(f"do-{which}")
        elif kind == "typed":
            await self.anna.says(await self.input_text(which))
        else:
            await press(self.anna, action)

    async def input_text(self, what: str) -> str:
        """Return the text for ``typed:<what>``."""
        holder = await self.cardholder()
        texts: Mapping[str, str] = {
            "number": holder.ui_number_text,
            "code": holder.code_text,
            "birth date": holder.birth_date,
            "number and code": holder.number_and_code,
            "number and birth date": f"{holder.ui_number_text} {holder.birth_date}",
            "address": ADDRESS,
        }
        if what == "card number":
            return await holder.read_card_number()
        if what == "one-time code":
            return await read_one_time_code(self.office.harness, holder)
        return texts[what]

    async def _current_step(self) -> StepId | None:
        kaika = self.anna.harness.kaika
        if not kaika.conversations.may_be_open(self.anna.person.id, self.anna.person.id):
            return None
        at = await state(self.anna)
        return at.conversation, at.step

    def _extend_history(self, before: StepId | None, edge: PathEdge) -> None:
        """Track the steps that Back leads to."""
        if edge.clears_history or before is None:
            self.history = ()
        else:
            history = (*self.history, before)
            self.history = (
                history[: history.index(edge.target)] if edge.target in history else history
            )


async def create_cardholder(office: Office, persona: Persona) -> Cardholder:
    """Create a cardholder as a persona describes."""
    seed, begins_as = next(SEEDS), {"overdue": "submitted", "expired": "active"}
    if persona.card_state == "overdue":
        holder = office.new_person(seed)
        await holder.applies(current_time(office.harness) - timedelta(days=20))
    else:
        holder = await office.cardholder(
            begins_as.get(persona.card_state, persona.card_state), seed
        )
    if persona.card_state == "expired":
        await expire_certificates(holder)
    chats = (seed, seed, seed, -seed)  # one chat may be wrong three times a day
    if persona.is_locked:
        for chat in set(chats):
            await holder.links(chat, current_time(office.harness))
    if persona.is_locked or persona.is_guarded:
        for chat in chats:
            await enter_wrong_code(holder, chat)
    return holder


async def expire_certificates(holder: Cardholder) -> None:
    """Set the certificates to expired."""
    application = await holder.load_application()
    expire = update(CertificateSet).where(CertificateSet.application_id == application.id)
    async with holder.office.database.unit_of_work() as session:
        await session.execute(expire.values(state="expired"))


async def exhaust_code_guesses(holder: Cardholder, chat: int) -> None:
    """Use up the wrong codes that a chat may have a day."""
    for _ in range(3):
        await enter_wrong_code(holder, chat)


async def exhaust_guesses(holder: Cardholder, chat: int) -> None:
    """Use up the wrong entries of every kind that a chat may have a day."""
    now, subject = (
        current_time(holder.office.harness),
        holder.office.authority.records.hash_chat(chat),
    )
    for hours in range(CHAT_GUESSES.max_uses, 0, -1):
        async with holder.office.database.unit_of_work() as session:
            await consume(session, CHAT_GUESSES, subject, now - timedelta(hours=hours))


async def exhaust_mails(holder: Cardholder, chat: int) -> None:
    """Use up the mails that a chat may have an hour."""
    now = current_time(holder.office.harness)
    strangers = [holder.office.new_person(next(SEEDS)).ui_number for _ in range(2)]
    online, born = holder.office.authority, holder.data.birth_date
    for number in strangers * 3:
        async with holder.office.database.unit_of_work() as session:
            ask = online.credentials.request_one_time_code
            await ask(session, number, born, AuthorityOperation.RETRIEVE, chat, now)


async def forget_mails(office: Office, chat: int) -> None:
    """Reset the limits on the mails of a chat that visits many steps."""
    async with office.database.unit_of_work() as session:
        for limit in (CHAT_MAILS, CHAT_MAILS_PER_DAY):
            await reset(session, limit, office.authority.records.hash_chat(chat))


LIMITS_OF: Mapping[str, Callable[[Cardholder, int], Awaitable[None]]] = {
    "paused": exhaust_code_guesses, "stopped": exhaust_guesses, "unmailed": exhaust_mails,
}  # fmt: skip
"""What has happened in a chat in each state."""


async def enter_wrong_code(holder: Cardholder, chat: int) -> None:
    """Check a wrong code on behalf of a chat."""
    now = current_time(holder.office.harness)
    try:
        await holder.checks(wrong_code(holder), chat=chat, now=now)
    except (WrongCodeError, VerificationRequiredError, CodeLockedError):
        return
    raise AssertionError("a wrong code was right")


_ASKED_FOR: Mapping[str, tuple[int, ...]] = {
    "who": (0, 2), "code": (0, 2), "born": (0,), "by_mail": (0,), "verify": (0,), "proof": (1,),
    "card": (1,),
}  # fmt: skip
"""Indexes into `UNEXPECTED_SECRETS` of what a step does ask for."""


async def visit_step(
    walker: Walker, goal: StepId, path: list[PathEdge], edges_from: EdgeFinder = find_edges
) -> StepVisit:
    """Bring a person to a step, and return what an interruption needs to know."""
    await walker.walk(path)
    conversations = declared_conversations(walker.anna.harness)
    location = _locate(conversations, goal)
    await expect_step(walker.anna, location)
    assert tuple((await state(walker.anna)).history) == tuple(
        "/".join(each) for each in walker.history
    )
    visit = StepVisit(walker.anna, location, unexpected_secrets=_unexpected_secrets(location))
    if walker.history:
        before = _locate(conversations, walker.history[-1])
        visit = replace(
            visit, previous=before, return_from_previous=partial(walker.perform, path[-1].action)
        )
    answer = input_at(walker.persona, goal, location.step, edges_from)
    return replace(visit, answer=partial(walker.input_text, answer)) if answer else visit


def _unexpected_secrets(location: StepLocation) -> tuple[str, ...]:
    asked = () if location.step.secret_input is None else _ASKED_FOR.get(location.name, ())
    if location.step_id == ("retrieve", "who"):
        asked = _ASKED_FOR["by_mail"]
    return tuple(text for i, text in enumerate(StepVisit.unexpected_secrets) if i not in asked)


def _locate(conversations: Conversations, step_id: StepId) -> StepLocation:
    conversation, name = step_id
    return StepLocation(conversation, name, conversations[conversation].steps[name])
