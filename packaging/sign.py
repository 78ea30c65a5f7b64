"""Writes SHA256SUMS of the packages in a folder, and signs it.

    python packaging/sign.py FOLDER --key FILE

The key is an ed25519 key of OpenSSH, which never lies in the project. Windows, macOS and Linux all
bring what checks the signature: `ssh-keygen -Y verify`.
"""

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

SUMS = "SHA256SUMS"
NAMESPACE = "kaika-bridge"
"""What the signature is for: one made with the same key for something else is not taken."""


def write_sums(folder: Path) -> Path:
    """Write the sums of all files in a folder, as sha256sum does."""
    sums = folder / SUMS
    files = sorted(path for path in folder.iterdir() if path.is_file())
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in files
        if path.name not in (SUMS, f"{SUMS}.sig")
    ]
    if not lines:
        raise SystemExit(f"{folder} holds no package.")
    sums.write_text("".join(lines), encoding="utf-8", newline="\n")
    return sums


def sign(path: Path, key: Path) -> Path:
    """Sign a file and return the path of the signature."""
    signature = path.with_name(f"{path.name}.sig")
    signature.unlink(missing_ok=True)
    command = ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(path)]
    subprocess.run(command, check=True)  # noqa: S603
    return signature


def main() -> None:
    """Write and sign the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the packages are")
    parser.add_argument("--key", type=Path, required=True, help="the private key, from elsewhere")
    given = parser.parse_args()
    signature = sign(write_sums(given.folder), given.key)
    sys.stdout.write(f"Signed: {signature}\n")


if __name__ == "__main__":
    main()
