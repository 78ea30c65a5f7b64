"""Real MOICA cards: read, and never sent a PIN command. And cards that are none of ours."""

from collections.abc import Callable

import pytest

from reader_bridge.card.apdu import CommandApdu
from reader_bridge.card.errors import (
    ApduError,
    CertificateMissingError,
    MalformedResponseError,
    PinOperationRefusedError,
)
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardCapability, CardProfile
from reader_bridge.card.profiles.moica import MoicaProfile
from reader_bridge.protocol.enums import KeyRole, ProfileName
from reader_bridge.virtual_card.reader import READER_NAME, VirtualReader
from tests.reader_bridge.card.card_issuer import CARD_NUMBER, CardTestAuthority
from tests.reader_bridge.card.fake_cards import PIN_INSTRUCTIONS, MoicaCard, ScriptedConnection

MARKED_ATR = bytes.fromhex("3bb813008131fa52434854 4d4f494341a5")
PIN = bytearray(b"123456")

PIN_VERBS: dict[CardCapability, Callable[[CardProfile], object]] = {
    CardCapability.VERIFY_PIN: lambda card: card.verify_pin(PIN, accept_last_try=True),
    CardCapability.CHANGE_PIN: lambda card: card.change_pin(PIN, PIN, accept_last_try=True),
    CardCapability.SIGN: lambda card: card.sign(b"statement"),
    CardCapability.UNLOCK_WITH_PUK: lambda card: card.unlock_with_puk(
        PIN, PIN, accept_last_try=True
    ),
    CardCapability.SET_PIN_AS_ADMIN: lambda card: card.reset_retry_counter(PIN),
}
MORE_ADMIN_VERBS: list[Callable[[CardProfile], object]] = [
    lambda card: card.begin_admin_authentication(),
    lambda card: card.complete_admin_authentication(bytes(40)),
]


@pytest.fixture
def moica(issuer: CardTestAuthority) -> MoicaCard:
    return MoicaCard(
        encryption=issuer.certify("encryption"),
        signature=issuer.certify("signature"),
        issuer=issuer.der,
    )


def insert(card: MoicaCard) -> CardProfile:
    return identify(VirtualReader(card).connect(READER_NAME, exclusive=True))


def test_it_is_recognised_by_its_mark(moica: MoicaCard) -> None:
    assert insert(moica).name is ProfileName.MOICA


def test_it_is_recognised_by_its_answer_to_reset_before_anything_is_sent(
    moica: MoicaCard,
) -> None:
    moica.atr = MARKED_ATR
    assert insert(moica).name is ProfileName.MOICA
    assert moica.commands == []


def test_it_tells_its_card_number_and_certificates(moica: MoicaCard) -> None:
    status = insert(moica).status()
    assert status.card_number == CARD_NUMBER
    assert set(status.certificates) == {KeyRole.SIGNATURE, KeyRole.ENCRYPTION}
    assert status.pin is None, "nobody asks it"
    assert status.capabilities == {CardCapability.READ_CERTIFICATE}


def test_its_certificates_are_read_in_portions(moica: MoicaCard) -> None:
    profile = insert(moica)
    assert isinstance(profile, MoicaProfile)
    assert profile.read_certificate() == moica.signature
    assert profile.read_certificate(KeyRole.ENCRYPTION) == moica.encryption
    assert max(command[4] for command in moica.commands if command[1] == 0xB0) <= 200


def test_it_has_no_certificate_for_authentication(moica: MoicaCard) -> None:
    with pytest.raises(CertificateMissingError):
        insert(moica).read_certificate(KeyRole.AUTHENTICATION)


def test_an_empty_or_unreadable_card_has_no_certificates() -> None:
    assert insert(MoicaCard()).status().certificates == ()
    profile = identify(ScriptedConnection(lambda _: (b"", 0x6D00), MARKED_ATR))
    assert profile.name is ProfileName.MOICA
    assert profile.status().certificates == ()


@pytest.mark.parametrize("head", ["3082ffff", "30820701"])
def test_a_certificate_longer_than_its_place_is_refused(moica: MoicaCard, head: str) -> None:
    moica.signature = bytes.fromhex(head) + bytes(100)
    with pytest.raises(MalformedResponseError) as refused:
        insert(moica).read_certificate()
    assert refused.value.what == "length of certificate"


def test_a_store_that_ends_early_is_refused() -> None:
    def answer(apdu: bytes) -> tuple[bytes, int]:
        head = apdu[1] == 0xB0 and apdu[4] == 4
        return (bytes.fromhex("30820300"), 0x9000) if head else (b"", 0x9000)

    with pytest.raises(MalformedResponseError):
        identify(ScriptedConnection(answer, MARKED_ATR)).read_certificate()


@pytest.mark.parametrize("verb", [*PIN_VERBS.values(), *MORE_ADMIN_VERBS])
@pytest.mark.parametrize("atr", [MARKED_ATR, bytes.fromhex("3b80800101")])
def test_no_pin_command_is_ever_sent_to_it(
    moica: MoicaCard, atr: bytes, verb: Callable[[CardProfile], object]
) -> None:
    moica.atr = atr
    profile = insert(moica)
    profile.status()
    with pytest.raises(PinOperationRefusedError) as refused:
        verb(profile)
    assert refused.value.profile == "moica"
    assert not {command[1] for command in moica.commands} & PIN_INSTRUCTIONS


@pytest.mark.parametrize("status_word", [0x9000, 0x6D00, 0x6E00, 0x63C3, 0x6983, 0x6982, 0x0000])
def test_an_unknown_card_is_named_so_and_left_alone(status_word: int) -> None:
    connection = ScriptedConnection(lambda _: (b"", status_word))
    profile = identify(connection)
    assert profile.name is ProfileName.UNKNOWN
    asked = len(connection.sent)
    assert profile.status().capabilities == frozenset()
    for verb in [*PIN_VERBS.values(), *MORE_ADMIN_VERBS, CardProfile.read_certificate]:
        with pytest.raises(PinOperationRefusedError):
            verb(profile)
    assert len(connection.sent) == asked
    assert {command[1] for command in connection.sent} <= {0xA4, 0xB0}


def test_every_verb_of_a_profile_is_named_by_it_or_refused() -> None:
    assert set(PIN_VERBS) | {CardCapability.READ_CERTIFICATE} == set(CardCapability)


def test_even_a_profile_in_error_cannot_send_a_pin_through_an_unwidened_channel(
    moica: MoicaCard,
) -> None:
    profile = insert(moica)
    with pytest.raises(PinOperationRefusedError):
        profile.channel.send(CommandApdu(0x00, 0x20, 0x00, 0x80, PIN, secret=True))
    with pytest.raises(ApduError):
        profile.channel.select(b"\xa0\x00")
