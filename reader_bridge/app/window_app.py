"""The app in a window, from start to end."""

import importlib
import os
import sys

from reader_bridge.app.options import CommandOptions
from reader_bridge.app.startup_errors import WindowUnavailableError


def run_in_window(options: CommandOptions, language: str) -> None:
    """Open the window, connect, and stay until the person or the server ends it.

    :raises WindowUnavailableError: the toolkit or a screen is missing.
    """
    try:
        importlib.import_module("PySide6.QtWidgets")
    except ImportError as error:
        raise WindowUnavailableError from error
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in screens):
        raise WindowUnavailableError
    from reader_bridge.app.window import controller

    if problem := controller.run_window(options, language):
        raise problem
