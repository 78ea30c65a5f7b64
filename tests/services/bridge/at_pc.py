"""The real bridge as it runs on a PC, with a person who follows a script."""

from collections.abc import Coroutine
from typing import Any

from reader_bridge.card.connection import CardReaders
from reader_bridge.client import client
from reader_bridge.prompter import ExitReason, PinKind
from tests.reader_bridge.scripted_prompter import ScriptedPrompter


def somebody(code: str, pin: bytes) -> ScriptedPrompter:
    """Give a person who types a code, says yes to everything, and keeps to one PIN."""
    return ScriptedPrompter([code], {PinKind.CURRENT: [pin], PinKind.NEW: [pin]})


def dials(
    url: str, readers: CardReaders, person: ScriptedPrompter
) -> Coroutine[Any, Any, ExitReason]:
    """Run their bridge, until it is cancelled."""
    return client.run_bridge(
        url=url,
        host="127.0.0.1",
        tls=None,
        readers=readers,
        prompter=person,
        language="en",
        app_version="1",
    )
