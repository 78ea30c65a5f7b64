"""Which extra of the package brings what is not installed."""

import sys

_EXTRAS = {"asyncpg": "server,postgresql"}
"""The extra that brings a module, where it is not the server's own."""
_OURS = frozenset({"bot", "handlers", "locales", "reader_bridge", "services"})


def advice(error: ModuleNotFoundError) -> str | None:
    """Return a line that says what to install; `None` for a missing module of ours or Python's."""
    module = (error.name or "").partition(".")[0]
    if not module or module in _OURS or module in sys.stdlib_module_names:
        return None
    extra = _EXTRAS.get(module, "server")
    return f"{module} is not installed. Run: pip install 'kaika[{extra}]'"
