"""The last step of `kaika-bridge check`: whether a Kaika server answers at the address."""

import asyncio
import ssl

import aiohttp

from reader_bridge.app.address import ServerAddress
from reader_bridge.app.check.run import CheckOutcome, CheckStep, Finding
from reader_bridge.protocol import ProtocolError, parse_frame
from reader_bridge.protocol.limits import (
    API_LEVEL,
    GREETING_SECONDS,
    MAX_FRAME_BYTES,
    SUBPROTOCOL,
)
from reader_bridge.protocol.pairing_messages import Greeting


async def check_server(
    address: ServerAddress | None, trusted: ssl.SSLContext, seconds: float = GREETING_SECONDS
) -> Finding:
    """Connect, receive the greeting and disconnect. The server is sent nothing."""
    if address is None:
        return Finding(CheckStep.SERVER, CheckOutcome.SKIPPED, "no_server_yet")
    values = {"host": address.host}
    try:
        async with asyncio.timeout(seconds):
            code = await _probe(address, trusted)
    except TimeoutError:
        code = "server_silent"
    except aiohttp.ClientConnectorDNSError:
        code = "server_name_unknown"
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError):
        code = "server_not_trusted"
    except aiohttp.ClientConnectorError:
        code = "server_unreachable"
    except (aiohttp.ClientError, ProtocolError):
        code = "server_not_kaika"
    outcome = CheckOutcome.OK if code == "server_answers" else CheckOutcome.FAILED
    return Finding(CheckStep.SERVER, outcome, code, values)


async def _probe(address: ServerAddress, trusted: ssl.SSLContext) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            address.url, ssl=trusted, protocols=(SUBPROTOCOL,), max_msg_size=MAX_FRAME_BYTES
        ) as link,
    ):
        message = await link.receive()
        if message.type is not aiohttp.WSMsgType.TEXT or link.protocol != SUBPROTOCOL:
            return "server_not_kaika"
        greeting = parse_frame(message.data).decode_from_server()
    if not isinstance(greeting, Greeting):
        return "server_not_kaika"
    return "server_answers" if API_LEVEL in greeting.api_levels else "server_other"
