"""How parameters are read: JSON in forms, numbers as text, and errors in Telegram's words."""

import json
from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from sandbox.errors import ApiError, bad_request

TELEGRAM_NAMES = {
    "reply_markup": "reply keyboard markup",
    "scope": "BotCommandScope",
    "menu_button": "menu button",
    "button": "inline query results button",
    "reply_parameters": "reply parameters",
    "link_preview_options": "link preview options",
    "reaction": "reaction types",
    "media": "InputMedia",
}
"""What Telegram calls a parameter's JSON object where its name differs."""


class Params(BaseModel):
    """The parameters of one method."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


def _drop_nulls(shape: dict[str, object]) -> dict[str, object]:
    """Leave out nulls, which Telegram takes as not given."""
    return {key: value for key, value in shape.items() if value is not None}


def _without_nulls(value: object) -> object:
    if isinstance(value, list):
        return [_without_nulls(part) for part in value]
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in _drop_nulls(value).items()}
    return value


def _decode_json(value: object) -> object:
    """Read an object that came as JSON text, as in a form."""
    if not isinstance(value, str):
        return value
    if not value:
        return None
    try:
        return json.loads(value, object_hook=_drop_nulls)
    except ValueError:
        raise ValueError("not JSON") from None


T = TypeVar("T")
FromJson = Annotated[T, BeforeValidator(_decode_json)]
"""An object or list that a form carries as JSON text."""

P = TypeVar("P", bound=Params)


def parse_params(model: type[P], given: Mapping[str, object]) -> P:
    """Parse the parameters of a method.

    :raises ApiError: in Telegram's words for a malformed object; in ours, since Telegram
        ignores them, for a name that is not documented or a value of another type.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        bare = {name: _without_nulls(value) for name, value in given.items() if value is not None}
        if bare != given:
            return parse_params(model, bare)
        raise _api_error(error.errors(include_url=False)[0]) from None


def _api_error(error: ErrorDetails) -> ApiError:
    place = [str(part) for part in error["loc"]]
    if error["type"] == "extra_forbidden" and len(place) == 1:
        return bad_request(f'unknown parameter "{place[0]}"')
    if error["type"] == "missing" and len(place) == 1:
        return bad_request(f'Parameter "{place[0]}" is required')
    subject = TELEGRAM_NAMES.get(place[0], place[0])
    if error["msg"].endswith("not JSON"):
        return bad_request(f"Can't parse {subject} JSON object")
    if len(place) == 1 or place[-1].isdigit():
        return bad_request(f"Can't parse {subject}: {error['msg']}")
    if place[0] == "reply_markup" and "inline_keyboard" in place:
        subject = "inline keyboard button"
    return bad_request(f"Can't parse {subject}: {_reason(error, place[-1])}")


def _reason(error: ErrorDetails, field: str) -> str:
    kinds = {"string_type": "String", "bool": "Boolean", "int": "Number", "list_type": "Array"}
    if error["type"] == "missing":
        return f'Can\'t find field "{field}"'
    if error["type"] == "extra_forbidden":
        return f'unknown field "{field}"'
    for prefix, kind in kinds.items():
        if error["type"].startswith(prefix):
            return f'Field "{field}" must be of type {kind}'
    return f'Field "{field}": {error["msg"]}'
