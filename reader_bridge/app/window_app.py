"""The app in a window, from start to end."""

import importlib
import os
import subprocess
import sys

from reader_bridge.app.options import CommandOptions
from reader_bridge.app.startup_errors import WindowUnavailableError

PROBE = "KAIKA_BRIDGE_PROBE"
"""Environment variable of the process that tries whether Qt reaches the screen."""
_PROBE_SECONDS = 20


def probe_screen() -> None:
    """Connect Qt to the screen. It ends the process where it cannot, with no way to catch it."""
    from PySide6.QtGui import QGuiApplication

    QGuiApplication([])


def _is_screen_reachable() -> bool:
    """Whether Qt reaches the screen and has the libraries it needs; another process tries it."""
    own = [] if getattr(sys, "frozen", False) else ["-m", "reader_bridge.app"]
    try:
        tried = subprocess.run(  # noqa: S603 - this program itself
            [sys.executable, *own],
            env={**os.environ, PROBE: "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0


def run_in_window(options: CommandOptions, language: str) -> None:
    """Open the window, connect, and stay until the person or the server ends it.

    :raises WindowUnavailableError: the toolkit or a screen is missing.
    """
    try:
        importlib.import_module("PySide6.QtWidgets")
    except ImportError as error:
        raise WindowUnavailableError from error
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform == "linux":
        is_named = any(os.environ.get(name) for name in screens)
        if not is_named or not _is_screen_reachable():
            raise WindowUnavailableError
    from reader_bridge.app.window import controller

    if problem := controller.run_window(options, language):
        raise problem
