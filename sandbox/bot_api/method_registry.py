"""How a method of the Bot API is known to the world."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sandbox.bot_api.params.parsing import Params

Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class ApiMethod:
    """A method of the Bot API: its name, its parameters and its handler."""

    name: str
    params: type[Params]
    handler: Callable[..., Any]
    """Takes the world and the parameters, and the uploaded files where the method has `uploads`."""
    uploads: tuple[str, ...] = ()
    """The parameters that may hold a file."""


METHODS: dict[str, ApiMethod] = {}
"""All methods by name in lower case, which is how Telegram compares them."""


def api_method(
    name: str, params: type[Params], uploads: tuple[str, ...] = ()
) -> Callable[[Handler], Handler]:
    """Register the decorated function as the handler of a method."""

    def register(handler: Handler) -> Handler:
        METHODS[name.lower()] = ApiMethod(name, params, handler, uploads)
        return handler

    return register
