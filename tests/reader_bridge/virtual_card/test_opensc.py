"""OpenSC, which we did not write, agrees with the virtual card and with our own client."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from reader_bridge.card.errors import InvalidPinError, PinBlockedError
from reader_bridge.card.pcsc import PcscReaders
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardProfile, TryCounter
from reader_bridge.virtual_card.card import VirtualCard
from tests.reader_bridge.card.card_issuer import ADMIN_KEY, SERIAL, CardTestAuthority, cryptogram
from tests.reader_bridge.card.pcsc_sandbox import READER, PcscSandbox
from tests.reader_bridge.card.snapshot_recorder import SnapshotRecorder, has_card
from tests.reader_bridge.virtual_card.vpcd import VpcdReader

PIN, NEW_PIN, WRONG_PIN = "first123", "second45", "wrong123"

OpenSc = Callable[..., subprocess.CompletedProcess[str]]
WithProfile = Callable[[Callable[[CardProfile], None]], None]


@pytest.fixture
def readers(pcsc_sandbox: PcscSandbox, card: VirtualCard) -> Iterator[PcscReaders]:
    """PC/SC, with the card in the first reader."""
    readers = PcscReaders(busy_timeout=5)
    snapshots = SnapshotRecorder()
    watch = readers.watch(snapshots)
    snapshots.wait_until(has_card(READER, False))
    vpcd = VpcdReader(pcsc_sandbox.connect)
    vpcd.insert(card)
    snapshots.wait_until(has_card(READER))
    yield readers
    vpcd.pull()
    snapshots.wait_until(has_card(READER, False))
    watch.close()


@pytest.fixture
def opensc(readers: PcscReaders, tmp_path: Path) -> OpenSc:
    def run(*command: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "HOME": str(tmp_path), "LC_ALL": "C"}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=30, env=environment, check=False
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def ours(readers: PcscReaders) -> WithProfile:
    """Do something with our own client, with the card for itself."""

    def use(work: Callable[[CardProfile], None]) -> None:
        with readers.connect(READER, exclusive=True) as connection:
            work(identify(connection))

    return use


def read_tries(opensc: OpenSc) -> list[int]:
    """What OpenSC says: of the PIN, and of the second counter, which is the administrator's."""
    dump = opensc("pkcs15-tool", "--list-pins").stdout
    return [int(line.split(":")[1]) for line in dump.splitlines() if "Tries left" in line]


def test_it_is_recognised_and_its_files_are_read(opensc: OpenSc) -> None:
    assert opensc("opensc-tool", "--name").stdout.strip() == "GIDS Smart Card"
    dump = opensc("pkcs15-tool", "--dump").stdout
    assert f"Serial number  : {SERIAL.hex()}" in dump
    for label in ("authentication", "signature", "encryption"):
        assert f"Private RSA Key [{label}]" in dump
        assert f"X.509 Certificate [{label}]" in dump
    listing = opensc("gids-tool").stdout
    assert "8 entries in the masterfile" in listing
    assert listing.count("Valid container") == 3
    assert "key type:             signature + decryption" in listing


def test_certificates_and_keys_are_those_that_were_issued(
    opensc: OpenSc, issuer: CardTestAuthority
) -> None:
    for index, kind in enumerate(issuer.keys):
        pem = opensc("pkcs15-tool", "--read-certificate", f"0{index}").stdout
        certificate = load_pem_x509_certificate(pem.encode())
        assert certificate.public_key() == issuer.keys[kind].public_key()
        assert certificate.public_bytes(Encoding.DER)


def test_both_clients_count_the_same_tries(opensc: OpenSc, ours: WithProfile) -> None:
    assert read_tries(opensc) == [3, 8]
    opensc("pkcs15-tool", "--verify-pin", "--pin", WRONG_PIN, fails=True)

    def look_and_guess(profile: CardProfile) -> None:
        assert profile.status().pin == TryCounter(2, 3)
        with pytest.raises(InvalidPinError):
            profile.verify_pin(bytearray(WRONG_PIN.encode()))

    ours(look_and_guess)
    assert read_tries(opensc) == [1, 8]
    opensc("pkcs15-tool", "--verify-pin", "--pin", PIN)
    assert read_tries(opensc) == [3, 8]


def test_a_pin_changed_by_one_is_the_others_pin(opensc: OpenSc, ours: WithProfile) -> None:
    opensc("pkcs15-tool", "--change-pin", "--auth-id", "80", "--pin", PIN, "--new-pin", NEW_PIN)
    ours(lambda profile: profile.change_pin(bytearray(NEW_PIN.encode()), bytearray(b"third678")))
    opensc("pkcs15-tool", "--verify-pin", "--pin", "third678")


def test_it_signs_for_pkcs11(opensc: OpenSc, issuer: CardTestAuthority, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"a document")
    opensc(
        *("pkcs11-tool", "--login", "--pin", PIN, "--sign", "--mechanism", "SHA256-RSA-PKCS"),
        *("--id", "01", "--input-file", str(tmp_path / "data")),
        *("--output-file", str(tmp_path / "signature")),
    )
    key = issuer.keys["signature"].public_key()
    assert isinstance(key, RSAPublicKey)
    key.verify((tmp_path / "signature").read_bytes(), b"a document", PKCS1v15(), SHA256())


def test_gids_tool_unblocks_it_with_the_admin_key(opensc: OpenSc, ours: WithProfile) -> None:
    for _ in range(3):
        opensc("pkcs15-tool", "--verify-pin", "--pin", WRONG_PIN, fails=True)

    def blocked(profile: CardProfile) -> None:
        with pytest.raises(PinBlockedError):
            profile.verify_pin(bytearray(PIN.encode()), accept_last_try=True)

    ours(blocked)
    unblock = ("gids-tool", "--unblock", "--pin", NEW_PIN, "--admin-key")
    opensc(*unblock, ADMIN_KEY[::-1].hex(), fails=True)
    assert read_tries(opensc) == [0, 7]
    assert "done successfully" in opensc(*unblock, ADMIN_KEY.hex()).stdout
    ours(lambda profile: profile.verify_pin(bytearray(NEW_PIN.encode())))
    assert read_tries(opensc) == [3, 8]


def test_what_we_unblock_opensc_can_use(opensc: OpenSc, ours: WithProfile) -> None:
    def unblock(profile: CardProfile) -> None:
        challenge = profile.begin_admin_authentication()
        profile.complete_admin_authentication(cryptogram(challenge))
        profile.reset_retry_counter(bytearray(NEW_PIN.encode()))

    ours(unblock)
    opensc("pkcs15-tool", "--verify-pin", "--pin", NEW_PIN)
    opensc("pkcs15-tool", "--verify-pin", "--pin", PIN, fails=True)


def test_the_self_test_of_opensc_passes(opensc: OpenSc) -> None:
    """Except for random numbers, of which OpenSC has none with any GIDS card."""
    done = opensc("pkcs11-tool", "--login", "--pin", PIN, "--test")
    assert "all 4 signature functions seem to work" in done.stdout
    decryption = done.stdout.partition("Decryption")[2]
    assert "testing key 2 (encryption)\n    RSA-PKCS: OK" in decryption
    problems = [line for line in done.stderr.splitlines() if "ERR" in line or "rror" in line]
    assert len(problems) == 1
    assert "C_GenerateRandom" in problems[0]
