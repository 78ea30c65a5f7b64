"""What people install: the Debian package, the files of other systems, and the signed sums."""

import gzip
import plistlib
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.main import get_command

from reader_bridge.app.cli import app
from reader_bridge.app.window.main_window import ICON

ROOT = Path(__file__).parents[3]
FILES = ROOT / "packaging" / "linux"


def run(*command: str | Path, **more: object) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload,no-any-return]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Debian package of a small program, in place of the app."""
    target = tmp_path_factory.mktemp("package")
    programs = target / "Kaika Bridge"
    (programs / "_internal").mkdir(parents=True)
    for name in ("kaika-bridge", "Kaika Bridge"):
        shutil.copy("/bin/true", programs / name)
    (system_library,) = Path("/usr/lib").glob("*/libdbus-1.so.3")
    shutil.copy(system_library, programs / "_internal")
    for name in ("libours.so.1", "libpython3.11.so.1.0"):
        shutil.copy("/bin/true", programs / "_internal" / name)
    command = (sys.executable, ROOT / "packaging" / "debian.py")
    built = run(*command, "--programs", programs, "--target", target)
    assert built.returncode == 0, built.stderr
    (made,) = target.glob("kaika-bridge_*.deb")
    return made


def test_the_package_says_what_it_is_and_needs(package: Path) -> None:
    shown = run("dpkg-deb", "--field", package).stdout
    fields = dict(re.findall(r"^([A-Z][\w-]*): (.*)$", shown, re.M))
    assert f"{fields['Package']}_{fields['Version']}_{fields['Architecture']}.deb" == package.name
    needed = {each.split(" ")[0] for each in fields["Depends"].split(", ")}
    assert {"pcscd", "libccid", "libpcsclite1", "ca-certificates", "libc6"} <= needed
    assert "fonts-noto-cjk" in fields["Recommends"]


def test_the_package_holds_the_app_and_what_belongs_to_it(package: Path) -> None:
    lines = run("dpkg-deb", "--contents", package).stdout.splitlines()
    modes = {line.split(None, 5)[5]: line.split()[0] for line in lines}
    assert all(line.split()[1] == "root/root" for line in lines)
    assert modes["./usr/lib/kaika-bridge/kaika-bridge"] == "-rwxr-xr-x"
    assert "./usr/bin/kaika-bridge -> ../lib/kaika-bridge/kaika-bridge" in modes
    for name in (
        "usr/share/applications/kaika-bridge.desktop",
        "usr/share/applications/kaika-bridge-link.desktop",
        "usr/share/icons/hicolor/scalable/apps/kaika-bridge.svg",
        "usr/share/man/man1/kaika-bridge.1.gz",
        "usr/share/doc/kaika-bridge/copyright",
        "usr/share/doc/kaika-bridge/changelog.gz",
    ):
        assert modes[f"./{name}"] == "-rw-r--r--"
    for name in ("libours.so.1", "libpython3.11.so.1.0"):
        assert f"./usr/lib/kaika-bridge/_internal/{name}" in modes
    assert not any("libdbus" in name for name in modes), "Debian's own library is used"
    writable = [name for name, mode in modes.items() if mode[0] != "l" and "w" in mode[5:]]
    assert writable == []


def test_the_manual_page_has_every_option(package: Path, tmp_path: Path) -> None:
    run("dpkg-deb", "--extract", package, tmp_path)
    page = gzip.decompress((tmp_path / "usr/share/man/man1/kaika-bridge.1.gz").read_bytes())
    text = page.decode().replace("\\-", "-")
    command = get_command(app)
    commands = [command, *command.commands.values()]  # type: ignore[attr-defined]
    options = {option for each in commands for part in each.params for option in part.opts}
    assert [option for option in sorted(options) if option not in text] == []


def desktop_entry(name: str) -> dict[str, str]:
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(FILES / name, encoding="utf-8")
    return dict(parser["Desktop Entry"])


def test_links_open_the_app_on_every_system() -> None:
    menu, link = desktop_entry("kaika-bridge.desktop"), desktop_entry("kaika-bridge-link.desktop")
    assert menu["Exec"] == "kaika-bridge window"
    assert link["Exec"] == "kaika-bridge window --link %u"
    assert link["MimeType"] == "x-scheme-handler/kaika;"
    assert link["NoDisplay"] == "true"
    assert menu["Categories"] == "System;Security;", (
        "desktop-file-validate knows Security below System"
    )
    assert menu["Icon"] == link["Icon"] == "kaika-bridge"
    windows = (ROOT / "packaging/windows/kaika-bridge.wxs").read_text(encoding="utf-8")
    ElementTree.fromstring(windows)  # noqa: S314 - our own file
    assert r"Software\Classes\kaika" in windows
    assert '"CFBundleURLSchemes": ["kaika"]' in (ROOT / "packaging/kaika-bridge.spec").read_text()
    plistlib.loads((ROOT / "packaging/macos/entitlements.plist").read_bytes())
    checked = run("sh", "-n", ROOT / "packaging/macos/build_dmg.sh")
    assert checked.returncode == 0, checked.stderr


def test_the_icon_is_that_of_the_window() -> None:
    assert (FILES / "kaika-bridge.svg").read_bytes().strip() == ICON


def verify(folder: Path, signers: Path) -> bool:
    """Check the signature as the documents say."""
    page = (ROOT / "docs/bridge-app.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^ +(ssh-keygen -Y verify .*)$", page, re.M)
    shutil.copy(signers, folder / "kaika-signers")
    return run("sh", "-c", line, cwd=folder).returncode == 0


def make_key(folder: Path, name: str) -> Path:
    key = folder / name
    assert run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).returncode == 0
    public = key.with_suffix(".pub").read_text().split(" ")
    (folder / f"{name}.signers").write_text(f"kaika {public[0]} {public[1]}\n")
    return key


def test_the_sums_are_signed_and_checked(tmp_path: Path) -> None:
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "kaika-bridge_1_amd64.deb").write_bytes(b"package")
    (folder / "kaika-bridge-1.dmg").write_bytes(b"another")
    key, other = make_key(tmp_path, "ours"), make_key(tmp_path, "theirs")
    for _ in range(2):  # a second time it replaces the first
        command = (sys.executable, ROOT / "packaging/sign.py", folder, "--key", key)
        signed = run(*command)
        assert signed.returncode == 0, signed.stderr
    sums = folder / "SHA256SUMS"
    assert len(sums.read_text().splitlines()) == 2
    assert run("sha256sum", "--check", "--strict", sums, cwd=folder).returncode == 0
    assert verify(folder, tmp_path / "ours.signers")
    assert not verify(folder, tmp_path / "theirs.signers")
    text = sums.read_text()
    sums.write_text(text.replace("1", "2", 1))
    assert not verify(folder, tmp_path / "ours.signers")
    sums.write_text(text)
    elsewhere = ("ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", "file", sums)
    (folder / "SHA256SUMS.sig").unlink()
    assert run(*elsewhere).returncode == 0
    assert not verify(folder, tmp_path / "ours.signers"), "it was signed for something else"
    assert other.exists()


def test_no_private_key_is_in_the_project() -> None:
    listed = run("git", "ls-files", cwd=ROOT).stdout.split("\n")
    names = [name for name in listed if re.search(r"(^|/)(id_ed25519|.*\.(key|sec|pem))$", name)]
    assert names == []
    for path in (ROOT / "packaging").rglob("*"):
        if path.is_file():
            assert b"PRIVATE KEY-----" not in path.read_bytes()
