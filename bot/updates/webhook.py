"""The webhook: Telegram posts updates to it, and is answered once they are in the inbox."""

import asyncio
import hmac

from aiohttp import web

from bot.updates.intake import Intake
from services.messaging.update_json import ReceivedUpdate, read_update
from services.repeated_events import RepeatedEvents
from services.storage.availability import DatabaseUnavailableError
from services.supervisor import OwnedTasks

STORE_SECONDS = 5.0
"""How long storing an update may take; Telegram then sends it again."""
WEBHOOK_HEADER = "X-Telegram-Bot-Api-Secret-Token"


def webhook_routes(path: str, secret: str, intake: Intake) -> list[web.RouteDef]:
    """The route of the webhook."""
    return [web.post(path, WebhookView(secret, intake).handle)]


class WebhookView:
    """Accepts updates that Telegram posts; status 200 means that they are in the inbox."""

    def __init__(self, secret: str, intake: Intake) -> None:
        self._secret = secret.encode()
        self._intake = intake
        self._events = RepeatedEvents()
        self._tasks = OwnedTasks()

    async def handle(self, request: web.Request) -> web.Response:
        """Accept one update."""
        given = request.headers.get(WEBHOOK_HEADER, "").encode(errors="replace")
        if not hmac.compare_digest(given, self._secret):
            self._events.warn("webhook_refused", reason="secret")
            raise web.HTTPForbidden
        if not self._intake.has_room.is_set():
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "1"})
        update = self._parse_update(await request.read())
        # Not cancelled when the time is up: what is stored late has to be queued all the same.
        accepting = self._tasks.start("webhook update", self._accept(update))
        done, _ = await asyncio.wait({accepting}, timeout=STORE_SECONDS)
        if not done or not accepting.result():
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "1"})
        return web.Response()

    async def _accept(self, update: ReceivedUpdate) -> bool:
        try:
            await self._intake.accept([update])
        except DatabaseUnavailableError:
            return False
        return True

    def _parse_update(self, body: bytes) -> ReceivedUpdate:
        """Parse an update.

        :raises web.HTTPBadRequest: for anything else, which it would not help to send again.
        """
        update = read_update(body)
        if update is None:
            self._events.warn("webhook_refused", reason="not an update")
            raise web.HTTPBadRequest
        return update
