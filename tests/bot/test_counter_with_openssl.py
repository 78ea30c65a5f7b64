"""Every command of the counter with the real programs, checked with OpenSSL.

`kaika demo` runs as a process, every command of the counter as another beside it, each given
twice; `openssl ocsp` and `openssl verify` ask the bot's public listener over HTTP.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from tests.bot.command_runner import CommandRunner

UI = "A823456783"
APPLY = (
    *("apply", "--name", "Lê Văn Q", "--ui-number", UI, "--birth-date", "79/12/31"),
    *("--email", "q@mail.example", "--address", "臺北市中正區廣州街15號"),
)
KINDS = ("authentication", "signature", "encryption")
GOOD, HELD, REVOKED = "good", "revoked (certificateHold)", "revoked (keyCompromise)"


class CounterClerk:
    """Staff at a terminal beside a running sandbox, with OpenSSL."""

    def __init__(self, machine: CommandRunner) -> None:
        self.machine = machine
        self.folder = machine.folder / "certificates"
        self.ocsp = self.crl = ""

    async def says(self, *words: str) -> dict[str, Any]:
        """Run a command, and return its JSON."""
        ended = await self.machine.kaika("--sandbox", "counter", *words, "--json")
        assert ended.status == 0, ended
        value: dict[str, Any] = ended.json()
        return value

    async def does_twice(self, *words: str) -> dict[str, Any]:
        """Run a command twice, the second time without effect, and return the first JSON."""
        first, second = [await self.says(*words) for _ in range(2)]
        assert (first["changed"], second["changed"]) == (True, False), words
        assert first["application"] == second["application"]
        return first

    async def gets_certificates(self) -> set[str]:
        """Write the certificates to files, and return their serial numbers."""
        given = await self.says("certificates", UI, "--folder", str(self.folder))
        self.ocsp, self.crl = given["ocsp"], given["crl"]
        documents = [x509.load_pem_x509_certificate(self._pem(kind).read_bytes()) for kind in KINDS]
        return {f"{document.serial_number:x}" for document in documents}

    async def status(self, *more: str) -> list[str]:
        """Ask the OCSP responder for all three in one request, and return each status."""
        ca = str(self.folder / "ca.pem")
        asked = [part for kind in KINDS for part in ("-cert", str(self._pem(kind)))]
        given = ("ocsp", "-issuer", ca, "-CAfile", ca, "-url", self.ocsp, *asked, *more)
        ended = await self.machine.run("openssl", *given)
        assert "Response verify OK" in ended.out + ended.err, ended
        statuses = []
        for line in ended.out.splitlines():
            if line.startswith(str(self.folder)):
                statuses.append(line.split(": ")[1])
            elif line.startswith("\tReason: "):
                statuses[-1] += f" ({line.split(': ')[1]})"
        return statuses

    async def verified(self) -> list[bool]:
        """Fetch the list and verify all three against it."""
        crl, ca = str(self.folder / "list.crl"), str(self.folder / "ca.pem")
        fetched = await self.machine.run("curl", "-sS", "-f", "-o", crl, self.crl)
        assert fetched.status == 0, fetched
        given = ("openssl", "verify", "-crl_check", "-CAfile", ca, "-CRLfile", crl)
        ended = [await self.machine.run(*given, str(self._pem(kind))) for kind in KINDS]
        assert all(one.status == 0 or "certificate revoked" in one.err for one in ended), ended
        return [one.status == 0 for one in ended]

    def _pem(self, kind: str) -> Path:
        return self.folder / f"{kind}.pem"


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[CounterClerk]:
    machine = CommandRunner(tmp_path)
    async with machine.demo():
        yield CounterClerk(machine)


async def test_openssl_agrees_with_every_act_of_a_life(counter: CounterClerk) -> None:
    """The first answer after a command has ended reflects it, without waiting."""
    applied = await counter.does_twice(*APPLY)
    assert applied["code"] in applied["form_text"]
    await counter.does_twice("pay", UI, "charge-of-q")
    issued = await counter.does_twice("issue", UI)
    assert Path(issued["card_file"]).is_file()
    assert await counter.gets_certificates() == {one["serial"] for one in issued["certificates"]}
    await counter.does_twice("post", UI)
    assert (await counter.status(), await counter.verified()) == ([HELD] * 3, [False] * 3)
    for act, published in (
        (("activate", UI), GOOD),
        (("suspend", UI), HELD),
        (("resume", UI), GOOD),
        (("revoke", UI, "--reason", "lost"), REVOKED),
    ):
        await counter.does_twice(*act)
        assert await counter.status() == [published] * 3, act
        assert await counter.verified() == [published == GOOD] * 3, act
    assert await counter.status("-no_nonce") == [REVOKED] * 3
    whole = await counter.machine.kaika("--sandbox", "audit", "verify")
    assert whole.status == 0, whole
