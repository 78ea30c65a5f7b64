"""Leak detection: every secret a test made is looked for in files, logs, chats and mails.

A code may be in the message that revealed it and a one-time code in its mail, nowhere else.
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
from tests.bot_harness import Json

PINS = ("first123", "second45", "wrong999", "third789")
"""What the tests type on a PC."""
UI_NUMBER, CARD_NUMBER, CODE, ONE_TIME_CODE, PIN = (
    "UI No.", "card number", "code", "one-time code", "PIN",
)  # fmt: skip
RENDERER = structlog.dev.ConsoleRenderer(
    colors=False, exception_formatter=structlog.dev.plain_traceback
)
"""Without the locals of every frame, which take seconds to print."""
QUIET_LOGGERS = ("aiosqlite", "alembic", "asyncio", "telegram", "aiohttp.access", "markdown_it")
"""Libraries that the bot never logs in full (`bot.logs`), and one that parses our own texts."""


@dataclass
class LeakDetector:
    """Secrets, and the places where they must not be.

    :ivar secrets: the kind of each secret.
    :ivar log_lines: every line of the log, of every level.
    """

    engine: Engine
    folder: Path
    secrets: dict[str, str] = field(default_factory=lambda: dict.fromkeys(PINS, PIN))
    log_lines: list[str] = field(default_factory=list)

    def add_secret(self, kind: str, secret: Hidden | str) -> None:

        self.secrets[secret.reveal() if isinstance(secret, Hidden) else secret] = kind

    def find_leaks(self) -> list[str]:
        """Return where a secret leaked to, without the secret itself."""
        if not any(kind != PIN for kind in self.secrets.values()):
            return []
        return [
            f"{kind} in {place}"
            for place, text, allowed in self._places()
            for secret, kind in self.secrets.items()
            if kind not in allowed and contains_secret(text, secret.lower().encode(), kind)
        ]

    def _places(self) -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
        """Yield each place with its content in lower case, and the kinds that may be there."""
        for path in sorted(self.folder.iterdir()):
            if path.is_file():
                yield path.name, path.read_bytes().lower(), ()
        yield "the log", _lower_text(self.log_lines), ()
        for mail in self.engine.world.mailbox.mails:
            yield f"mail {mail.id}", _lower_text(mail.as_json()), (ONE_TIME_CODE,)
        for chat in self.engine.world.chats.values():
            messages = [m for m in chat.current_messages() if not _is_code_reveal(m)]
            yield f"chat {chat.id}", _lower_text(messages), ()
            yield (
                f"a code shown in chat {chat.id}",
                _lower_text([m for m in chat.current_messages() if _is_code_reveal(m)]),
                (CODE,),
            )


def _is_code_reveal(message: Json) -> bool:
    """Whether a message shows a code, under a spoiler."""
    return any(entity["type"] == "spoiler" for entity in message.get("entities", []))


def _lower_text(value: object) -> bytes:
    """Return every string in a value, in lower case."""
    return "\0".join(_strings_in(value)).lower().encode()


def _strings_in(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _strings_in(each)
    else:
        yield str(value)


def contains_secret(text: bytes, secret: bytes, kind: str) -> bool:
    """Whether a secret is in a text; a one-time code does not count as part of a longer number."""
    if secret not in text:
        return False
    alone = rb"(?:(?<![a-z0-9.+/])|(?<=\\n))" + secret + rb"(?![a-z0-9+/=])"
    return kind != ONE_TIME_CODE or re.search(alone, text, re.IGNORECASE) is not None


@contextmanager
def detect_leaks(engine: Engine, folder: Path) -> Iterator[LeakDetector]:
    """Collect every secret that is made and every line that is logged while the block runs."""
    detector = LeakDetector(engine, folder)
    with pytest.MonkeyPatch.context() as patch:
        _patch_secret_factories(patch, detector)
        structlog.configure(processors=[_log_recorder(detector), RENDERER])
        handler, root = _LogLineHandler(detector.log_lines), logging.getLogger()
        before = {name: logging.getLogger(name).level for name in QUIET_LOGGERS}
        for name in QUIET_LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        yield detector
        root.removeHandler(handler)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _patch_secret_factories(patch: pytest.MonkeyPatch, detector: LeakDetector) -> None:
    apply, prepare, one_time = Counter.apply, SubscriberCodes.prepare, OneTimeCodes.derive
    card_number = issuing._generate_card_number

    async def recorded_apply(self: Counter, data: Any, *rest: Any, **more: Any) -> Any:
        detector.add_secret(UI_NUMBER, data.ui_number)
        return await apply(self, data, *rest, **more)

    async def recorded_prepare(self: SubscriberCodes, *rest: Any, **more: Any) -> PreparedCode:
        prepared = await prepare(self, *rest, **more)
        detector.add_secret(CODE, prepared.code)
        return prepared

    def recorded_code(self: OneTimeCodes, challenge_id: str) -> Any:
        code = one_time(self, challenge_id)
        detector.add_secret(ONE_TIME_CODE, code)
        return code

    def recorded_card_number(*rest: Any) -> Any:
        number = card_number(*rest)
        detector.add_secret(CARD_NUMBER, number)
        return number

    patch.setattr(Counter, "apply", recorded_apply)
    patch.setattr(SubscriberCodes, "prepare", recorded_prepare)
    patch.setattr(OneTimeCodes, "derive", recorded_code)
    patch.setattr(issuing, "_generate_card_number", recorded_card_number)


def _log_recorder(
    detector: LeakDetector,
) -> Callable[[WrappedLogger, str, EventDict], Mapping[str, Any]]:
    def record(_logger: WrappedLogger, _method: str, event: EventDict) -> Mapping[str, Any]:
        detector.log_lines.append(" ".join(map(str, event.values())))
        return event

    return record


class _LogLineHandler(logging.Handler):
    """Appends every line to a list."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))
