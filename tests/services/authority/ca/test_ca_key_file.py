"""The key file: made once, under a passphrase, for nobody else to read."""

import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from services.authority.ca import ca_key_file
from services.authority.ca.ca_certificate import CaSigner
from services.authority.ca.errors import CaKeyError, CaKeyProblem
from services.formats.hidden import Hidden
from tests.services.authority.ca.ca_harness import PASSPHRASE, QUICK, new_ca

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def own(ca_file: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(copy(ca_file, tmp_path / "ca.json"))


def _problem(path: Path, passphrase: Hidden = PASSPHRASE) -> CaKeyProblem:
    with pytest.raises(CaKeyError) as caught:
        ca_key_file.load_key_file(path, passphrase)
    assert caught.value.path == path
    return caught.value.problem


def _key(identity: CaSigner) -> Any:
    return identity._key.private_numbers()


def test_the_key_comes_back_and_the_file_is_for_its_owner_only(own: Path) -> None:
    assert own.stat().st_mode & 0o777 == 0o600
    first, second = (
        ca_key_file.load_key_file(own, PASSPHRASE),
        ca_key_file.load_key_file(own, PASSPHRASE),
    )
    assert first.key_id == second.key_id
    assert _key(first) == _key(second)


def test_neither_key_nor_passphrase_can_be_read_from_file_or_printout(own: Path) -> None:
    identity = ca_key_file.load_key_file(own, PASSPHRASE)
    raw = own.read_bytes()
    plain = identity._key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    sealed = b64decode(json.loads(raw)["sealed_key"])
    prime = identity._key.private_numbers().p.to_bytes(128, "big")
    for secret in (plain[40:120], prime, PASSPHRASE.reveal().encode()):
        for shape in (secret, secret.hex().encode(), b64encode(secret)[:60]):
            assert shape not in raw
            assert shape not in sealed
    assert "•••" in repr(identity)


def test_a_second_start_leaves_the_key_alone(own: Path) -> None:
    before = own.read_bytes()
    new_ca(own, NOW)
    assert own.read_bytes() == before
    assert list(own.parent.iterdir()) == [own]


def test_processes_that_start_at_once_end_with_one_whole_key(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ca.json"
    starters = [subprocess.Popen([sys.executable, "-c", _START, str(path)]) for _ in range(3)]
    assert [one.wait(60) for one in starters] == [0, 0, 0]
    assert ca_key_file.load_key_file(path, PASSPHRASE).key_id
    assert list(path.parent.iterdir()) == [path]


_START = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from tests.services.authority.ca.ca_harness import new_ca
new_ca(Path(sys.argv[1]), datetime(2026, 11, 23, tzinfo=UTC))
"""


def test_a_wrong_passphrase_is_refused(own: Path) -> None:
    assert _problem(own, Hidden("something else entirely")) is CaKeyProblem.WRONG_PASSPHRASE


def test_a_short_passphrase_makes_no_key(tmp_path: Path) -> None:
    path = tmp_path / "ca.json"
    with pytest.raises(CaKeyError) as caught:
        ca_key_file.create_ca_key_file(path, Hidden("elevenchars"), QUICK, NOW)
    assert caught.value.problem is CaKeyProblem.SHORT_PASSPHRASE
    assert not path.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(own: Path, mode: int) -> None:
    own.chmod(mode)
    assert _problem(own) is CaKeyProblem.OPEN_TO_OTHERS


def test_a_file_that_is_not_there_or_cannot_be_written_is_named(tmp_path: Path) -> None:
    assert _problem(tmp_path / "nowhere.json") is CaKeyProblem.UNREADABLE
    (tmp_path / "file").write_text("")
    with pytest.raises(CaKeyError) as caught:
        new_ca(tmp_path / "file" / "ca.json", NOW)
    assert caught.value.problem is CaKeyProblem.UNREADABLE


def _spoil(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    values = json.loads(path.read_text())
    edit(values)
    path.write_text(json.dumps(values))


@pytest.mark.parametrize(
    "edit",
    [
        lambda v: v.pop("salt"),
        lambda v: v.update(salt="00"),
        lambda v: v.update(nonce="zz"),
        lambda v: v.update(certificate="-----BEGIN CERTIFICATE-----"),
        lambda v: v.update(sealed_key="***"),
        lambda v: v.update(sealed_key=5),
        lambda v: v.update(argon2id=None),
        lambda v: v["argon2id"].update(memory=2**40),
        lambda v: v["argon2id"].update(passes=10**9),
        lambda v: v["argon2id"].update(passes=0),
        lambda v: v["argon2id"].update(lanes=0),
        lambda v: v["argon2id"].update(lanes=10**6),
        lambda v: v["argon2id"].update(memory=1),
    ],
)
def test_a_spoiled_file_is_said_to_be_none(
    own: Path, edit: Callable[[dict[str, Any]], object]
) -> None:
    _spoil(own, edit)
    assert _problem(own) is CaKeyProblem.NOT_A_KEY_FILE


@given(content=st.binary(max_size=200))
def test_nonsense_is_no_key_file(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("nonsense") / "ca.json"
    path.write_bytes(content)
    path.chmod(0o600)
    assert _problem(path) is CaKeyProblem.NOT_A_KEY_FILE


def test_an_exchanged_certificate_or_key_does_not_open(own: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    new_ca(other, NOW)
    foreign = json.loads(other.read_text())
    _spoil(own, lambda v: v.update(certificate=foreign["certificate"]))
    assert _problem(own) is CaKeyProblem.WRONG_PASSPHRASE


def test_the_authority_may_issue_to_persons_and_to_no_authority_below(own: Path) -> None:
    certificate = ca_key_file.load_key_file(own, PASSPHRASE).certificate
    text = certificate.subject.rfc4514_string()
    assert text == "OU=Kaika Certificate Authority 開卡憑證管理中心,O=Kaika,C=TW"
    constraints = {extension.oid._name: extension for extension in certificate.extensions}
    assert constraints["basicConstraints"].critical
    assert str(constraints["basicConstraints"].value) == (
        "<BasicConstraints(ca=True, path_length=0)>"
    )
    years = (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days / 365.25
    assert 19.9 < years < 20.1
