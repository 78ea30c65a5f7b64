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

from handlers.conversations.guided import CONVERSATIONS
from sandbox.engine import Engine
from tests.browser import chromium
from tests.chat import TOKEN, Stage
from tests.handlers.clock import NOW, set_time
from tests.handlers.conversations.online.cardholders import Office
from tests.handlers.engine.navigation import declared_conversations, state, step_keys
from tests.pictures.stories import STORIES, Told
from tests.pictures.storyboard import Film, filmed

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots" / "conversations"
PEOPLE = {"en": ("Maria", "en"), "zh": ("美玲", "zh-hant")}
_MOST_STEPS = 12


async def main_road(film: Film, dialog: str) -> None:
    """Go where the first button of each step leads, until the end or a step seen before."""
    known = declared_conversations(film.person.stage)
    await film.starts(f"do-{dialog}", f"/guide → {dialog}")
    seen = set()
    for _ in range(_MOST_STEPS):
        here = await state(film.person)
        step = known[here.conversation].steps[here.step]
        if step.is_end or (here.conversation, here.step) in seen:
            return
        seen.add((here.conversation, here.step))
        choices = [choice.key for choice in step.buttons if choice.key in step_keys(film.person)]
        await film.presses(choices[0])


async def guide(browser: Browser, dialog: str, language: str) -> None:
    """Film a conversation of guide mode."""
    with tempfile.TemporaryDirectory() as folder:
        async with Stage.set_up(Engine(TOKEN), Path(folder)) as stage:
            person = stage.subscriber(*PEOPLE[language])
            async with filmed(browser, stage, person) as film:
                await main_road(film, dialog)
                await film.develops(browser, FOLDER / f"guide-{dialog}-{language}.png")


async def carried_out(browser: Browser, name: str, tell: Told, language: str) -> None:
    """Film a conversation that the embedded authority carries out."""
    with tempfile.TemporaryDirectory() as folder:
        async with Stage.set_up(Engine(TOKEN), Path(folder), "embedded") as stage:
            set_time(stage, NOW)
            person = stage.subscriber(*PEOPLE[language])
            office = Office.open_for(stage, Path(folder))
            async with filmed(browser, stage, person) as film:
                await tell(film, office)
                await film.develops(browser, FOLDER / f"{name}-{language}.png")


Job = Callable[[Browser], Awaitable[None]]


def jobs() -> Mapping[str, Job]:
    """Give what there is to film, by name."""
    found: dict[str, Job] = {}
    for language in PEOPLE:
        for dialog in CONVERSATIONS:
            job = partial(guide, dialog=dialog, language=language)
            found[f"guide-{dialog}-{language}"] = job
        for name, tell in STORIES.items():
            found[f"{name}-{language}"] = partial(
                carried_out, name=name, tell=tell, language=language
            )
    return found


async def main(wanted: Sequence[str]) -> None:
    """Take those that were asked for, or all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    async with chromium() as browser:
        for name, job in jobs().items():
            if not wanted or any(part in name for part in wanted):
                await job(browser)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
