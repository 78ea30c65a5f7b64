"""An independent reading of the Bot API: every call, answer and update against aiogram's types.

aiogram allows fields it does not know and turns values into other types where it can; here
both are refused, and so are texts, buttons and lists longer than the documentation allows.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Self, get_args

from aiogram import methods
from aiogram.methods import TelegramMethod
from aiogram.types import Update
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from sandbox.engine import Engine
from tests.bot_api_limits import FIELD_LIMITS, find_length_problem

Json = dict[str, Any]

PREFIXES = {
    400: "Bad Request: ",
    401: "Unauthorized",
    403: "Forbidden: ",
    404: "Not Found",
    409: "Conflict: ",
    429: "Too Many Requests: retry after ",
}
_NEWER_RIGHTS = ("can_send_welcome_messages",)
"""Rights of administrators since Bot API 10.0, which a call may leave out."""


class OracleError(AssertionError):
    """Something that is not as the Bot API documents it."""


class Oracle:
    """An observer of the engine that checks everything it sees, and records what was wrong.

    It raises immediately too, but a bot's library may turn that into an error of its own and
    go on: whoever attaches it calls `verify` at the end of the test.

    :param every_call: check the parameters of refused calls too; a test that makes wrong
        calls on purpose leaves it off.
    """

    def __init__(self, *, every_call: bool = False) -> None:
        self.every_call = every_call
        self.calls = 0
        self.updates = 0
        self.problems: list[str] = []

    @classmethod
    def attach(cls, engine: Engine, *, every_call: bool = True) -> Self:
        """Attach a new oracle to `engine`."""
        oracle = cls(every_call=every_call)
        engine.observe(oracle)
        return oracle

    def on_call(self, method: str, params: Mapping[str, object], envelope: Json) -> None:
        self.calls += 1
        with self._recording_problems():
            if envelope.get("ok") or self.every_call:
                check_call(method, params)
            check_response(method, params, envelope)

    def on_update(self, update: Json) -> None:
        self.updates += 1
        with self._recording_problems():
            check_update(update)

    @contextmanager
    def _recording_problems(self) -> Iterator[None]:
        try:
            yield
        except OracleError as error:
            self.problems.append(str(error))
            raise

    def verify(self) -> None:
        """Fail where anything was wrong so far.

        :raises OracleError: with all of it.
        """
        if self.problems:
            raise OracleError("\n".join(self.problems))


def check_update(update: Json) -> None:
    """Check an update.

    :raises OracleError: where aiogram does not know a field or would have to change a value.
    """
    if not isinstance(update, dict):
        raise OracleError(f"update: {type(update).__name__} instead of an object")
    kinds = [name for name in update if name != "update_id"]
    if len(kinds) != 1:
        raise OracleError(f"update: exactly one kind, not {kinds}")
    _check_type(Update, update, "update")


def check_response(method: str, params: Mapping[str, object], envelope: Json) -> None:
    """Check the answer to a call: its envelope, and the result against the method's type.

    :raises OracleError: where it is not what the method returns.
    """
    if envelope.get("ok") is True:
        if set(envelope) != {"ok", "result"}:
            raise OracleError(f"{method}: envelope with {sorted(envelope)}")
        _check_type(_return_type(method, params), envelope["result"], f"{method} result")
        return
    _check_error(method, envelope)


def _return_type(method: str, params: Mapping[str, object]) -> Any:
    """Return the type a method returns; edits return True only for inline messages."""
    returned = _method_type(method).__returning__
    kinds = get_args(returned)
    if bool not in kinds:
        return returned
    inline = params.get("inline_message_id") and not params.get("chat_id")
    return bool if inline else next(kind for kind in kinds if kind is not bool)


def _check_error(method: str, envelope: Json) -> None:
    if envelope.get("ok") is not False or set(envelope) - {"parameters"} != {
        "ok",
        "error_code",
        "description",
    }:
        raise OracleError(f"{method}: envelope with {sorted(envelope)}")
    code, words = envelope["error_code"], envelope["description"]
    if not isinstance(words, str) or not words.startswith(PREFIXES.get(code, "")):
        raise OracleError(f"{method}: {code} with the words {words!r}")
    waits = isinstance(envelope.get("parameters", {}).get("retry_after"), int)
    if (code == 429) != waits:
        raise OracleError(f"{method}: {code} with {envelope.get('parameters')}")


def check_call(method: str, params: Mapping[str, object]) -> None:
    """Check the parameters of a call, given as they are or as in a form.

    :raises OracleError: for a name, type or length the documentation does not have.
    """
    model = _method_type(method)
    known = {name: field for name, field in model.model_fields.items() if not _is_deprecated(field)}
    if unknown := sorted(set(params) - set(known)):
        raise OracleError(f"{method}: unknown parameter {', '.join(unknown)}")
    given = {
        name: _add_newer_rights(_parse_form_value(known[name], value))
        for name, value in params.items()
    }
    _check_type(model, given, method)
    if problem := find_length_problem(method, given):
        raise OracleError(problem)


def _add_newer_rights(value: object) -> object:
    """Fill in the rights that aiogram asks for and the Bot API of the bot's library lacks."""
    if isinstance(value, list):
        return [_add_newer_rights(part) for part in value]
    if not isinstance(value, dict):
        return value
    newer = dict.fromkeys(_NEWER_RIGHTS, False) if "can_manage_chat" in value else {}
    return {**newer, **{key: _add_newer_rights(part) for key, part in value.items()}}


