"""Takes a picture story of each conversation, in both modes and both languages.

Run by `make screenshots`, or `python -m tests.pictures [part of a name …]` for some of them. The
bot is the real one on the sandbox; what is typed at a secret step is named and not shown.
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from playwright.async_api import Browser

from handlers.conversations.registry import GUIDES
from sandbox.engine import Engine
from tests.bot_harness import TOKEN, BotHarness
from tests.browser import chromium
from tests.handlers.conversations.online.cardholders import Office, open_online_harness
from tests.handlers.engine.navigation import declared_conversations, state, step_keys
from tests.pictures.stories import SCRIPTS, StoryScript
from tests.pictures.storyboard import Storyboard, open_storyboard

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots" / "conversations"
PEOPLE = {"en": ("Maria", "en"), "zh": ("美玲", "zh-hant")}
_MOST_STEPS = 12


async def follow_first_buttons(board: Storyboard, name: str) -> None:
    """Go where the first button of each step leads, until the end or a step seen before."""
    conversations = declared_conversations(board.person.harness)
    await board.starts(f"do-{name}", f"/guide → {name}")
    seen = set()
    for _ in range(_MOST_STEPS):
        here = await state(board.person)
        step = conversations[here.conversation].steps[here.step]
        if step.is_end or (here.conversation, here.step) in seen:
            return
        seen.add((here.conversation, here.step))
        shown = step_keys(board.person)
        await board.presses(next(each.key for each in step.buttons if each.key in shown))


async def picture_guide(browser: Browser, conversation: str, language: str) -> None:
    """Take the pictures of a conversation of guide mode."""
    with tempfile.TemporaryDirectory() as folder:
        async with BotHarness.start(Engine(TOKEN), Path(folder)) as harness:
            person = harness.add_user(*PEOPLE[language])
            async with open_storyboard(browser, harness, person) as board:
                await follow_first_buttons(board, conversation)
                await board.save(browser, FOLDER / f"guide-{conversation}-{language}.png")


async def picture_online(browser: Browser, name: str, script: StoryScript, language: str) -> None:
    """Take the pictures of a conversation with the embedded authority."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_online_harness(Engine(TOKEN), Path(folder)) as harness:
            person = harness.add_user(*PEOPLE[language])
            office = Office.open_for(harness, Path(folder))
            async with open_storyboard(browser, harness, person) as board:
                await script(board, office)
                await board.save(browser, FOLDER / f"{name}-{language}.png")


Job = Callable[[Browser], Awaitable[None]]


def picture_jobs() -> Mapping[str, Job]:
    """Return what takes each picture story, by its name."""
    found: dict[str, Job] = {}
    for language in PEOPLE:
        for conversation in GUIDES:
            job = partial(picture_guide, conversation=conversation, language=language)
            found[f"guide-{conversation}-{language}"] = job
        for name, script in SCRIPTS.items():
            found[f"{name}-{language}"] = partial(
                picture_online, name=name, script=script, language=language
            )
    return found


async def main(wanted: Sequence[str]) -> None:
    """Take the stories with a name that contains one of `wanted`, or all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    async with chromium() as browser:
        for name, job in picture_jobs().items():
            if not wanted or any(part in name for part in wanted):
                await job(browser)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
