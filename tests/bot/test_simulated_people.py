"""The people of the kill tests notice at once when the bot is not where they expect it."""

import asyncio
import json
import random
from typing import Any, cast

import pytest

from sandbox.engine import Engine
from services.formats.subscriber_code import SubscriberCode
from tests.bot.simulated_cardholders import SimulatedCardholder
from tests.bot.simulated_customers import FakeMailServer, SimulatedCustomer
from tests.services.authority.authority_harness import Applicant, valid_ui_number

SECONDS = 5.0
TEXT = "Something else entirely"
Person = type[SimulatedCustomer]


def add_person(engine: Engine, kind: Person = SimulatedCustomer) -> SimulatedCustomer:
    chance = random.Random(1)  # noqa: S311
    someone = Applicant(cast(Any, None), valid_ui_number(chance), 1)
    someone.code = SubscriberCode("aB3dE9hZ")
    person = engine.add_person("Anna", "en")
    person.start()
    return kind(someone, None, person, FakeMailServer(), chance)


async def say(engine: Engine, person: SimulatedCustomer, step: str, *keys: str) -> None:
    """Have the bot show a step with buttons."""
    rows = [[{"text": key, "callback_data": f"v1:dlg:{step}.1.{key}"}] for key in keys]
    answer = await engine.call(
        "sendMessage",
        {
            "chat_id": person.person.id,
            "text": TEXT,
            "reply_markup": json.dumps({"inline_keyboard": rows}),
        },
    )
    assert answer["ok"], answer


async def test_a_step_is_found_whatever_it_says(engine: Engine) -> None:
    anna = add_person(engine)
    await say(engine, anna, "suspend.who", "cancel")
    async with asyncio.timeout(SECONDS):
        await anna.reaches("suspend/who")
        await say(engine, anna, "suspend.proof", "mail")
        await anna.reaches("suspend/proof")
        anna.taps("mail")


async def test_another_step_is_told_at_once_with_what_it_says(engine: Engine) -> None:
    anna = add_person(engine)
    await say(engine, anna, "suspend.locked", "born", "fax")
    async with asyncio.timeout(SECONDS):
        with pytest.raises(AssertionError, match=f"suspend/locked.*born.*{TEXT}"):
            await anna.reaches("suspend/proof")


async def test_a_button_that_is_not_there_is_told_at_once(engine: Engine) -> None:
    anna = add_person(engine)
    await say(engine, anna, "suspend.proof", "post")
    async with asyncio.timeout(SECONDS):
        await anna.reaches("suspend/proof")
        with pytest.raises(AssertionError, match=f"button mail.*suspend/proof.*post.*{TEXT}"):
            anna.taps("mail")


@pytest.mark.parametrize(
    ("step", "key"), [("activate.paused", "lang-zh"), ("activate.ready", "gone")]
)
async def test_a_cardholder_tells_at_once_where_they_do_not_know_what_to_do(
    engine: Engine, step: str, key: str
) -> None:
    holder = add_person(engine, SimulatedCardholder)
    assert isinstance(holder, SimulatedCardholder)
    await say(engine, holder, step, key)
    async with asyncio.timeout(SECONDS):
        with pytest.raises(AssertionError, match=f"does not know what to do.*{key}.*{TEXT}"):
            await holder._does(cast(Any, None), "activate")
