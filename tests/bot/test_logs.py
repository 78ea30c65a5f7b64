"""Logs contain the update's id and no secret, tracebacks included."""

import json
import logging
from typing import Any

import pytest
import structlog
from aiohttp.http_exceptions import BadHttpMessage

from bot import logs

TOKEN = "123456789:AAtests-use-this-token-0123456789abc"


def _configure() -> None:
    # In the test itself: the error stream is another one while fixtures are set up.
    logs.configure("info", "json", ["s3cret-value"])


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_our_lines_and_the_libraries_carry_the_update_id(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _configure()
    with structlog.contextvars.bound_contextvars(update_id=42):
        structlog.get_logger().info("answered")
        logging.getLogger("some.library").warning("hm")
    first, second = _lines(capsys)
    assert (first["event"], first["update_id"]) == ("answered", 42)
    assert (second["event"], second["update_id"]) == ("hm", 42)


@pytest.mark.parametrize("secret", [TOKEN, "s3cret-value", "A800000014", "GP12345678901234"])
def test_a_secret_is_redacted_wherever_it_stands(
    capsys: pytest.CaptureFixture[str], secret: str
) -> None:
    _configure()
    log = structlog.get_logger()
    log.info(f"event with {secret}", value=secret, nested={"deep": [secret]})
    logging.getLogger("some.library").warning("an argument: %s", secret)
    try:
        raise ValueError(f"https://api.telegram.org/bot{secret}/getMe")
    except ValueError:
        log.exception("failed")
        logging.getLogger("some.library").exception("failed too")
    written = capsys.readouterr().err
    assert secret not in written
    assert written.count("ValueError") >= 2, "the traceback itself is there"
    assert logs.REDACTED in written


def test_what_strangers_send_that_is_no_http_fills_no_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _configure()
    log = logging.getLogger("aiohttp.server")
    for error in (BadHttpMessage("no HTTP"), ValueError("ours")):
        log.error("Error handling request", exc_info=error)
    (line,) = _lines(capsys)
    assert "ours" in line["exception"]