def _is_deprecated(field: FieldInfo) -> bool:
    """Return whether a field only serves programs for an older Bot API."""
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("deprecated"))


def _parse_form_value(field: FieldInfo, value: object) -> object:
    """Read a value that a form carries as text, where the parameter is no text."""
    if not isinstance(value, str) or _accepts_text(field.annotation):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _accepts_text(annotation: Any) -> bool:
    kinds = get_args(annotation) or (annotation,)
    return any(kind is str or (kind is not annotation and _accepts_text(kind)) for kind in kinds)


@cache
def _method_type(name: str) -> type[TelegramMethod[Any]]:
    for candidate in vars(methods).values():
        api_name = getattr(candidate, "__api_method__", None)
        if isinstance(api_name, str) and api_name.lower() == name.lower():
            found: type[TelegramMethod[Any]] = candidate
            return found
    raise OracleError(f"{name}: no such method")


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _check_type(kind: Any, raw: object, place: str) -> None:
    try:
        parsed = _adapter(kind).validate_python(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise OracleError(f"{place}: {where}: {first['msg']}") from None
    for problem in _find_differences(raw, parsed, place):
        raise OracleError(problem)


def _find_differences(raw: object, parsed: object, place: str) -> Iterator[str]:
    """Yield where the parsed value is not simply the raw one, or something is unknown."""
    if isinstance(parsed, BaseModel):
        yield from _find_object_differences(raw, parsed, place)
    elif isinstance(parsed, (list, tuple)):
        if not isinstance(raw, (list, tuple)):
            yield f"{place}: {type(raw).__name__} instead of a list"
        else:
            for index, (one, other) in enumerate(zip(raw, parsed, strict=True)):
                yield from _find_differences(one, other, f"{place}[{index}]")
    elif raw is None:
        yield f"{place}: null"
    elif not _same_kind(raw, parsed):
        yield f"{place}: {raw!r} is a {type(raw).__name__}"


def _find_object_differences(raw: object, parsed: BaseModel, place: str) -> Iterator[str]:
    if not isinstance(raw, Mapping):
        yield f"{place}: {type(raw).__name__} instead of an object"
        return
    fields = type(parsed).model_fields
    names = {field.alias or name: name for name, field in fields.items()}
    for key, value in raw.items():
        if key not in names:
            yield f"{place}: {type(parsed).__name__} has no field {key!r}"
            continue
        if key in FIELD_LIMITS and isinstance(value, str):
            low, high = FIELD_LIMITS[key]
            if not low <= len(value.encode()) <= high:
                yield f"{place}.{key}: {len(value.encode())} bytes"
        yield from _find_differences(value, getattr(parsed, names[key]), f"{place}.{key}")
    if "text" in raw and isinstance(raw.get("entities"), list):
        yield from _find_entity_problems(raw["text"], raw["entities"], place)


def _find_entity_problems(text: str, entities: list[Json], place: str) -> Iterator[str]:
    size = len(text.encode("utf-16-le")) // 2
    for entity in entities:
        if entity["offset"] < 0 or entity["length"] <= 0:
            yield f"{place}.entities: {entity} is empty"
        if entity["offset"] + entity["length"] > size:
            yield f"{place}.entities: {entity} ends after the text"


def _same_kind(raw: object, parsed: object) -> bool:
    if isinstance(parsed, bool) or isinstance(raw, bool):
        return isinstance(raw, bool) and isinstance(parsed, bool)
    if isinstance(parsed, datetime | timedelta):
        return isinstance(raw, int)
    if isinstance(parsed, float):
        return isinstance(raw, int | float)
    if isinstance(parsed, dict):
        return isinstance(raw, dict)
    return isinstance(raw, type(parsed)) or isinstance(parsed, type(raw))
