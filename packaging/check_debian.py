"""Installs the Debian package in a clean tree of Debian and tries it out. Needs root.

    python packaging/check_debian.py [PACKAGE] [--where-possible]

The tree is made by debootstrap of the release that runs here, and removed in the end. What `make
bridge` asks a user of the sources for is tried in it too.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from debian import NAME, ROOT, WORK, package_version

MIRROR = "http://deb.debian.org/debian"
TRIES = 3
"""How often the tree is begun again, where the mirror does not answer meanwhile."""
CHROOT = shutil.which("chroot") or "/usr/sbin/chroot"


class CleanTree:
    """A clean tree of Debian.

    :ivar root: where it is.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the tree."""
        return subprocess.run(  # noqa: S603
            [CHROOT, str(self.root), *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            env={
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME": "/root",
                "LANG": "C.UTF-8",
                "DEBIAN_FRONTEND": "noninteractive",
                **environment,
            },
        )

    def install(self, *packages: str) -> None:
        """Install packages with what they depend on, and nothing else."""
        options = ("-qq", "-y", "--no-install-recommends", "-o", "Acquire::Retries=5")
        done = self.run("apt-get", "install", *options, *packages)
        expect(done.returncode == 0, done.stdout + done.stderr)


def expect(holds: bool, otherwise: str) -> None:
    """End the check where something does not hold."""
    if not holds:
        raise SystemExit(f"FAILED: {otherwise}")


@contextmanager
def clean_tree() -> Iterator[CleanTree]:
    """Make a tree for the duration of a `with` block."""
    with tempfile.TemporaryDirectory(prefix="kaika-tree-") as folder:
        root = make_tree(Path(folder))
        (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
        (root / "usr/sbin/policy-rc.d").chmod(0o755)
        shutil.copy("/etc/resolv.conf", root / "etc")
        for file in Path("/etc/apt/apt.conf.d").glob("*proxy*"):
            shutil.copy(file, root / "etc/apt/apt.conf.d")
        yield CleanTree(root)


def make_tree(folder: Path) -> Path:
    """Make a tree in a folder and return its root."""
    for number in range(TRIES):
        root = folder / f"root{number}"
        command = ["debootstrap", "--variant=minbase", codename(), str(root), MIRROR]
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)  # noqa: S603
        if done.returncode == 0:
            return root
    raise NoTreeError


class NoTreeError(Exception):
    """There is no clean tree: the mirror is away, or this machine lets nobody make one."""


def codename() -> str:
    """Return the name of the release that runs here."""
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


@contextmanager
def screen() -> Iterator[str]:
    """Run an X server for the duration of a `with` block; its name."""
    reading, writing = os.pipe()
    size = ("-screen", "0", "911x512x24")  # 1366×768 at 150 %
    command = ["Xvfb", "-displayfd", str(writing), "-nolisten", "tcp", "-ac", *size]
    server = subprocess.Popen(command, pass_fds=(writing,), stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        with os.fdopen(reading) as lines:
            yield f":{lines.readline().strip()}"
    finally:
        server.terminate()
        server.wait()
        os.close(writing)


def check_commands(tree: CleanTree) -> None:
    """Check the command, with and without a screen."""
    printed = tree.run(NAME, "--version")
    expect(printed.stdout == f"{NAME} {package_version()}\n", printed.stdout + printed.stderr)
    found = tree.run(NAME, "check", "--json")
    expect("findings" in found.stdout, found.stdout + found.stderr)
    first = json.loads(found.stdout)["findings"][0]
    expect(first["code"] == "reader_service_stopped", str(first))
    refused = tree.run(NAME, "window")
    expect(refused.returncode == 2 and "No window" in refused.stderr, refused.stderr)
    refused = tree.run(NAME, "window", DISPLAY=":4711")
    expect(refused.returncode == 2 and "No window" in refused.stderr, refused.stderr)
    with screen() as name:
        reached = tree.run(NAME, DISPLAY=name, KAIKA_BRIDGE_PROBE="1", QT_DEBUG_PLUGINS="0")
        expect(reached.returncode == 0, reached.stderr)
        opened = tree.run("timeout", "8", NAME, "window", DISPLAY=name)
        expect(opened.returncode == 124, f"the window ended: {opened.stderr}")


def check_integration(tree: CleanTree) -> None:
    """Check what the desktop makes of the package."""
    tree.install("desktop-file-utils")
    for name in (NAME, f"{NAME}-link"):
        file = f"/usr/share/applications/{name}.desktop"
        valid = tree.run("desktop-file-validate", file)
        expect(valid.returncode == 0 and not valid.stdout, valid.stdout + valid.stderr)
    tree.run("update-desktop-database")
    cache = (tree.root / "usr/share/applications/mimeinfo.cache").read_text()
    expect(f"x-scheme-handler/kaika={NAME}-link.desktop" in cache, cache)


def run_make(tree: CleanTree) -> subprocess.CompletedProcess[str]:
    """Have `make` look in the tree, as a user, for what the app needs to run from its sources."""
    user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    return tree.run(*user, "make", "-C", "/tmp", "bridge-system")  # noqa: S108


def check_make_asks(tree: CleanTree) -> list[str]:
    """Check that `make` says what is missing, and return that."""
    tree.install("make")
    shutil.copy(ROOT / "Makefile", tree.root / "tmp")
    asked = run_make(tree)
    line = re.search(r"sudo apt-get install -y --no-install-recommends (.*)", asked.stdout)
    expect(asked.returncode != 0 and line is not None, asked.stdout + asked.stderr)
    assert line is not None
    wanted = line[1].split()
    expect(
        {"gcc", "libglib2.0-bin", "libxcb-icccm4", "libxcb-keysyms1"} <= set(wanted), str(wanted)
    )
    expect("chromium" not in wanted, "it asks for what only the tests need")
    return wanted


def check_make_is_content(tree: CleanTree, wanted: list[str]) -> None:
    """Check that `make` asks for nothing more once it has what it asked for."""
    tree.install(*wanted)
    content = run_make(tree)
    expect(content.returncode == 0, content.stdout + content.stderr)


def check_removal(tree: CleanTree) -> None:
    """Check that nothing is left of the package when it is removed."""
    done = tree.run("apt-get", "purge", "-qq", "-y", NAME)
    expect(done.returncode == 0, done.stderr)
    left = [
        path for path in tree.root.rglob(f"*{NAME}*") if not re.search("/apt/|/dpkg/", str(path))
    ]
    expect(left == [] or all("/tmp/" in str(path) for path in left), str(left))  # noqa: S108


def check(package: Path) -> None:
    """Check a package in a clean tree."""
    with clean_tree() as tree:
        shutil.copy(package, tree.root / "tmp")
        tree.run("apt-get", "update", "-qq")
        wanted = check_make_asks(tree)
        tree.install(f"/tmp/{package.name}")  # noqa: S108
        check_commands(tree)
        check_integration(tree)
        check_removal(tree)
        check_make_is_content(tree, wanted)


def main() -> None:
    """Check a package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, nargs="?")
    parser.add_argument(
        "--where-possible",
        action="store_true",
        help="check nothing, and do not fail, where no clean tree can be made",
    )
    given = parser.parse_args()
    package = given.package or next((WORK / "dist").glob(f"{NAME}_*.deb"))
    try:
        check(package)
    except NoTreeError:
        if not given.where_possible:
            raise SystemExit("FAILED: debootstrap made no tree.") from None
        sys.stdout.write("Not checked: no clean tree of Debian can be made here.\n")
        return
    sys.stdout.write(f"{package.name} installs and runs in a clean Debian.\n")


if __name__ == "__main__":
    main()
