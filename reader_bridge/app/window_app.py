"""From start to end in a window."""

import importlib
import os
import sys

from reader_bridge.app.options import Options
from reader_bridge.app.startup_errors import NoWindowError


def run(options: Options, language: str) -> None:
    """Open the window, connect, and stay until the person or the server ends it.

    :raises NoWindowError: where the toolkit or a screen is missing.
    """
    try:
        importlib.import_module("PySide6.QtWidgets")
    except ImportError as error:
        raise NoWindowError from error
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in screens):
        raise NoWindowError
    from reader_bridge.app.window import controller

    if problem := controller.run(options, language):
        raise problem
