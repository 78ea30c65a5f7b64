"""Generates ``docs/conversations.md``: ``python -m bot.cli.conversation_docs``."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from bot.wiring.bridge import at_the_card
from handlers.card.live_messages import Board
from handlers.conversations.guided import CONVERSATIONS
from handlers.conversations.registry import conversations
from handlers.conversations.triage.online import triage
from handlers.engine.diagram import diagram, heading
from handlers.engine.model import Dialog
from services.authority.interface.authority import Authority
from services.bridge.hub import Hub
from services.storage.database import Database

PATH = Path(__file__).parents[2] / "docs" / "conversations.md"

_OPENING = """\
# The conversations

This page is written by `python -m bot.cli.conversation_docs` from the declarations in \
`handlers/conversations/`; a test holds that it is up to date. In guide mode \
every conversation is a walk through the official page, and nothing secret is ever asked for. \
Where the embedded authority carries operations out, what is secret is asked for in one \
way, in the private chat, and deleted at once.

In any step:

- **‹ Back**, **✖️ Cancel** and **🌐** (the other language) are below every step.
- A question is answered, and the step shown again below. So is a sticker, a command, an error \
code, a text pasted from the page. Whatever looks like a secret is deleted first.
- A button of an earlier step says so and shows the step the person is at: callback data holds \
conversation, step and version (`v1:dlg:<conversation>.<step>.<version>.<key>`).
- A step that nobody touched for two days is closed, with a word, when its person comes back.
- One conversation a person at a time; when a second begins, the person is asked.
- Private chats only; elsewhere there is a link (`?start=do-<conversation>`, or \
`do-<conversation>-<step>`).

State is one row a person and chat (`services/conversations.py`). It is changed in the \
transaction of its effect, and only over the version that was seen; who has nothing open costs no \
query.

## Declaring one

```python
PAY = Dialog(
    name="pay",
    title=N_("💳 Pay for the card (繳費)"),
    begins="ready",
    steps={
        "ready": Step(
            N_("<b>Have ready</b> …"),  # words, or a function that gives them
            (
                Choice("all", N_("✅ I have everything"), "open"),
                Choice("code", N_("🔑 I forgot the code"), "retrieve/form"),  # another one's step
            ),
        ),
        "date": Step(
            N_("<b>On which day did you apply?</b>"),
            typed=Typed(read_applied, "deadline", set_reminders),  # reader, next step, effect
        ),
        "done": Step(N_("✅ <b>Paid?</b> …")),  # without choices: the end
    },
)
```

An effect is `async (session, scene) → what to keep`, or an `Outcome` that says where it led; it \
runs in the transaction of the move and must not touch the network. An `act` of a `Choice` or a \
`Secret` works in transactions of its own, before the move: checking a code spends a try first. \
It is given `scene.attempt`, under which a try that comes again counts once. What is typed at a \
step with a `Secret` is deleted from the chat before anything is done with it. The words are in \
`locales/<language>/LC_MESSAGES/conversations.po`.
"""


_GUIDE = "# Guide mode: walks through the official page\n"
_EMBEDDED = "# Carried out by the embedded authority\n"


class _PlaceholderAuthority:
    """Stands in for an authority, of which drawing a conversation calls nothing."""

    keeper = None

    def __getattr__(self, name: str) -> "_PlaceholderAuthority":
        return self


def embedded() -> list[Dialog]:
    """Give the conversations that are carried out and are not the guide's."""
    authority = cast(Authority, cast(Any, _PlaceholderAuthority()))
    database = Database("sqlite+aiosqlite://")
    hub = Hub(database, cast(Any, None), authority, "", lambda _: None)
    declared = dict(conversations(authority, database, takes_money=True))
    for one in at_the_card(authority, hub, Board(), "", database):
        declared[one.dialog.name] = one.dialog
    declared["triage"] = triage(reaches_card=True)
    return [d for d in declared.values() if CONVERSATIONS.get(d.name) is not d]


def document() -> str:
    """Give the whole page."""
    guide = _sections(CONVERSATIONS.values())
    return "\n".join([_OPENING, _GUIDE, *guide, _EMBEDDED, *_sections(embedded())])


def _sections(dialogs: Iterable[Dialog]) -> list[str]:
    return [_section(dialog) for dialog in dialogs]


def _section(dialog: Dialog) -> str:
    rows = [f"| `{name}` | {heading(step.words)} |" for name, step in dialog.steps.items()]
    table = "\n".join(["| step | about |", "|---|---|", *rows])
    return f"## {dialog.title}\n\n```mermaid\n{diagram(dialog)}\n```\n\n{table}\n"


if __name__ == "__main__":
    PATH.write_text(document(), encoding="utf-8")
