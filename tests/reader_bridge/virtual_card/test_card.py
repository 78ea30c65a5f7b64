"""The virtual card itself, command by command."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.card_command import CardCommand

SELECT = "00a4040009a0000003974254465900"
VERIFY = "0020008008" + b"first123".hex()
WRONG = "0020008008" + b"wrong123".hex()
TRIES = "00cb3fff045c027f7100"
USE_AUTHENTICATION_KEY = "002241b606800157840181"


def send(card: VirtualCard, apdu: str) -> tuple[bytes, str]:
    answer = card.transmit(bytearray.fromhex(apdu))
    return answer[:-2], answer[-2:].hex()


def tries(card: VirtualCard) -> int:
    return send(card, TRIES)[0][5]


@pytest.fixture
def selected(card: VirtualCard) -> VirtualCard:
    card.power_on()
    assert send(card, SELECT)[1] == "9000"
    return card


@pytest.mark.parametrize(
    ("apdu", "status_word"),
    [
        ("00a404000aa0000003974254465902 00", "9000"),
        ("00a404000ba000000397425446590201 00", "9000"),
        ("00a4040005a00000039700", "6a82"),
        ("00a404000ba00000030800001000010000", "6a82"),
        ("00a4000c023f00", "9000"),
        ("00a4000c022f01", "6a82"),
        ("80a40000023f00", "6e00"),
        ("00fe0000", "6d00"),
        ("0020", "6700"),
        ("0020008009" + "31" * 8, "6700"),
        ("00200081", "6a88"),
        ("00200080", "63c3"),
        ("00240080", "63c2"),
        ("002c028006" + "31" * 6, "6982"),
        ("002c000006" + "31" * 6, "6a86"),
        ("00cba010045c02dfff00", "6a88"),
        ("00cb3fff045c027f7f00", "6a88"),
        ("00cb3fff0a70088401 91a5037f498000", "6a88"),
        ("00cba0100300", "6700"),
        ("00cba01002 5c0900", "6a80"),
        ("0022c1a403830181", "6a88"),
        ("002241b606800157840191", "6a88"),
        ("002241b606800147840181", "6a80"),
        ("002241b806800157840181", "6a80"),
        ("002299b606800157840181", "6a86"),
        ("002a9e9a0431313131 00", "6985"),
        ("002a00000431313131 00", "6a86"),
        ("00870000027c0000", "6985"),
        ("00c0000000", "6d00"),
    ],
)
def test_what_a_command_is_answered(selected: VirtualCard, apdu: str, status_word: str) -> None:
    assert send(selected, apdu)[1] == status_word


def test_nothing_but_selecting_works_before_it_is_selected(card: VirtualCard) -> None:
    card.power_on()
    for apdu in (VERIFY, TRIES, USE_AUTHENTICATION_KEY):
        assert send(card, apdu)[1] == "6985"


def test_a_long_answer_is_fetched_in_portions(selected: VirtualCard) -> None:
    whole, status_word = send(selected, "00cba010 000004 5c02df24 0000")
    assert status_word == "9000"
    gathered, status_word = send(selected, "00cba010045c02df2400")
    while status_word[:2] == "61":
        part, status_word = send(selected, "00c00000" + status_word[2:])
        gathered += part
    assert gathered == whole
    assert send(selected, "00c0000000")[1] == "6d00", "it was told whole"


def test_the_rest_of_an_answer_is_gone_after_another_command(selected: VirtualCard) -> None:
    assert send(selected, "00cba010045c02df2400")[1][:2] == "61"
    send(selected, TRIES)
    assert send(selected, "00c0000000")[1] == "6d00"


def test_a_chained_command_counts_when_it_is_whole(selected: VirtualCard) -> None:
    assert send(selected, "1020008004" + b"firs".hex())[1] == "9000"
    assert send(selected, "0020008004" + b"t123".hex())[1] == "9000"
    assert send(selected, "00200080")[1] == "9000", "verified"


def test_a_chain_that_is_broken_off_is_forgotten(selected: VirtualCard) -> None:
    send(selected, "1020008004" + b"firs".hex())
    assert send(selected, TRIES)[1] == "6985"
    assert send(selected, VERIFY)[1] == "9000"


def test_a_chain_without_end_is_refused(selected: VirtualCard) -> None:
    part = "10cba010ff" + "00" * 255
    assert "6700" in [send(selected, part)[1] for _ in range(20)]


def test_verifying_lasts_until_reset_deauthentication_or_a_wrong_pin(
    selected: VirtualCard,
) -> None:
    for undo in (selected.reset, lambda: send(selected, "00200082"), lambda: send(selected, WRONG)):
        send(selected, SELECT)
        assert send(selected, VERIFY)[1] == "9000"
        undo()
        send(selected, USE_AUTHENTICATION_KEY)
        assert send(selected, "002a9e9a0431313131 00")[1] in ("6982", "6985")


def test_the_encryption_key_signs_too_and_the_others_do_not_decrypt(selected: VirtualCard) -> None:
    for key, decrypts in (("81", "6a80"), ("82", "6a80"), ("83", "9000")):
        assert send(selected, f"002241b8068001478401{key}")[1] == decrypts
        assert send(selected, f"002241b6068001578401{key}")[1] == "9000"


def test_more_than_a_digest_is_not_signed(selected: VirtualCard) -> None:
    send(selected, VERIFY)
    send(selected, USE_AUTHENTICATION_KEY)
    assert send(selected, "002a9e9a53" + "31" * 83 + "00")[1] == "9000"
    assert send(selected, "002a9e9a54" + "31" * 84 + "00")[1] == "6700"


def test_every_wrong_pin_counts_and_the_third_blocks(selected: VirtualCard) -> None:
    assert [send(selected, WRONG)[1] for _ in range(4)] == ["63c2", "63c1", "6983", "6983"]
    assert send(selected, VERIFY)[1] == "6983"
    assert tries(selected) == 0


def test_a_new_pin_the_card_does_not_take_leaves_the_old_one(selected: VirtualCard) -> None:
    for new in (b"short", b"much too long", b"spa ce1"):
        both = b"first123" + new
        assert send(selected, f"00240080{len(both):02x}" + both.hex())[1] == "6a80"
    assert send(selected, VERIFY)[1] == "9000"


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.builds(
                lambda ins, p1, p2, data: bytes([0, ins, p1, p2, len(data)]) + data + b"\x00",
                st.sampled_from([0x20, 0x22, 0x24, 0x2A, 0x2C, 0x87, 0xA4, 0xC0, 0xCB]),
                st.sampled_from([0x00, 0x01, 0x02, 0x3F, 0x41, 0x9E, 0xA0, 0xC1]),
                st.sampled_from([0x00, 0x10, 0x80, 0x82, 0x9A, 0xA4, 0xB6, 0xFF]),
                st.binary(min_size=1, max_size=60),
            ),
        ),
        max_size=8,
    )
)
def test_no_command_breaks_it_or_opens_it(card: VirtualCard, commands: list[bytes]) -> None:
    card.file.state.pin_tries = card.file.state.pin_limit
    card.power_on()
    send(card, SELECT)
    for command in commands:
        assert len(card.transmit(command)) >= 2
    send(card, SELECT)
    send(card, USE_AUTHENTICATION_KEY)
    assert send(card, "002a9e9a0431313131 00")[1] == "6982"


def test_the_commands_data_is_overwritten(selected: VirtualCard) -> None:
    seen: list[bytearray] = []
    verify: Callable[..., bytes] = selected._handlers[0x20]

    def watched(command: CardCommand) -> bytes:
        seen.append(command.data)
        return verify(command)

    selected._handlers[0x20] = watched
    send(selected, VERIFY)
    assert seen == [bytearray(8)]
