"""Structured logs with the update id in every line, and secrets redacted everywhere.

Log lines of libraries (stdlib logging), tracebacks included, pass through the same processors.
"""

import logging
import re
import sys
from collections.abc import Iterable

import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "•••"

_PATTERNS = (
    re.compile(r"(?<!\d)\d{5,}+:[A-Za-z0-9_-]{20,}"),  # bot token
    re.compile(r"(?<![A-Z0-9])[A-Z][A-D89]\d{8}(?!\d)"),  # UI No. 統一證號
    re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{14}(?!\d)"),  # IC card number IC卡卡號
)


class Redactor:
    """Replaces `secrets` and anything of their kind by •••."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted((s for s in secrets if s), key=len, reverse=True)

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """Redact every value of a log line (structlog's processor protocol)."""
        return {key: self._redact_value(value) for key, value in event.items()}

    def _redact_value(self, value: object) -> object:
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.redact(value if isinstance(value, str) else repr(value))

    def redact(self, text: str) -> str:
        """Return `text` without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        for pattern in _PATTERNS:
            text = pattern.sub(REDACTED, text)
        return text


def configure(level: str, style: str, secrets: Iterable[str]) -> None:
    """Send every log line, ours and those of libraries, to standard error.

    :param style: ``console`` for people, ``json`` for machines.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    finish: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        Redactor(secrets),
        _renderer(style),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=finish)
    )
    # Otherwise a line that cannot be written would be printed with its secrets.
    logging.raiseExceptions = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("aiohttp.access", "alembic", "aiosqlite", "telegram", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("aiohttp.server").addFilter(_is_not_malformed_request)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _is_not_malformed_request(record: logging.LogRecord) -> bool:
    """Log filter for malformed HTTP requests, which anybody can send to a public listener."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


def _renderer(style: str) -> Processor:
    if style == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
