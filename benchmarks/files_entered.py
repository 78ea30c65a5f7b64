"""The number of project files that a message passes through: `python -m benchmarks.files_entered`.

A path through many files is hard to follow. The figures are counts, not times, and the same on
every machine. Background work is left out.
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CoroutineType, FrameType
from typing import Any

from sandbox.engine import Engine
from tests import phrases
from tests.bot_harness import TOKEN, BotHarness, ChatUser
from tests.handlers.clock import NOW, set_time
from tests.handlers.conversations.online import payments
from tests.handlers.conversations.online.bridge_harness import PcSession, open_bridge_harness
from tests.handlers.conversations.online.cardholders import Office, read_one_time_code
from tests.handlers.engine.navigation import press

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("bot", "handlers", "services", "reader_bridge", "locales")
_BACKGROUND = {str(ROOT / file) for file in ("bot/jobs/worker.py", "services/authority/ca/crl.py")}
"""Files whose coroutines run as tasks that no update waits for."""
_SUPERVISOR = str(ROOT / "services/supervisor.py")
_AWAITED = "inbox writer"
"""The one supervised task that updates wait for."""


def _is_in_background() -> bool:
    task = asyncio.current_task()
    coroutine = task.get_coro() if task else None
    if task is None or not isinstance(coroutine, CoroutineType):
        return False
    file = coroutine.cr_code.co_filename
    return file in _BACKGROUND or (file == _SUPERVISOR and task.get_name() != _AWAITED)


class FilesEntered:
    """The project's files in which a function was called."""

    def __init__(self) -> None:
        self.files: set[str] = set()

    def _on_call(self, frame: FrameType, event: str, _arg: Any) -> None:
        if event == "call" and not _is_in_background():
            self.files.add(frame.f_code.co_filename)

    @contextmanager
    def count(self) -> Iterator[None]:
        """Count while the block runs."""
        sys.setprofile(self._on_call)
        try:
            yield
        finally:
            sys.setprofile(None)

    def names(self) -> list[str]:
        """Return the files, relative to the root, without the sandbox and the tests."""
        paths = (Path(file) for file in self.files)
        inside = (path.relative_to(ROOT) for path in paths if path.is_relative_to(ROOT))
        return sorted(str(path) for path in inside if path.parts[0] in ROOMS)


async def _entered_by(action: Awaitable[object]) -> list[str]:
    entered = FilesEntered()
    with entered.count():
        await action
    return entered.names()


async def count_answer(harness: BotHarness) -> list[str]:
    """Count a question typed outside any conversation, and its answer."""
    anna = harness.add_user("Anna")
    await anna.says("how much does the card cost")
    first = await _entered_by(anna.says("where can I apply"))
    second = await _entered_by(anna.says("is the fee refunded"))
    return sorted({*first} & {*second})


async def count_question_in_conversation(harness: BotHarness) -> list[str]:
    """Count a question typed while a conversation asks for something else."""
    anna = harness.add_user("Bao")
    await anna.starts("do-suspend")
    return await _entered_by(anna.says("where can I apply"))


async def count_suspension(harness: BotHarness, office: Office) -> list[str]:
    """Count the last tap of a suspension."""
    holder, anna = await office.cardholder(seed=11), harness.add_user("Chi")
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    await press(anna, "mail")
    await anna.says(await read_one_time_code(harness, holder))
    entered = await _entered_by(press(anna, "suspend"))
    anna.sees(phrases.SUSPENDED)
    return entered


async def count_payment(harness: BotHarness) -> list[str]:
    """Count a payment: the invoice, the pre-checkout, the charge and the receipt."""
    anna = harness.add_user("Dung")
    await payments.submit_application(harness)
    await payments.open_amount_due(anna)
    entered = await _entered_by(_pay(anna))
    anna.sees(phrases.PAYMENT_RECEIVED)
    return entered


async def _pay(anna: ChatUser) -> None:
    await press(anna, "pay")
    await payments.pay_invoice(anna, payments.invoices(anna)[-1])


async def count_unlock(harness: BotHarness, office: Office) -> list[str]:
    """Count an unlock after its confirmation, on the server and on the PC."""
    async with open_bridge_harness(harness, office) as bridge, bridge.open_pc_session() as session:
        await session.activates()
        await bridge.prepare_operation(session.person, session.pc, session.holder, "unlock")
        return await _entered_by(_unlock(session))


async def _unlock(session: PcSession) -> None:
    await press(session.person, "start")
    await session.bridge_harness.wait_for_text(session.person, phrases.UNLOCKED)


async def count_all(folder: Path) -> dict[str, list[str]]:
    """Return the files that each action enters, by the action, with the bot's data in `folder`."""
    async with BotHarness.start(Engine(TOKEN), folder, "embedded") as harness:
        set_time(harness, NOW)
        office = Office.open_for(harness, folder)
        return {
            "a free-text answer": await count_answer(harness),
            "a question inside a conversation": await count_question_in_conversation(harness),
            "the last tap of a suspension": await count_suspension(harness, office),
            "a payment": await count_payment(harness),
            "an unlock": await count_unlock(harness, office),
        }


async def main() -> None:
    """Print the counts, and the files with ``--files``."""
    with tempfile.TemporaryDirectory() as folder:
        counts = await count_all(Path(folder))
    for name, files in counts.items():
        print(f"{len(files):4d} files  {name}")
        if "--files" in sys.argv:
            print("".join(f"        {file}\n" for file in files), end="")


if __name__ == "__main__":
    asyncio.run(main())
