"""Answers of a card, to everything that the card layer asks."""

import warnings
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st

from reader_bridge.card import atr, tlv
from reader_bridge.card.certificate import find_card_number, key_role, load_certificate
from reader_bridge.card.channel import CardChannel
from reader_bridge.card.errors import CardError
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.gids import GidsProfile
from reader_bridge.card.profiles.moica import MoicaProfile
from reader_bridge.card.profiles.piv import PivProfile
from reader_bridge.protocol.enums import ProfileName
from reader_bridge.virtual_card.reader import InsertableCard
from tests.fuzz.boundary import Boundary, Feed
from tests.reader_bridge.card.card_issuer import CardTestAuthority
from tests.reader_bridge.card.fake_cards import (
    PIN_INSTRUCTIONS,
    MoicaCard,
    PivCard,
    ScriptedConnection,
)
from tests.reader_bridge.card.test_hostile_cards import (
    ANSWERS,
    ATRS,
    MOST_SENDS_A_VERB,
    use,
)

Answer = tuple[bytes, int]
PROFILES = (GidsProfile, PivProfile, MoicaProfile)


class RecordedCard:
    """A connection to a card in order, with a record of its answers."""

    def __init__(self, card: InsertableCard) -> None:
        card.power_on()
        self._card = card
        self.answers: list[Answer] = []

    def answer(self, apdu: bytes) -> Answer:
        """Pass a command on to the card."""
        whole = self._card.transmit(apdu)
        self.answers.append((whole[:-2], int.from_bytes(whole[-2:], "big")))
        return self.answers[-1]


def play(answers: Sequence[Answer], historical: bytes) -> ScriptedConnection:
    """Return a card with these answers, which it begins again at the end."""
    said = -1

    def answer(_: bytes) -> Answer:
        nonlocal said
        said += 1
        return answers[said % len(answers)]

    return ScriptedConnection(answer, historical)


def encode_answers(historical: bytes, answers: Sequence[Answer]) -> bytes:
    """Return the ATR and the answers with their lengths, as an input."""
    parts = [bytes((min(len(historical), 255),)) + historical[:255]]
    for data, status in answers:
        for start in range(0, max(len(data), 1), 255):
            part = data[start : start + 255]
            parts.append(bytes((len(part),)) + part + status.to_bytes(2, "big"))
    return b"".join(parts)


def decode_answers(data: bytes) -> tuple[bytes, list[Answer]]:
    """Return the ATR and the answers of an input; every input has some."""
    length = data[0] if data else 0
    historical, rest = data[1 : 1 + length], data[1 + length :]
    answers: list[Answer] = []
    while rest:
        end = 1 + rest[0]
        status = int.from_bytes(rest[end : end + 2].ljust(2, b"\0"), "big")
        answers.append((rest[1:end], status))
        rest = rest[end + 2 :]
    return historical, answers or [(b"", 0x9000)]


@asynccontextmanager
async def open_cards() -> AsyncIterator[Feed]:
    """Use inputs as the answers of a card, with each profile and each of its verbs."""
    warnings.simplefilter("error", UserWarning)
    yield _feed


async def _feed(data: bytes) -> None:
    historical, answers = decode_answers(data)
    unknown = play(answers, historical)
    profile = identify(unknown)
    use(profile)
    assert len(unknown.sent) < MOST_SENDS_A_VERB
    if profile.name in (ProfileName.UNKNOWN, ProfileName.MOICA):
        assert not {command[1] for command in unknown.sent} & PIN_INSTRUCTIONS
    for kind in PROFILES:
        connection = play(answers, historical)
        use(kind(CardChannel(connection).for_profile(kind.name)))
        assert len(connection.sent) < MOST_SENDS_A_VERB
    _parse(historical, b"".join(part for part, _ in answers))


def _parse(historical: bytes, data: bytes) -> None:
    atr.supports_extended_length(historical)
    with suppress(CardError):
        assert sum(2 + len(item.value) for item in tlv.parse(data)) <= len(data)
    with suppress(CardError):
        certificate = load_certificate(data)
        find_card_number(certificate)
        key_role(certificate)


def record_cards() -> list[bytes]:
    """Return what cards in order answer."""
    issuer = CardTestAuthority()
    certificate = issuer.certify("authentication")
    with TemporaryDirectory(prefix="kaika-fuzz-") as folder:
        gids = issuer.issue(Path(folder) / "card.json", b"123456")
        cards: list[InsertableCard] = [
            gids,
            PivCard(issuer.keys["authentication"], certificate),
            PivCard(issuer.keys["authentication"], certificate, compressed=True, wrong=0x6300),
            MoicaCard(certificate, issuer.certify("signature"), issuer.der),
        ]
        seeds = [_record(card) for card in cards]
        gids.close()
    return [*seeds, encode_answers(b"", [(certificate, 0x9000)])]


def _record(card: InsertableCard) -> bytes:
    recorded = RecordedCard(card)
    use(identify(ScriptedConnection(recorded.answer, card.atr)))
    return encode_answers(card.atr, recorded.answers)


CARDS = Boundary(
    "cards",
    open_cards,
    record_cards,
    st.builds(encode_answers, ATRS, ANSWERS),
    max_length=16_384,
)
