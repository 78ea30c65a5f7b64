"""The parameters we know are those that aiogram knows."""

from typing import Any

import pytest
from aiogram import methods

from sandbox.bot_api.methods import METHODS

_OLD = {
    "disable_web_page_preview",
    "reply_to_message_id",
    "allow_sending_without_reply",
    "switch_pm_text",
    "switch_pm_parameter",
}
"""What aiogram still sends for programs of an older Bot API."""


def _aiogram_parameters(name: str) -> set[str]:
    kinds: list[Any] = list(vars(methods).values())
    model = next(kind for kind in kinds if getattr(kind, "__api_method__", None) == name)
    return set(model.model_fields)


@pytest.mark.parametrize("name", [method.name for method in METHODS.values()])
def test_every_documented_parameter_is_known_and_no_other(name: str) -> None:
    ours = set(METHODS[name.lower()].params.model_fields)
    assert ours - _aiogram_parameters(name) == set()
    assert _aiogram_parameters(name) - ours <= _OLD
