"""Learns for the FAQ search while the package is built, so that the bot need not at every start.

Everything else about the package is in ``pyproject.toml``.
"""

import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


class BuildWithIndex(build_py):
    """Builds the modules, and the index of the FAQ search beside them."""

    def run(self) -> None:
        """Build; in an editable installation the entries change, so nothing is learnt ahead."""
        super().run()
        if not self.editable_mode:
            index = Path(self.build_lib).resolve() / "services" / "faq" / "index.npz"
            command = [sys.executable, "-m", "services.faq.learn_index", str(index)]
            subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603


setup(cmdclass={"build_py": BuildWithIndex})
