"""The file a card lives in: it keeps what a card keeps, and gives nothing away."""

import json
import os
import secrets
from base64 import b64decode, b64encode
from pathlib import Path

import pytest

from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.card_content import SERIAL_BYTES
from reader_bridge.virtual_card.card_file import (
    CardFile,
    CardFileError,
    WrongPassphraseError,
    read_label,
)
from reader_bridge.virtual_card.file_lock import CardFileBusyError
from reader_bridge.virtual_card.issuing import issue_card
from tests.reader_bridge.card.card_issuer import (
    ADMIN_KEY,
    CARD_NUMBER,
    LOW_COST,
    PASSPHRASE,
    SERIAL,
    CardTestAuthority,
    pkcs8,
)
from tests.reader_bridge.virtual_card.test_card import SELECT, VERIFY, WRONG, send, tries


@pytest.fixture
def path(card: VirtualCard) -> Path:
    """The file of a card that is put away."""
    card.close()
    return card.file.path


def insert(path: Path) -> VirtualCard:
    card = VirtualCard.insert(path, PASSPHRASE)
    send(card, SELECT)
    return card


def test_tries_survive_power_off_and_the_process(path: Path) -> None:
    for left in (2, 1):
        card = insert(path)
        send(card, WRONG)
        card.close()
        card = insert(path)
        assert tries(card) == left
        card.close()
    card = insert(path)
    assert send(card, VERIFY)[1] == "9000"
    card.close()
    assert tries(insert(path)) == 3


class PowerCutError(Exception):
    """The power went off."""


def test_a_try_is_spent_before_the_pin_is_looked_at(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise PowerCutError

    card = insert(path)
    monkeypatch.setattr("reader_bridge.virtual_card.pin_store.derive_key", cut)
    with pytest.raises(PowerCutError):
        send(card, WRONG)
    monkeypatch.undo()
    card.close()
    assert tries(insert(path)) == 2


def test_an_admin_try_is_spent_before_the_proof_is_looked_at(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise PowerCutError

    card = insert(path)
    send(card, "0022c1a403830180")
    send(card, "00870000147c128110" + "11" * 16 + "00")
    monkeypatch.setattr("reader_bridge.virtual_card.admin_authentication.hmac.compare_digest", cut)
    with pytest.raises(PowerCutError):
        send(card, "008700002c7c2a8228" + "22" * 40 + "00")
    monkeypatch.undo()
    card.close()
    card = insert(path)
    assert send(card, "00cb3fff045c027f7300")[0][5] == 7


def test_a_write_that_is_cut_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise PowerCutError

    before = path.read_bytes()
    card = insert(path)
    for step in ("fsync", "replace"):
        monkeypatch.setattr(f"reader_bridge.virtual_card.card_file.os.{step}", cut)
        with pytest.raises(PowerCutError):
            send(card, WRONG)
        monkeypatch.undo()
        assert path.read_bytes() == before


def test_it_is_open_in_one_place_at_a_time(path: Path) -> None:
    card = insert(path)
    with pytest.raises(CardFileBusyError):
        VirtualCard.insert(path, PASSPHRASE)
    card.close()
    insert(path).close()


def test_another_passphrase_opens_nothing_and_locks_nothing(path: Path) -> None:
    with pytest.raises(WrongPassphraseError):
        CardFile.open(path, "battery staple")
    insert(path).close()


def test_label_and_mode_are_those_of_a_card(path: Path) -> None:
    label = read_label(path)
    assert (label.card_number, label.serial) == (CARD_NUMBER, SERIAL.hex())
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("part", ["content", "state"])
def test_a_changed_byte_is_noticed(path: Path, part: str) -> None:
    document = json.loads(path.read_text())
    sealed = bytearray(b64decode(document[part]))
    sealed[-1] ^= 1
    document[part] = b64encode(sealed).decode()
    path.write_text(json.dumps(document))
    with pytest.raises(CardFileError):
        CardFile.open(path, PASSPHRASE)


def test_parts_of_one_file_cannot_be_swapped(path: Path) -> None:
    document = json.loads(path.read_text())
    document["state"], document["content"] = document["content"], document["state"]
    path.write_text(json.dumps(document))
    with pytest.raises(CardFileError):
        CardFile.open(path, PASSPHRASE)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "something else"},
        {"version": 2},
        {"cost": 2**30},
        {"cost": 3},
        {"cost": "16"},
        {"salt": "not base64!"},
        {"content": None},
    ],
)
def test_what_is_no_card_file_is_refused(path: Path, change: dict[str, object]) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CardFileError):
        CardFile.open(path, PASSPHRASE)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe", b"{"])
def test_nonsense_and_nothing_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "nonsense.json"
    path.write_bytes(content)
    for wrong in (path, tmp_path / "missing.json"):
        with pytest.raises(CardFileError):
            CardFile.open(wrong, PASSPHRASE)
        with pytest.raises(CardFileError):
            read_label(wrong)


def forms(secret: bytes) -> list[bytes]:
    """A secret as somebody might find it."""
    shapes = [secret, secret[::-1], secret.hex().encode(), secret.hex().upper().encode()]
    padded = [b64encode(bytes(skip) + secret)[4:-4] for skip in range(3)]
    return [shape for shape in shapes + padded if len(shape) >= 6]


def test_the_file_gives_neither_pin_nor_keys_away(path: Path, issuer: CardTestAuthority) -> None:
    card = insert(path)
    both = b"first123second45"
    assert send(card, "0024008010" + both.hex())[1] == "9000"
    assert send(card, "0020008008" + b"second45".hex())[1] == "9000"
    card.close()
    written = path.read_bytes()
    sealed = [b64decode(json.loads(written)[part]) for part in ("content", "state")]
    keys = [pkcs8(key)[-64:] for key in issuer.keys.values()]
    for secret in (b"first123", b"second45", PASSPHRASE.encode(), ADMIN_KEY, *keys):
        for form in forms(secret):
            assert all(form not in place for place in (written, *sealed))


def test_a_card_is_issued_over_one_that_is_there(path: Path, issuer: CardTestAuthority) -> None:
    serial = secrets.token_bytes(SERIAL_BYTES)
    issue_card(
        path,
        PASSPHRASE,
        card_number="GP00000000000001",
        serial=serial,
        admin_key=ADMIN_KEY,
        private_keys={"authentication": pkcs8(issuer.keys["authentication"])},
        certificates={"authentication": issuer.certify("authentication")},
        cost=LOW_COST,
    )
    assert read_label(path).serial == serial.hex()
    assert not list(path.parent.glob("*.new"))


@pytest.mark.parametrize(
    "wrong", [{"serial": bytes(8)}, {"admin_key": bytes(16)}, {"private_keys": {"signature": b"x"}}]
)
def test_what_does_not_fit_a_card_is_not_issued(
    tmp_path: Path, issuer: CardTestAuthority, wrong: dict[str, object]
) -> None:
    right: dict[str, object] = {
        "card_number": CARD_NUMBER,
        "serial": SERIAL,
        "admin_key": ADMIN_KEY,
        "private_keys": {"signature": pkcs8(issuer.keys["signature"])},
        "certificates": {"signature": issuer.certify("signature")},
        "pin": SecretBuffer(b"first123"),
        "cost": LOW_COST,
    }
    with pytest.raises(ValueError, match=r"."):
        issue_card(tmp_path / "card.json", PASSPHRASE, **(right | wrong))  # type: ignore[arg-type]
    assert os.listdir(tmp_path) == []
