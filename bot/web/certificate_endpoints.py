"""The certificate authority on the public listener: CRL, OCSP and its certificate.

Everything here is signed and public. A status is valid from the moment it changes, so responses
about it are not cached: OCSP responses not at all, revocation lists only with revalidation.
"""

import asyncio
import binascii
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import unquote

from aiohttp import ETag, web
from cryptography.x509.ocsp import OCSPResponseStatus

from services.authority.ca.certificate_service import CertificateService
from services.authority.ca.ocsp import error_response
from services.authority.ca.publication import CA_PATH, CRL_PATH, OCSP_PATH
from services.storage.availability import DatabaseUnavailableError

MAX_REQUEST_BYTES = 16 * 1024
"""Bytes of an OCSP request: room for twenty certificates and a signature with its chain."""
_PATIENCE = 10.0
"""Seconds in which a request has to arrive."""
_A_DAY = "public, max-age=86400"
_ASK_EACH_TIME = "public, no-cache"
_NEVER = "no-store"

Clock = Callable[[], datetime]


def certificate_routes(
    service: CertificateService, clock: Clock | None = None
) -> list[web.RouteDef]:
    """The routes, for the public application."""
    pages = CertificateViews(service, clock or _utc_now)
    return [
        web.get(CRL_PATH, pages.crl),
        web.get(CA_PATH, pages.ca_certificate),
        web.post(OCSP_PATH, pages.ocsp_posted),
        web.get(OCSP_PATH + "/{request:.*}", pages.ocsp_in_address, allow_head=False),
    ]


class CertificateViews:
    """HTTP views of the certificate authority."""

    def __init__(self, service: CertificateService, clock: Clock) -> None:
        self._service = service
        self._clock = clock

    async def crl(self, request: web.Request) -> web.Response:
        """The current revocation list (RFC 5280, RFC 2585)."""
        self._refuse_other_generation(request)
        try:
            crl = await self._service.crl.get_current(self._clock())
        except DatabaseUnavailableError:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "1"}) from None
        response = _document(request, crl.der, str(crl.number), _ASK_EACH_TIME)
        response.content_type = "application/pkix-crl"
        response.last_modified = crl.this_update
        return response

    async def ca_certificate(self, request: web.Request) -> web.Response:
        """The authority's own certificate."""
        self._refuse_other_generation(request)
        tag = self._service.signer.key_id
        response = _document(request, self._service.certificate_der, tag, _A_DAY)
        response.content_type = "application/pkix-cert"
        return response

    async def ocsp_posted(self, request: web.Request) -> web.Response:
        """Answer an OCSP request in the body (RFC 6960 appendix A)."""
        try:
            async with asyncio.timeout(_PATIENCE):
                body = await _bounded_body(request)
        except TimeoutError:
            raise web.HTTPRequestTimeout(headers={"Connection": "close"}) from None
        if body is None:
            return _ocsp_response(error_response(OCSPResponseStatus.MALFORMED_REQUEST), status=413)
        return _ocsp_response(await self._service.ocsp.answer(body, self._clock()))

    async def ocsp_in_address(self, request: web.Request) -> web.Response:
        """Answer an OCSP request in the address, as base64 (RFC 6960 appendix A)."""
        try:
            body = b64decode(unquote(request.match_info["request"]), validate=True)
        except (binascii.Error, ValueError):
            body = b""  # not a valid request either
        return _ocsp_response(await self._service.ocsp.answer(body, self._clock()))

    def _refuse_other_generation(self, request: web.Request) -> None:
        if request.match_info["key_id"] != self._service.signer.key_id:
            raise web.HTTPNotFound


async def _bounded_body(request: web.Request) -> bytes | None:
    """Read the body, `None` where it is too large; no more than the limit is held in memory."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_REQUEST_BYTES:
            return None
    return bytes(body)


def _document(request: web.Request, body: bytes, tag: str, caching: str) -> web.Response:
    response = web.Response(body=body)
    if any(asked.value in (tag, "*") for asked in request.if_none_match or ()):
        response = web.Response(status=304)
    response.etag = ETag(tag)
    response.headers["Cache-Control"] = caching
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _ocsp_response(der: bytes, status: int = 200) -> web.Response:
    headers = {"Cache-Control": _NEVER, "X-Content-Type-Options": "nosniff"}
    response = web.Response(
        body=der, status=status, content_type="application/ocsp-response", headers=headers
    )
    if status == 413:
        response.force_close()  # do not wait for the rest of the body
    return response


def _utc_now() -> datetime:
    return datetime.now(UTC)
