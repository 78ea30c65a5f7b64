"""Methods by which the bot gets its updates, and ends."""

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sandbox.bot_api.method_registry import method
from sandbox.bot_api.params.chat_params import DeleteWebhook, GetUpdates, Nothing, SetWebhook
from sandbox.errors import bad_request, conflict
from sandbox.http.guard import is_loopback
from sandbox.types import Json
from sandbox.world.update_queue import DEFAULT_KINDS
from sandbox.world.webhook_delivery import Hook

if TYPE_CHECKING:
    from sandbox.engine import Engine

_SECRET = re.compile(r"[A-Za-z0-9_-]*")


@method("getUpdates", GetUpdates)
async def get_updates(engine: "Engine", p: GetUpdates) -> list[Json]:
    """Give what is new, waiting for it if asked to."""
    if engine.webhook.hook:
        raise conflict(
            "can't use getUpdates method while webhook is active; "
            "use deleteWebhook to delete the webhook first"
        )
    engine.updates.allow(p.allowed_updates)
    return await engine.updates.poll(p.offset, p.limit, p.timeout)


@method("setWebhook", SetWebhook)
async def set_webhook(engine: "Engine", p: SetWebhook) -> bool:
    """Send updates to a web address from now on; an empty one ends that."""
    if p.drop_pending_updates:
        engine.updates.pending.clear()
    if not p.url:
        await engine.webhook.stop()
        return True
    if len(p.secret_token) > 256:
        raise bad_request("secret token is too long")
    if not _SECRET.fullmatch(p.secret_token):
        raise bad_request("secret token contains unallowed characters")
    _check_url(p.url)
    engine.updates.allow(p.allowed_updates)
    engine.updates.end_poll("terminated by setWebhook request")
    connections = max(1, min(100, p.max_connections))
    await engine.webhook.start(Hook(p.url, p.secret_token, connections, p.ip_address))
    return True


def _check_url(url: str) -> None:
    """Allow this machine only: nothing may leave it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise bad_request("invalid webhook URL specified")
    if not is_loopback(parts.hostname):
        raise bad_request("bad webhook: the sandbox posts to this machine only")


@method("deleteWebhook", DeleteWebhook)
async def delete_webhook(engine: "Engine", p: DeleteWebhook) -> bool:
    """End the webhook."""
    if p.drop_pending_updates:
        engine.updates.pending.clear()
    await engine.webhook.stop()
    return True


@method("getWebhookInfo", Nothing)
def get_webhook_info(engine: "Engine", p: Nothing) -> Json:
    """Say how the webhook does."""
    info = engine.webhook.info()
    info["pending_update_count"] = len(engine.updates.pending)
    if engine.updates.allowed != DEFAULT_KINDS:
        info["allowed_updates"] = sorted(engine.updates.allowed)
    return info


@method("logOut", Nothing)
@method("close", Nothing)
async def close(engine: "Engine", p: Nothing) -> bool:
    """End the bot's session; the sandbox lets it begin again at once."""
    await engine.webhook.stop()
    return True
