"""How a method of the Bot API is known to the engine."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sandbox.bot_api.params.parsing import Params

Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Method:
    """A method: its name, its parameters, and what carries it out."""

    name: str
    params: type[Params]
    handler: Callable[..., Any]
    """Takes the engine and the parameters, and the files of a method that has any."""
    uploads: tuple[str, ...] = ()
    """The parameters that may hold a file."""


METHODS: dict[str, Method] = {}
"""All methods by name in lower case, which is how Telegram compares them."""


def method(
    name: str, params: type[Params], uploads: tuple[str, ...] = ()
) -> Callable[[Handler], Handler]:
    """Register what carries out a method."""

    def register(handler: Handler) -> Handler:
        METHODS[name.lower()] = Method(name, params, handler, uploads)
        return handler

    return register
