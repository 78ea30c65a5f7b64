"""What is read from a certificate."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reader_bridge.card.certificate import (
    find_card_number,
    key_role,
    load_certificate,
    load_public_key,
    validity_period,
)
from reader_bridge.card.errors import MalformedResponseError, UnsupportedKeyError
from reader_bridge.protocol.enums import KeyRole
from tests.reader_bridge.card.card_issuer import CARD_NUMBER, NOW, CardTestAuthority


def test_a_certificate_is_valid_from_its_first_moment_to_its_last(
    issuer: CardTestAuthority,
) -> None:
    validity = validity_period(issuer.certify("signature"))
    assert validity.contains(NOW)
    assert validity.contains(validity.not_before)
    assert validity.contains(validity.not_after)
    assert not validity.contains(NOW - timedelta(days=2))
    assert not validity.contains(NOW + timedelta(days=366 * 5))


def test_a_certificate_names_the_card(issuer: CardTestAuthority) -> None:
    assert find_card_number(load_certificate(issuer.certify("signature"))) == CARD_NUMBER


def test_a_certificate_without_a_card_number_has_none(issuer: CardTestAuthority) -> None:
    assert find_card_number(issuer.certificate) is None


def test_a_card_number_of_another_shape_is_none(issuer: CardTestAuthority) -> None:
    assert (
        find_card_number(load_certificate(issuer.certify("signature", number="not a card numbr")))
        is None
    )


@pytest.mark.parametrize("role", list(KeyRole))
def test_the_key_usage_tells_the_role(issuer: CardTestAuthority, role: KeyRole) -> None:
    assert key_role(load_certificate(issuer.certify(role))) is role


def test_a_certificate_that_says_nothing_of_its_use_has_no_role(issuer: CardTestAuthority) -> None:
    assert key_role(issuer.certificate) is None


@given(st.binary(max_size=200))
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        validity_period(data)


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_a_damaged_certificate_is_refused_or_read(
    issuer: CardTestAuthority, data: st.DataObject
) -> None:
    der = bytearray(issuer.certify("authentication"))
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    try:
        validity_period(bytes(der))
        find_card_number(load_certificate(bytes(der)))
        load_public_key(bytes(der))
        key_role(load_certificate(bytes(der)))
    except (MalformedResponseError, UnsupportedKeyError):
        return
