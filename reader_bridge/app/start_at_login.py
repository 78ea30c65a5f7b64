"""Starting the app when the person logs in. It is off until they choose it.

On Linux by a file of the Desktop Application Autostart specification, on macOS by a launch agent,
on Windows by the user's Run key. Only Linux is tried by a test.
"""

import os
import plistlib
import sys
from pathlib import Path
from typing import Final

_NAME: Final = "kaika-bridge"
_AGENT: Final = "kaika.bridge"
_RUN_KEY: Final = r"Software\Microsoft\Windows\CurrentVersion\Run"


def is_enabled() -> bool:
    """Whether the app starts when the person logs in."""
    if sys.platform == "win32":
        return _windows_value() is not None
    return _file().exists()


def enable() -> None:
    """Start the app, in its window, whenever the person logs in.

    :raises OSError: it cannot be written.
    """
    command = _command()
    if sys.platform == "win32":
        import winreg

        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, _RUN_KEY) as key:
            text = " ".join(f'"{word}"' for word in command)
            winreg.SetValueEx(key, _NAME, 0, winreg.REG_SZ, text)
        return
    file = _file()
    file.parent.mkdir(parents=True, exist_ok=True)
    if sys.platform == "darwin":
        agent = {"Label": _AGENT, "ProgramArguments": command, "RunAtLoad": True}
        file.write_bytes(plistlib.dumps(agent))
    else:
        words = " ".join(_quote(word) for word in command)
        file.write_text(
            f"[Desktop Entry]\nType=Application\nName=Kaika Bridge\nExec={words}\n"
            "X-GNOME-Autostart-enabled=true\n",
            encoding="utf-8",
        )


def disable() -> None:
    """Start it no longer.

    :raises OSError: it cannot be removed.
    """
    if sys.platform == "win32":
        import winreg

        if _windows_value() is not None:
            with winreg.CreateKey(winreg.HKEY_CURRENT_USER, _RUN_KEY) as key:
                winreg.DeleteValue(key, _NAME)
        return
    _file().unlink(missing_ok=True)


def _command() -> list[str]:
    """Return the command that opens the window, by absolute paths."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "window"]
    return [sys.executable, "-m", "reader_bridge.app", "window"]


def _file() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "LaunchAgents" / f"{_AGENT}.plist"
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "autostart" / f"{_NAME}.desktop"


def _quote(word: str) -> str:
    """Return a word as the Exec key of the Desktop Entry specification quotes it."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`")
    escaped = escaped.replace("$", "\\$").replace("%", "%%")
    return '"' + escaped.replace("\\", "\\\\") + '"'


def _windows_value() -> str | None:
    if sys.platform != "win32":
        return None
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _RUN_KEY) as key:
            return str(winreg.QueryValueEx(key, _NAME)[0])
    except OSError:
        return None
