"""The people of the sandbox: one in every state.

Their codes are public; a database that contains them is marked (`FACT_NAME`), so that a bot on the
real Telegram can refuse it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from services import rate_limit
from services.authority.data_types import AuthorityOperation, CardPermit, Charge, Checkout
from services.authority.embedded.audit import Actor
from services.authority.embedded.authority import EmbeddedAuthority
from services.authority.embedded.authority_limits import OWN_CODE_GUESSES
from services.authority.embedded.counter import Counter
from services.authority.embedded.personal_data.records import PersonalData, find_latest_application
from services.authority.interface.cards import CardMaker, CardOrder
from services.authority.lifecycle import CertificateAct, RevocationReason
from services.formats.hidden import Hidden
from services.formats.subscriber_code import SubscriberCode
from services.formats.ui_number import UiNumber
from services.storage.models import DatabaseFact

FACT_NAME = "demo_people"
PASSPHRASE = Hidden("demo")
"""Protects the demo people's card files; it stands here, so it protects from nothing."""
PIN = "demo2345"
"""On the cards that are activated."""
_ACTOR = Actor.at_counter("demo")
_DAY = timedelta(days=1)
_COMPLETE = "filled"


@dataclass(frozen=True)
class DemoPerson:
    """One person of the sandbox.

    :ivar story: what happens to them after they applied, in order; see `_Story`.
    :ivar days_ago: when they applied.
    """

    name: str
    ui_number: str
    code: str
    born: date
    days_ago: int
    story: tuple[str, ...]
    now: str
    """Where that has brought them, in a word or two."""

    @property
    def is_activated(self) -> bool:
        """Whether their card has a PIN."""
        return "activate" in self.story

    @property
    def mail_address(self) -> str:
        """Their mailbox, which exists in the sandbox's mail tab only."""
        return f"{self.name.split()[0].lower()}@mail.example"

    def to_personal_data(self) -> PersonalData:
        """Return the data of their form."""
        return PersonalData(
            ui_number=UiNumber.parse(self.ui_number),
            name=self.name,
            birth_date=self.born,
            mail_address=self.mail_address,
            postal_address=f"臺北市中正區廣州街{self.born.day}號",
        )


_ACTIVE = ("pay", "issue", "post", "activate")
_PEOPLE = (
    ("Nguyen Thi Hoa", "A900207177", "ngA2h345", date(1993, 4, 12), 1, (), "unpaid"),
    ("Budi Santoso", "A803095426", "buB2d345", date(1988, 8, 3), 14, (), "unpaid, nearly due"),
    ("Carlos Reyes", "A800000014", "caC2r345", date(1990, 1, 30), 20, (), "overdue, erased"),
    ("Maria Cruz", "A870000015", "maD2r345", date(1995, 12, 1), 3, _ACTIVE[:1], "paid"),
    ("Siti Aminah", "A880000018", "siE2t345", date(1991, 7, 19), 8, _ACTIVE[:2], "card made"),
    ("John Smith", "B801300667", "jnF2h345", date(1979, 3, 5), 12, _ACTIVE[:3], "card posted"),
    ("Tanaka Yui", "AB23456789", "taG2n345", date(1997, 10, 22), 90, _ACTIVE, "active"),
    (
        "Ana Silva",
        "BD01300667",
        "anH2a345",
        date(1985, 2, 14),
        120,
        (*_ACTIVE, "suspend"),
        "suspended",
    ),
    (
        "Somchai Dee",
        "AC03095424",
        "smJ2c345",
        date(1982, 6, 9),
        200,
        (*_ACTIVE, "lock"),
        "active, code locked",
    ),
    (
        "Emma Brown",
        "AA00000009",
        "emK2m345",
        date(1987, 11, 11),
        300,
        (*_ACTIVE, "revoke"),
        "revoked",
    ),
    ("Kim Minji", "A890000011", "kiL2m345", date(1994, 9, 27), 1900, _ACTIVE, "expired"),
)
DEMO_PEOPLE = tuple(DemoPerson(*life) for life in _PEOPLE)
"""The third has not paid in time and is erased; the certificates of the last are at their end."""


