"""Card check in guide mode: it gets reader and card ready, and asks for no PIN."""

import socket

from bot.web import listeners
from bot.wiring.bridge import BridgeRuntime
from tests import phrases
from tests.bot_harness import BotHarness
from tests.handlers.conversations.online.bridge_harness import read_pairing_code
from tests.handlers.engine.navigation import press
from tests.strict_supervisor import strict_supervisor


async def test_without_a_bridge_the_check_runs_on_the_pc(harness: BotHarness) -> None:
    person = harness.add_user()
    await person.starts("do-card_check")
    person.sees("kaika-bridge check", "never asks for a PIN")
    await press(person, "not")
    person.sees("run it again")
    await press(person, "fine")
    person.sees("ready for the official page")
    await person.says("/pair")
    assert any("not set up to use cards" in m["text"] for m in person.bot_messages[-2:])
    await person.says("/unpair")
    assert any("not set up to use cards" in m["text"] for m in person.bot_messages[-2:])


async def test_with_a_bridge_only_looking_is_offered(harness: BotHarness) -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    kaika, origin = harness.kaika, f"ws://127.0.0.1:{port}"
    data = kaika.application.bot_data
    authority = data["services"].authority
    bridge = BridgeRuntime(kaika.database, kaika.keys, authority, origin, kaika.application)
    assert set(bridge.registry.card_conversations) == {"card_check", "pair"}
    async with (
        bridge.running(strict_supervisor()),
        listeners.serve_app(listeners.public_app(bridge.routes()), "127.0.0.1", port),
    ):
        person = harness.add_user()
        await person.starts("do-card_check")
        await press(person, "go")
        assert read_pairing_code(person)
        await person.starts("do-change_pin")
        await person.presses(phrases.STOP_AND_START)
        person.sees("Do you know your old PIN?")
