"""Methods by which the bot gets its updates, and ends."""

import re
from urllib.parse import urlsplit

from sandbox.bot_api.method_registry import api_method
from sandbox.bot_api.params.chat_params import DeleteWebhook, GetUpdates, NoParams, SetWebhook
from sandbox.errors import bad_request, conflict
from sandbox.loopback import is_loopback
from sandbox.types import Json
from sandbox.world.update_queue import DEFAULT_UPDATE_KINDS
from sandbox.world.webhook_delivery import WebhookTarget
from sandbox.world.world import World

_SECRET = re.compile(r"[A-Za-z0-9_-]*")


@api_method("getUpdates", GetUpdates)
async def get_updates(world: World, params: GetUpdates) -> list[Json]:
    """Return the pending updates, waiting for the first one if asked to."""
    if world.webhook.target:
        raise conflict(
            "can't use getUpdates method while webhook is active; "
            "use deleteWebhook to delete the webhook first"
        )
    world.updates.set_allowed(params.allowed_updates)
    return await world.updates.poll(params.offset, params.limit, params.timeout)


@api_method("setWebhook", SetWebhook)
async def set_webhook(world: World, params: SetWebhook) -> bool:
    """Post updates to a web address from now on; an empty one ends that."""
    if params.drop_pending_updates:
        world.updates.pending.clear()
    if not params.url:
        await world.webhook.stop()
        return True
    if len(params.secret_token) > 256:
        raise bad_request("secret token is too long")
    if not _SECRET.fullmatch(params.secret_token):
        raise bad_request("secret token contains unallowed characters")
    _check_url(params.url)
    world.updates.set_allowed(params.allowed_updates)
    world.updates.end_poll("terminated by setWebhook request")
    connections = max(1, min(100, params.max_connections))
    await world.webhook.start(
        WebhookTarget(params.url, params.secret_token, connections, params.ip_address)
    )
    return True


def _check_url(url: str) -> None:
    """Allow this machine only: nothing may leave it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise bad_request("invalid webhook URL specified")
    if not is_loopback(parts.hostname):
        raise bad_request("bad webhook: the sandbox posts to this machine only")


@api_method("deleteWebhook", DeleteWebhook)
async def delete_webhook(world: World, params: DeleteWebhook) -> bool:
    """End the webhook."""
    if params.drop_pending_updates:
        world.updates.pending.clear()
    await world.webhook.stop()
    return True


@api_method("getWebhookInfo", NoParams)
def get_webhook_info(world: World, params: NoParams) -> Json:
    """Return the state of the webhook."""
    info = world.webhook.info()
    info["pending_update_count"] = len(world.updates.pending)
    if world.updates.allowed != DEFAULT_UPDATE_KINDS:
        info["allowed_updates"] = sorted(world.updates.allowed)
    return info


@api_method("logOut", NoParams)
@api_method("close", NoParams)
async def close_session(world: World, params: NoParams) -> bool:
    """End the bot's session; the sandbox allows a new one immediately."""
    await world.webhook.stop()
    return True
