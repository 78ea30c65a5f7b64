"""Why a connection failed, from the errors of the libraries that tried it."""

import ssl
from http import HTTPStatus
from typing import Final

import aiohttp
from aiohttp_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError
from multidict import CIMultiDict, MultiMapping

from reader_bridge.prompter import ConnectionProblem

PROXY_ERRORS: Final = (ProxyError, ProxyConnectionError, ProxyTimeoutError)
"""What aiohttp-socks raises; it is no other error that is caught with aiohttp's."""
_SOCKS_NOT_ALLOWED: Final = 2
_SOCKS_LOGIN_ERRORS: Final = ("No acceptable authentication", "Username and password")
"""How the texts of python-socks begin where the proxy wants a login, or another one."""


def find_problem(error: Exception) -> ConnectionProblem:
    """Return the problem behind an error of aiohttp, of aiohttp-socks or of the system."""
    match error:
        case aiohttp.ClientHttpProxyError():
            return _proxy_answer_problem(error.status, error.headers or CIMultiDict())
        case aiohttp.ClientResponseError():
            return _answer_problem(error.status, error.headers or CIMultiDict())
        case aiohttp.ClientProxyConnectionError() | ProxyConnectionError():
            return ConnectionProblem.PROXY_UNREACHABLE
        case ProxyError():
            return _socks_problem(error)
        case aiohttp.ClientConnectorDNSError():
            return ConnectionProblem.NAME_UNKNOWN
        case TimeoutError() | ProxyTimeoutError():
            return ConnectionProblem.SILENT
        case _ if isinstance(error, ssl.SSLError | aiohttp.ClientSSLError):
            return ConnectionProblem.CERTIFICATE
        case _ if isinstance(error.__cause__, ssl.SSLError):
            return ConnectionProblem.CERTIFICATE
        case _:
            return ConnectionProblem.UNREACHABLE


def _answer_problem(status: int, headers: MultiMapping[str]) -> ConnectionProblem:
    """Return the problem with an answer that came instead of a websocket."""
    if _is_web_page(status, headers):
        return ConnectionProblem.WEB_PAGE
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return ConnectionProblem.BUSY
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ConnectionProblem.RESTING
    return ConnectionProblem.NOT_A_SERVER


def _proxy_answer_problem(status: int, headers: MultiMapping[str]) -> ConnectionProblem:
    """Return the problem with an answer that came instead of a tunnel."""
    if status == HTTPStatus.UNAUTHORIZED:  # tinyproxy's answer to a wrong password
        return ConnectionProblem.PROXY_LOGIN
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        offered = headers.getall("Proxy-Authenticate", [])
        has_basic = any(each.lower().startswith("basic") for each in offered)
        return ConnectionProblem.PROXY_LOGIN if has_basic else ConnectionProblem.PROXY_LOGIN_UNKNOWN
    if status == HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED or 300 <= status < 400:
        return ConnectionProblem.WEB_PAGE
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ConnectionProblem.PROXY_CANNOT_REACH
    return ConnectionProblem.PROXY_REFUSED


def _is_web_page(status: int, headers: MultiMapping[str]) -> bool:
    """Whether an answer is a page for people: the sign-in of a network, or what it forbids."""
    if status == HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED or 300 <= status < 400:
        return True
    is_html = headers.get("Content-Type", "").lower().startswith(("text/html", "application/xhtml"))
    return is_html and (status < 300 or status == HTTPStatus.FORBIDDEN)


def _socks_problem(error: ProxyError) -> ConnectionProblem:
    if str(error).startswith(_SOCKS_LOGIN_ERRORS):
        return ConnectionProblem.PROXY_LOGIN
    if error.error_code is None or error.error_code == _SOCKS_NOT_ALLOWED:
        return ConnectionProblem.PROXY_REFUSED
    return ConnectionProblem.PROXY_CANNOT_REACH
