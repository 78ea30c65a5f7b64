"""How an authority's OCSP responder and revocation lists are fetched: bounded, no redirects."""

import aiohttp

from reader_bridge.card.revocation import UnreachableError

MOST_BYTES = 32 * 1024 * 1024
"""The authority's lists have more than a hundred thousand entries (docs/facts.md §2.7)."""
TIMEOUT = aiohttp.ClientTimeout(total=20, connect=5)


class HttpFetch:
    """Asks over HTTP within a session of the caller."""

    def __init__(self, session: aiohttp.ClientSession, most_bytes: int = MOST_BYTES) -> None:
        self._session, self._most_bytes = session, most_bytes

    async def __call__(self, url: str, body: bytes | None) -> bytes:
        """Give what is at the address.

        :raises UnreachableError: where there is nothing, or too much.
        """
        method = "GET" if body is None else "POST"
        headers = {} if body is None else {"Content-Type": "application/ocsp-request"}
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise UnreachableError(url)
                return await self._read(response.content, url)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnreachableError(url) from error

    async def _read(self, content: aiohttp.StreamReader, url: str) -> bytes:
        gathered = bytearray()
        async for part in content.iter_chunked(65_536):
            gathered += part
            if len(gathered) > self._most_bytes:
                raise UnreachableError(url)
        return bytes(gathered)
