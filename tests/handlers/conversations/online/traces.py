"""Looking for what must be nowhere: every secret a test made, in every place where words end up.

A code may stand in the message that revealed it and a one-time code in its mail, nowhere else.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.typing import EventDict, WrappedLogger

from sandbox.engine import Engine
from services.authority.embedded.certificates import issuing
from services.authority.embedded.counter import Counter
from services.authority.embedded.credentials.one_time_codes import OneTimeCodes
from services.authority.embedded.credentials.subscriber_codes import PreparedCode, SubscriberCodes
from services.formats.hidden import Hidden
from tests.chat import Json

PINS = ("first123", "second45", "wrong999", "third789")
"""What the tests type on a PC."""
UI_NUMBER, CARD_NUMBER, CODE, ONE_TIME_CODE, PIN = (
    "UI No.", "card number", "code", "one-time code", "PIN",
)  # fmt: skip
PRINTED = structlog.dev.ConsoleRenderer(
    colors=False, exception_formatter=structlog.dev.plain_traceback
)
"""Without the locals of every frame, which take seconds to print."""
CHATTY = ("aiosqlite", "alembic", "asyncio", "telegram", "aiohttp.access", "markdown_it")
"""Libraries that a bot never logs in full (`bot.logs`), and one that reads our own texts."""


@dataclass
class Traces:
    """Secrets, and the places where they must not be.

    :ivar secrets: what each is; one may have been made several times.
    :ivar logged: every line of the log, of every level.
    """

    engine: Engine
    folder: Path
    secrets: dict[str, str] = field(default_factory=lambda: dict.fromkeys(PINS, PIN))
    logged: list[str] = field(default_factory=list)

    def learn(self, kind: str, secret: Hidden | str) -> None:
        """Look for one more secret."""
        self.secrets[secret.reveal() if isinstance(secret, Hidden) else secret] = kind

    def found(self) -> list[str]:
        """Give where something is that must not be there; without the secret itself."""
        if not any(kind != PIN for kind in self.secrets.values()):
            return []
        return [
            f"{kind} in {place}"
            for place, text, allowed in self._places()
            for secret, kind in self.secrets.items()
            if kind not in allowed and holds(text, secret.lower().encode(), kind)
        ]

    def _places(self) -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
        """Give each place with its content in small letters, and what may stand there."""
        for path in sorted(self.folder.iterdir()):
            if path.is_file():
                yield path.name, path.read_bytes().lower(), ()
        yield "the log", _text(self.logged), ()
        for mail in self.engine.world.mailbox.mails:
            yield f"mail {mail.id}", _text(mail.as_json()), (ONE_TIME_CODE,)
        for chat in self.engine.world.chats.values():
            told = [m for m in chat.current_messages() if not _reveals(m)]
            yield f"chat {chat.id}", _text(told), ()
            yield (
                f"a code shown in chat {chat.id}",
                _text([m for m in chat.current_messages() if _reveals(m)]),
                (CODE,),
            )


def _reveals(message: Json) -> bool:
    """Tell whether a message is there to show a code, under its spoiler."""
    return any(entity["type"] == "spoiler" for entity in message.get("entities", []))


def _text(value: object) -> bytes:
    """Give every word of a value, in small letters."""
    return "\0".join(_words(value)).lower().encode()


def _words(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _words(each)
    else:
        yield str(value)


def holds(text: bytes, secret: bytes, kind: str) -> bool:
    """Tell whether a secret is there; of more digits a one-time code is no part."""
    if secret not in text:
        return False
    alone = rb"(?:(?<![a-z0-9.+/])|(?<=\\n))" + secret + rb"(?![a-z0-9+/=])"
    return kind != ONE_TIME_CODE or re.search(alone, text, re.IGNORECASE) is not None


@contextmanager
def looked_for(engine: Engine, folder: Path) -> Iterator[Traces]:
    """Learn every secret that is made while the block runs, and hear every line of the log."""
    traces = Traces(engine, folder)
    with pytest.MonkeyPatch.context() as patch:
        _learns_from_makers(patch, traces)
        structlog.configure(processors=[_recorder(traces), PRINTED])
        handler, root = _Heard(traces.logged), logging.getLogger()
        before = {name: logging.getLogger(name).level for name in CHATTY}
        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        yield traces
        root.removeHandler(handler)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _learns_from_makers(patch: pytest.MonkeyPatch, traces: Traces) -> None:
    apply, prepare, one_time = Counter.apply, SubscriberCodes.prepare, OneTimeCodes.derive
    card_number = issuing._draw_card_number

    async def applies(self: Counter, data: Any, *rest: Any, **more: Any) -> Any:
        traces.learn(UI_NUMBER, data.ui_number)
        return await apply(self, data, *rest, **more)

    async def prepares(self: SubscriberCodes, *rest: Any, **more: Any) -> PreparedCode:
        prepared = await prepare(self, *rest, **more)
        traces.learn(CODE, prepared.code)
        return prepared

    def derives(self: OneTimeCodes, challenge_id: str) -> Any:
        code = one_time(self, challenge_id)
        traces.learn(ONE_TIME_CODE, code)
        return code

    def draws(*rest: Any) -> Any:
        number = card_number(*rest)
        traces.learn(CARD_NUMBER, number)
        return number

    patch.setattr(Counter, "apply", applies)
    patch.setattr(SubscriberCodes, "prepare", prepares)
    patch.setattr(OneTimeCodes, "derive", derives)
    patch.setattr(issuing, "_draw_card_number", draws)


def _recorder(traces: Traces) -> Callable[[WrappedLogger, str, EventDict], Mapping[str, Any]]:
    def record(_logger: WrappedLogger, _method: str, event: EventDict) -> Mapping[str, Any]:
        traces.logged.append(" ".join(map(str, event.values())))
        return event

    return record


class _Heard(logging.Handler):
    """Writes every line down."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))
