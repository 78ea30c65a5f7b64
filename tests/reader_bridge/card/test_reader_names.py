"""Readers whose names are in any encoding, on a real pcscd."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reader_bridge.card.connection import readable_name
from reader_bridge.virtual_card.card import VirtualCard
from tests.reader_bridge.app.terminal_user import clean_environment
from tests.reader_bridge.card.pcsc_sandbox import PcscSandbox
from tests.reader_bridge.virtual_card.vpcd import VpcdReader

CHECK_WITH_CARD = """
import queue, runpy
from reader_bridge.card.pcsc import PcscReaders

snapshots = queue.Queue()
watch = PcscReaders().watch(snapshots.put)
while not any(each.card_present for each in snapshots.get(timeout=20).readers):
    pass
watch.close()
runpy.run_module("reader_bridge.app", run_name="__main__")
"""
"""Runs `kaika-bridge` as soon as a card is there."""


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("讀卡機 測試".encode(), "讀卡機 測試 00 0"),
        ("Lecteur à puce".encode("latin-1"), "Lecteur à puce 00 0"),
    ],
    ids=["utf-8", "latin-1"],
)
def test_a_card_is_reached_whatever_its_reader_is_called(
    tmp_path: Path, card: VirtualCard, raw: bytes, shown: str
) -> None:
    """In a process of its own, since pcsc-lite remembers the service that it found first."""
    (tmp_path / "service").mkdir()
    with PcscSandbox(tmp_path / "service", raw) as sandbox:
        environment = clean_environment(tmp_path, PCSCLITE_CSOCK_NAME=str(sandbox.socket_path))
        vpcd = VpcdReader(sandbox.connect)
        vpcd.insert(card)
        try:
            done = subprocess.run(
                [sys.executable, "-c", CHECK_WITH_CARD, "check", "--json"],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=30,
            )
        finally:
            vpcd.pull()
    assert done.stderr == ""
    findings = {each["code"]: each["values"] for each in json.loads(done.stdout)["findings"]}
    assert findings["reader_found"]["readers"] == f"{shown}0, {shown}1"
    assert findings["card_answers"]["reader"] == f"{shown}0"
    assert findings["pin_tries"]["tries_left"] == 3


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ACS ACR39U", "ACS ACR39U"),
        ("\udce9", "é"),
        ("讀\udcff", "è®\x80ÿ".replace("\x80", "")),
        ("half \ud83d", "half "),
        ("\u202ekoobe\x1b[31m", "koobe[31m"),
        ("\x00", "?"),
        ("讀" * 500, "讀" * 128),
    ],
)
def test_what_is_shown_of_a_name_can_be_sent_and_printed(name: str, shown: str) -> None:
    assert readable_name(name) == shown
    readable_name(name).encode()
