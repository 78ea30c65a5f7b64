"""Setting up the support desk, and the group of the staff, where the public bot is off."""

from pathlib import Path

from sandbox.engine import Engine
from tests.bot_harness import BotHarness, ChatUser
from tests.handlers.desk.desk_harness import DeskHarness
from tests.phrases import UNKNOWN_COMMAND


async def test_an_admin_picks_the_group_and_it_is_known_after_a_restart(
    engine: Engine, tmp_path: Path
) -> None:
    admin = engine.add_person("Mei", "en")
    async with BotHarness.start(engine, tmp_path, desk_admins=(admin.id,)) as harness:
        desk = DeskHarness(harness, admin)
        await desk.admin.starts()
        await desk.admin.says("/desk")
        keyboard = admin.find_chat().reply_keyboard
        assert keyboard is not None
        asked = keyboard["keyboard"][0][0]["request_chat"]
        assert (asked["chat_is_forum"], asked["chat_has_username"]) == (True, False)
        assert asked["bot_administrator_rights"]["can_manage_topics"]
        group = desk.add_group()
        await desk.choose(group)
        desk.admin.sees("ready")
        assert desk.admin.within(group.id).bot_messages == [], "nobody is greeted there"
    async with BotHarness.start(engine, tmp_path, desk_admins=(admin.id,)) as again:
        assert again.kaika.desk is not None
        assert again.kaika.desk.group_id == group.id


async def test_a_group_that_does_not_do_is_refused_with_what_to_change(desk: DeskHarness) -> None:
    await desk.admin.starts()
    await desk.choose(desk.add_group(is_forum=False))
    desk.admin.sees("Topics")
    await desk.choose(desk.add_group(is_admin=False))
    desk.admin.sees("Manage topics", "Delete messages", "Pin messages")
    public = desk.add_group()
    public.chat.json["username"] = "kaika_staff"
    await desk.choose(public)
    desk.admin.sees("public")
    assert desk.desk.group_id is None


async def test_nobody_else_sets_it_up(desk: DeskHarness) -> None:
    anna = desk.harness.add_user()
    await anna.starts()
    await anna.says("/desk")
    anna.sees(UNKNOWN_COMMAND)
    seen = len(anna.messages)
    await desk.choose(desk.add_group(anna), by=anna)
    assert len(anna.bot_messages) < seen
    assert desk.desk.group_id is None


async def test_in_the_group_of_the_staff_the_public_bot_is_off(desk: DeskHarness) -> None:
    group = desk.add_group()
    await desk.choose(group)
    there = desk.admin.within(group.id)
    for text in (
        f"@{desk.harness.kaika.application.bot.username} how much is it",
        "/start",
        "/faq",
    ):
        await there.says(text)
    await there.says("my PIN is 83472615")
    assert there.bot_messages == []
    assert len(there.messages) >= 4, "nothing was deleted"


async def test_without_admins_there_is_no_desk(harness: BotHarness) -> None:
    anna: ChatUser = harness.add_user()
    await anna.starts()
    await anna.says("/desk")
    anna.sees(UNKNOWN_COMMAND)
    assert harness.kaika.desk is None


async def test_asking_is_in_the_menu_as_soon_as_the_desk_is_set_up(desk: DeskHarness) -> None:
    anna = desk.harness.add_user("Anna")
    await anna.starts()

    def menu() -> set[str]:
        return {each["command"] for each in anna.person.transcript()["commands"]}

    assert "person" not in menu()
    await desk.set_up()
    assert {"person", "bot"} <= menu()
