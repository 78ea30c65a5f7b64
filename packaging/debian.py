"""Builds the Debian package of the bridge app from what build.py has built.

    python packaging/debian.py

Libraries that Debian has are left to it, so that its security updates reach them; the package
depends on those that have them, as dpkg-shlibdeps finds.
"""

import argparse
import gzip
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = ROOT / "packaging" / "linux"
WORK = ROOT / "build" / "package"
NAME = "kaika-bridge"
PROGRAMS = Path("usr/lib") / NAME
DEPENDS = ("ca-certificates", "libccid", "libpcsclite1", "pcscd")
"""What is opened while the program runs, which no library names."""
RECOMMENDS = ("fonts-noto-cjk",)
DESCRIPTION = """\
lets a Kaika chat reach the card in your reader
 Kaika is a Telegram bot for holders of Taiwan's alien citizen natural person
 certificate. This app runs on their PC: it does six named operations on the
 card, asks for the PIN, and sends the PIN to nobody but the card.
"""


def package_version() -> str:
    """Return the version of the project."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def print_output(*command: str | Path, cwd: Path | None = None) -> str:
    """Return what a command prints; raises where it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=cwd)  # noqa: S603
    return done.stdout


def is_library(path: Path) -> bool:
    """Whether a file is a program or library of Linux."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def remove_system_libraries(folder: Path) -> None:
    """Remove the copies of libraries that belong to a Debian package of this machine."""
    machine = print_output("dpkg-architecture", "-qDEB_HOST_MULTIARCH").strip()
    for path in sorted(folder.glob("*.so*")):
        known = [Path(base) / machine / path.name for base in ("/usr/lib", "/lib")]
        if path.name.startswith("libpython"):
            continue  # the program loads it by its path
        if any(owner_of(place) for place in known if place.exists()):
            path.unlink()


def owner_of(path: Path) -> str | None:
    """Return the Debian package that a file belongs to."""
    found = subprocess.run(  # noqa: S603
        ["dpkg-query", "-S", str(path)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.split(":", 1)[0] if found.returncode == 0 else None


def find_dependencies(folder: Path) -> list[str]:
    """Return the packages that the libraries in a folder need, with their least versions."""
    libraries = [path for path in folder.rglob("*") if is_library(path)]
    if not libraries:
        return []
    own = sorted({path.parent for path in libraries})
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "debian").mkdir()
        (Path(scratch) / "debian" / "control").write_text(
            f"Source: {NAME}\n\nPackage: {NAME}\nArchitecture: any\n"
        )
        printed = print_output(
            "dpkg-shlibdeps",
            "-O",
            "--ignore-missing-info",
            "--warnings=0",
            *(f"-l{path}" for path in own),
            *libraries,
            cwd=Path(scratch),
        )
    listed = printed.partition("shlibs:Depends=")[2].strip()
    return [each for each in re.split(r",\s*", listed) if each]


def lay_out(programs: Path, tree: Path) -> None:
    """Copy everything to where it is installed."""
    shutil.copytree(programs, tree / PROGRAMS, symlinks=True)
    (tree / PROGRAMS / "Kaika Bridge").unlink(missing_ok=True)  # the same with --window
    remove_system_libraries(tree / PROGRAMS / "_internal")
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin" / NAME).symlink_to(Path("../lib") / NAME / NAME)
    share = tree / "usr/share"
    for source, target in {
        f"{NAME}.desktop": "applications",
        f"{NAME}-link.desktop": "applications",
        f"{NAME}.svg": "icons/hicolor/scalable/apps",
        "copyright": f"doc/{NAME}",
    }.items():
        (share / target).mkdir(parents=True, exist_ok=True)
        shutil.copy(FILES / source, share / target)
    compress(FILES / f"{NAME}.1", share / "man/man1" / f"{NAME}.1.gz")
    compress(ROOT / "CHANGELOG.md", share / "doc" / NAME / "changelog.gz")


def compress(source: Path, target: Path) -> None:
    """Write a file compressed, with nothing in it that changes from build to build."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(gzip.compress(source.read_bytes(), 9, mtime=0))


def set_modes(tree: Path) -> None:
    """Let everybody read, and nobody but the owner write."""
    for path in tree.rglob("*"):
        if not path.is_symlink():
            is_program = path.is_dir() or path == tree / PROGRAMS / NAME
            path.chmod(0o755 if is_program else 0o644)


def write_control(tree: Path, version: str, architecture: str) -> None:
    """Write the package's description."""
    depends = sorted({*DEPENDS, *find_dependencies(tree / PROGRAMS)})
    size = sum(path.lstat().st_size for path in tree.rglob("*") if path.is_file()) // 1024
    (tree / "DEBIAN").mkdir(mode=0o755)
    (tree / "DEBIAN" / "control").write_text(
        f"Package: {NAME}\nVersion: {version}\nArchitecture: {architecture}\n"
        f"Maintainer: Kaika <kaika@example.com>\nInstalled-Size: {size}\n"
        f"Depends: {', '.join(depends)}\nRecommends: {', '.join(RECOMMENDS)}\n"
        f"Section: utils\nPriority: optional\nDescription: {DESCRIPTION}"
    )


def build_package(programs: Path, target: Path) -> Path:
    """Build the package and return its path.

    :param programs: the folder that PyInstaller has made.
    """
    version, architecture = package_version(), print_output("dpkg", "--print-architecture").strip()
    package = target / f"{NAME}_{version}_{architecture}.deb"
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "tree"
        tree.mkdir(mode=0o755)
        lay_out(programs, tree)
        write_control(tree, version, architecture)
        set_modes(tree)
        print_output("dpkg-deb", "--root-owner-group", "-Zxz", "--build", tree, package)
    return package


def main() -> None:
    """Build the package of the app in build/package/dist."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=Path, default=WORK / "dist" / "Kaika Bridge")
    parser.add_argument("--target", type=Path, default=WORK / "dist")
    given = parser.parse_args()
    package = build_package(given.programs, given.target)
    sys.stdout.write(f"Built: {package} ({package.stat().st_size / 1e6:.1f} MB)\n")


if __name__ == "__main__":
    main()
