"""The engine: a Bot API over a world of its own, without HTTP."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Protocol

from sandbox.bot_api.method_registry import ApiMethod
from sandbox.bot_api.methods import METHODS
from sandbox.bot_api.params.parsing import parse_params
from sandbox.client.groups import Group
from sandbox.client.telegram_client import TelegramClient
from sandbox.errors import ApiError
from sandbox.types import Clock, Json
from sandbox.world.bot_profile import BotProfile
from sandbox.world.file_store import UploadedFile
from sandbox.world.world import SandboxOptions, World


class EngineObserver(Protocol):
    """Sees every call and every update, such as the oracle of the tests."""

    def on_call(self, method: str, params: Mapping[str, object], envelope: Json) -> None:
        """See a call and its answer."""

    def on_update(self, update: Json) -> None:
        """See an update on its way to the bot."""


class Engine:
    """Dispatches the Bot API calls of one bot.

    :param token: the bot's token; what stands before its colon is the bot's id.
    :param now: where the time comes from.
    """

    def __init__(
        self,
        token: str,
        username: str = "kaika_demo_bot",
        now: Clock | None = None,
        options: SandboxOptions | None = None,
        name: str = "Kaika",
    ) -> None:
        options = options or SandboxOptions()
        bot_id = int(token.partition(":")[0])
        profile = BotProfile(
            bot_id, username, {"": name}, reads_all_group_messages=options.reads_groups
        )
        self.token = token
        self.world = World(profile, now, options)
        self.world.webhook.call_method = self.call
        self._observers: list[EngineObserver] = []

    def observe(self, observer: EngineObserver) -> None:
        """Let `observer` see every call and update from now on."""
        self._observers.append(observer)
        self.world.update_listeners.append(observer.on_update)

    def add_person(
        self,
        first_name: str,
        language_code: str | None = None,
        username: str | None = None,
        last_name: str | None = None,
    ) -> TelegramClient:
        """Add a person, who has not written to the bot yet, and return their client."""
        return TelegramClient.sign_up(self.world, first_name, language_code, username, last_name)

    def add_group(
        self,
        title: str,
        members: Sequence[TelegramClient],
        *,
        is_forum: bool = False,
        username: str | None = None,
        bot_is_admin: bool = False,
        bot_rights: Sequence[str] | None = None,
    ) -> Group:
        """Let the first of `members` create a supergroup with the others and the bot.

        :param username: of a public group.
        :param bot_rights: those of the bot as an administrator; None is the usual ones.
        """
        return Group.create(
            self.world,
            title,
            members,
            is_forum=is_forum,
            username=username,
            bot_is_admin=bot_is_admin,
            bot_rights=bot_rights,
        )

    async def call(
        self,
        method: str,
        params: Mapping[str, object] | None = None,
        files: Mapping[str, UploadedFile] | None = None,
    ) -> Json:
        """Make a Bot API call and return the whole answer, ``ok`` and all.

        :param params: objects may be given as they are or as JSON text, as in a form.
        :raises OddAnswerError: where a fault was asked for whose answer is no JSON.
        :param files: uploads, by the name of their parameter or of their ``attach://``.
        """
        known = METHODS.get(method.lower())
        given = params or {}
        if files and known:
            given = {**{key: f"attach://{key}" for key in files if key in known.uploads}, **given}
        try:
            if known is None:
                raise ApiError(404, "Not Found: method not found")
            envelope: Json = {"ok": True, "result": await self._run(known, given, files or {})}
        except ApiError as error:
            envelope = error.envelope()
        for observer in self._observers:
            observer.on_call(known.name if known else method, given, envelope)
        return envelope

    async def _run(
        self, method: ApiMethod, given: Mapping[str, object], files: Mapping[str, UploadedFile]
    ) -> object:
        fault = await self.world.faults.take(method.name.lower())
        error = fault.error() if fault else None
        if fault and error and not fault.takes_effect:
            raise error
        params = parse_params(method.params, given)
        if method.uploads:
            result = method.handler(self.world, params, files)
        else:
            result = method.handler(self.world, params)
            result = await result if inspect.isawaitable(result) else result
        if error:
            raise error
        return result

    async def close(self) -> None:
        """Stop what runs in the background."""
        await self.world.webhook.stop()
