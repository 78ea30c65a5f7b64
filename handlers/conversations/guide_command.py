"""/guide: the list of conversations."""

from telegram import Update

from handlers.context import Context
from handlers.conversations.registry import is_guide
from handlers.engine.session import conversations_of, is_goal_reached
from handlers.identity.records_notice import records_notice
from handlers.screen.text import N_, label, say
from handlers.screen.view import View, button, send, show, view

_HERE = N_("We do it here, step by step.")
_MOSTLY_HERE = N_(
    "Some things are done right here; for the rest I guide you through the official website."
)


async def on_guide(update: Update, context: Context) -> None:
    """/guide: show the list, and below it the open step, unless it has reached its goal."""
    await send(update, context, _overview(context, context.language(update)))
    context.step_shown = await is_goal_reached(update, context)


async def on_guides(update: Update, context: Context, _parts: list[str]) -> str | None:
    """Show the list in place of the message whose button was pressed."""
    await show(update, context, _overview(context, context.language(update)))
    return ""


def _overview(context: Context, language: str) -> View:
    rows = [
        [button(label(language, conversation.title), "do", conversation.name)]
        for conversation in conversations_of(context).values()
    ]
    authority = context.services.authority
    if authority is not None:
        is_all_here = not any(map(is_guide, conversations_of(context).values()))
        text = say(
            language,
            "<b>What would you like to do?</b>\n"
            "{where} You can ask a question, go back, or stop at any time.\n"
            "\n"
            "🔒 I ask for private details only when a step needs them, and delete them right "
            "away. I never ask for your PIN in a chat.",
            where=say(language, _HERE if is_all_here else _MOSTLY_HERE),
        )
        return view(f"{text}\n\n{records_notice(authority, language)}", *rows)
    text = say(
        language,
        "<b>What would you like to do?</b>\n"
        "I'll guide you through the official website, step by step. You can ask a question, go "
        "back, or stop at any time.\n"
        "\n"
        "🔒 I never ask for your subscriber code, PIN, card number, birth date or UI No.",
    )
    return view(text, *rows)
