"""The last step of `kaika-bridge check`: whether a Kaika server answers at the address."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

from reader_bridge.app.address import ServerAddress
from reader_bridge.app.check.run import CheckOutcome, CheckStep, Finding
from reader_bridge.client.client import UpdateRequiredError, is_older, receive_expected
from reader_bridge.client.proxies import ProxySettings
from reader_bridge.client.websocket import ServerConnectionError, ServerConnector
from reader_bridge.prompter import ConnectionProblem, ProxyLogin, ProxyLoginRequest
from reader_bridge.protocol import ProtocolError
from reader_bridge.protocol.limits import API_LEVEL, GREETING_SECONDS
from reader_bridge.protocol.pairing_messages import Greeting

PROBLEM_CODES: Final = {
    ConnectionProblem.UNREACHABLE: "server_unreachable",
    ConnectionProblem.NAME_UNKNOWN: "server_name_unknown",
    ConnectionProblem.SILENT: "server_silent",
    ConnectionProblem.CERTIFICATE: "server_not_trusted",
    ConnectionProblem.NOT_A_SERVER: "server_not_kaika",
    ConnectionProblem.WEB_PAGE: "server_web_page",
    ConnectionProblem.RESTING: "server_resting",
    ConnectionProblem.BUSY: "server_busy",
    ConnectionProblem.PROXY_INVALID: "proxy_invalid",
    ConnectionProblem.PROXY_UNREACHABLE: "proxy_unreachable",
    ConnectionProblem.PROXY_CANNOT_REACH: "proxy_cannot_reach",
    ConnectionProblem.PROXY_REFUSED: "proxy_refused",
    ConnectionProblem.PROXY_LOGIN: "proxy_login",
    ConnectionProblem.PROXY_LOGIN_UNKNOWN: "proxy_login_unknown",
}
_ALIASES: Final = {
    ConnectionProblem.GOING_DOWN: ConnectionProblem.RESTING,
    ConnectionProblem.LOST: ConnectionProblem.NOT_A_SERVER,
    ConnectionProblem.MISUNDERSTOOD: ConnectionProblem.NOT_A_SERVER,
}
"""Problems that mean something else before the greeting than after it."""


async def check_server(
    address: ServerAddress | None,
    trusted: ssl.SSLContext,
    seconds: float = GREETING_SECONDS,
    proxies: ProxySettings | None = None,
) -> Finding:
    """Connect, receive the greeting and disconnect. The server is sent nothing."""
    if address is None:
        return Finding(CheckStep.SERVER, CheckOutcome.SKIPPED, "no_server_yet")
    values = {"host": address.host}
    outcome, code = CheckOutcome.FAILED, PROBLEM_CODES[ConnectionProblem.NOT_A_SERVER]
    try:
        greeting = await _receive_greeting(
            ServerConnector(address.url, trusted, seconds, proxies), seconds
        )
        if API_LEVEL in greeting.api_levels:
            outcome, code = CheckOutcome.OK, "server_answers"
        else:
            code = "server_older" if is_older(greeting) else "server_other"
    except TimeoutError:
        code = PROBLEM_CODES[ConnectionProblem.SILENT]
    except ServerConnectionError as error:
        code = PROBLEM_CODES[_ALIASES.get(error.problem, error.problem)]
        if error.proxy:
            values["proxy"] = error.proxy
    except UpdateRequiredError:
        code = "server_other"
    except ProtocolError:
        pass
    return Finding(CheckStep.SERVER, outcome, code, values)


async def find_server(
    address: ServerAddress,
    trusted: ssl.SSLContext,
    proxies: ProxySettings,
    ask_login: Callable[[ProxyLoginRequest], Awaitable[ProxyLogin | None]],
) -> Finding:
    """Check a server, and ask for name and password where a proxy before it wants them."""
    is_refused = False
    while True:
        finding = await check_server(address, trusted, proxies=proxies)
        if finding.code != PROBLEM_CODES[ConnectionProblem.PROXY_LOGIN]:
            return finding
        request = ProxyLoginRequest(str(finding.values["proxy"]), is_refused)
        login = await ask_login(request)
        if login is None:
            return finding
        proxies.use_login(login)
        is_refused = True


async def _receive_greeting(connector: ServerConnector, seconds: float) -> Greeting:
    async with connector.connect() as connection, asyncio.timeout(seconds):
        return await receive_expected(connection, Greeting)
