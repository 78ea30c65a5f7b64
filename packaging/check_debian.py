"""Installs the Debian package in a clean tree of Debian and tries it out. Needs root.

    python packaging/check_debian.py [PACKAGE]

The tree is made by debootstrap of the release that runs here, with the mirror of `apt`, and removed
in the end.
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

from debian import NAME, WORK, package_version

MIRROR = "http://deb.debian.org/debian"
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
        done = self.run("apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages)
        expect(done.returncode == 0, done.stdout + done.stderr)


def expect(holds: bool, otherwise: str) -> None:
    """End the check where something does not hold."""
    if not holds:
        raise SystemExit(f"FAILED: {otherwise}")


@contextmanager
def clean_tree() -> Iterator[CleanTree]:
    """Make a tree for the duration of a `with` block."""
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    with tempfile.TemporaryDirectory(prefix="kaika-tree-") as folder:
        root = Path(folder) / "root"
        command = ["debootstrap", "--variant=minbase", suite, str(root), MIRROR]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
        (root / "usr/sbin/policy-rc.d").chmod(0o755)
        shutil.copy("/etc/resolv.conf", root / "etc")
        for file in Path("/etc/apt/apt.conf.d").glob("*proxy*"):
            shutil.copy(file, root / "etc/apt/apt.conf.d")
        yield CleanTree(root)


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


def check_removal(tree: CleanTree) -> None:
    """Check that nothing is left of the package when it is removed."""
    done = tree.run("apt-get", "purge", "-qq", "-y", NAME)
    expect(done.returncode == 0, done.stderr)
    left = [
        path for path in tree.root.rglob(f"*{NAME}*") if not re.search("/apt/|/dpkg/", str(path))
    ]
    expect(left == [] or all("/tmp/" in str(path) for path in left), str(left))  # noqa: S108


def main() -> None:
    """Check a package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, nargs="?")
    given = parser.parse_args()
    package = given.package or next((WORK / "dist").glob(f"{NAME}_*.deb"))
    with clean_tree() as tree:
        shutil.copy(package, tree.root / "tmp")
        tree.run("apt-get", "update", "-qq")
        tree.install(f"/tmp/{package.name}")  # noqa: S108
        check_commands(tree)
        check_integration(tree)
        check_removal(tree)
    sys.stdout.write(f"{package.name} installs and runs in a clean Debian.\n")


if __name__ == "__main__":
    main()