async def create_demo_people(
    authority: EmbeddedAuthority, maker: CardMaker, folder: Path, now: datetime
) -> Sequence[DemoPerson]:
    """Create every demo person and bring them into their state; done once for a database.

    :raises NoIssuerError: where there is no certificate authority; nothing is begun then.
    """
    _ = authority.card_issuer.certificate_issuer  # refuses now rather than in the middle of a life
    async with authority.database.unit_of_work() as session:
        mark = await session.get(DatabaseFact, FACT_NAME)
        if mark is not None and mark.value == _COMPLETE:
            return DEMO_PEOPLE
        await session.merge(DatabaseFact(name=FACT_NAME, value="begun"))
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    for number, person in enumerate(DEMO_PEOPLE):
        await _Story(authority, maker, folder, person, number).play(now)
    await authority.expire_overdue(now)
    async with authority.database.unit_of_work() as session:
        await session.merge(DatabaseFact(name=FACT_NAME, value=_COMPLETE))
    return DEMO_PEOPLE


class _PinnedCardMaker:
    """Makes cards that have a PIN from the start."""

    def __init__(self, maker: CardMaker) -> None:
        self._maker = maker

    def make(self, order: CardOrder, path: Path) -> None:
        """Make the card with the PIN of the demo."""
        self._maker.make(replace(order, pin=Hidden(PIN)), path)


class _Story:
    """Plays the story of one person."""

    def __init__(
        self,
        authority: EmbeddedAuthority,
        maker: CardMaker,
        folder: Path,
        person: DemoPerson,
        number: int,
    ) -> None:
        self._authority = authority
        self._counter = Counter(authority, _ACTOR)
        self._maker = _PinnedCardMaker(maker) if person.is_activated else maker
        self._card_file = folder / f"{person.name.split()[0].lower()}.card"
        self._person = person
        self._ui_number = UiNumber.parse(person.ui_number)
        self._chat = -1 - number

    async def play(self, now: datetime) -> None:
        at = now - self._person.days_ago * _DAY
        code = SubscriberCode(self._person.code)
        applied = await self._counter.apply(self._person.to_personal_data(), at, code)
        if not applied.changed:
            return
        for act in self._person.story:
            at = min(at + _DAY, now)
            await getattr(self, f"_{act}")(applied.application, at)

    async def _pay(self, application: str, at: datetime) -> None:
        """Pay as the chat would, with a charge that says that it is none."""
        authority = self._authority
        grant = await self._open_grant(AuthorityOperation.PAY, at)
        async with authority.database.unit_of_work() as session:
            invoice = await authority.payments.open_invoice(
                session, grant, self._chat, self._chat, at
            )
            checkout = Checkout(invoice.payload, self._chat, invoice.amount, invoice.currency)
            await session.flush()
            charge = Charge(f"demo-{application}", "demo", checkout)
            await authority.payments.record_charge(session, charge, at)

    async def _issue(self, application: str, at: datetime) -> None:
        issue = self._authority.card_issuer.issue
        await issue(self._ui_number, self._card_file, self._maker, PASSPHRASE, _ACTOR, at)

    async def _post(self, application: str, at: datetime) -> None:
        await self._counter.post(self._ui_number, at)

    async def _activate(self, application: str, at: datetime) -> None:
        shown = await self._counter.show(self._ui_number, at)
        assert shown.card_serial is not None
        permit = CardPermit(application, shown.card_serial, AuthorityOperation.ACTIVATE)
        async with self._authority.database.unit_of_work() as session:
            await self._authority.cards.activate(session, permit, self._chat, at)

    async def _suspend(self, application: str, at: datetime) -> None:
        async with self._authority.database.unit_of_work() as session:
            subscriber = await self._authority.records.require(session, self._ui_number)
            found = await find_latest_application(session, subscriber)
            assert found is not None
            act = CertificateAct.SUSPEND
            await self._authority.certificates.change_state(session, found, act, _ACTOR, at)

    async def _lock(self, application: str, at: datetime) -> None:
        """Use the attempts of their own chats up, as people do who mix up two forms."""
        subject = self._authority.records.hash_ui_number(self._ui_number)
        async with self._authority.database.unit_of_work() as session:
            for _ in range(OWN_CODE_GUESSES.max_uses):
                await rate_limit.consume(session, OWN_CODE_GUESSES, subject, at)

    async def _revoke(self, application: str, at: datetime) -> None:
        await self._counter.revoke(self._ui_number, RevocationReason.UI_NUMBER_CHANGED, at)

    async def _open_grant(self, operation: AuthorityOperation, at: datetime) -> str:
        code = SubscriberCode(self._person.code)
        check = self._authority.credentials.check_code
        return (await check(self._ui_number, code, operation, self._chat, at)).id
