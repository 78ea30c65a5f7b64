"""/privacy: the stored data, the linked chats, and how to remove or erase them.

It names kinds of data, never their values; a UI No. is masked.
"""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession
from telegram import InlineKeyboardButton, Update
from telegram.constants import ChatType
from telegram.helpers import create_deep_linked_url

from handlers.context import Context, Services
from handlers.screen.text import N_, Markup, label, say
from handlers.screen.view import View, button, send, show, view
from handlers.start import own_name
from services.authority.data_types import ChatLink, LinkedPerson
from services.authority.lifecycle import CODE_RECOVERABLE
from services.calendar import TAIPEI
from services.people import chat_data
from services.people.chat_data import ChatData

ROUTE = "privacy"
_TIME_FORMAT = "%Y-%m-%d %H:%M"
_PERSON_DATA = N_(
    "👤 <b>{masked}</b>\n"
    "• encrypted: name, UI No., birth date, e-mail and mailing address, IC card number\n"
    "• application dates, payments, certificates and their status\n"
    "• a record of what was done and when, without names"
)
_CODE_KEPT = N_(
    "• your subscriber code: encrypted until the card is activated, so that you can get it back"
)
_CODE_NOT_KEPT = N_(
    "• for your subscriber code, only data to check it: no one can give the code back"
)


async def on_privacy(update: Update, context: Context) -> None:
    """/privacy: show the overview, or in a group a link to the private chat."""
    chat, user = update.effective_chat, update.effective_user
    if chat is None or user is None:
        return
    language = context.language(update)
    if chat.type == ChatType.PRIVATE:
        await send(update, context, await _overview(context.services, chat.id, user.id, language))
        return
    url = create_deep_linked_url(context.bot.username)
    text = say(
        language, "Please send /privacy in our private chat. Only you can read the answer there."
    )
    link = InlineKeyboardButton(label(language, "▶️ Continue in private"), url=url)
    await send(update, context, view(text, [link]))


async def on_privacy_button(update: Update, context: Context, parts: list[str]) -> str | None:
    """Handle a button.

    ``[show]``, ``[erase]`` and ``[erased]``, or ``[remove, person, since]`` and ``[removed, …]``;
    the participle is the confirmation of the question before.
    """
    chat, user = update.effective_chat, update.effective_user
    if chat is None or user is None or chat.type != ChatType.PRIVATE:
        return None
    language, toast = context.language(update), ""
    match parts:
        case ["show"]:
            pass
        case ["erase"]:
            await show(update, context, _confirm_erasing(language))
            return ""
        case ["erased"]:
            await _erase(context.services, user.id, chat.id)
            language, toast = context.language(update), label(language, "Erased.")
        case ["remove" | "removed" as step, person, since] if since.isdecimal():
            link = await _find_link(context.services, chat.id, person, int(since))
            if link is None:
                toast = label(language, "This link no longer exists.")
            elif step == "remove":
                await show(update, context, _confirm_removal(link, chat.id, language))
                return ""
            else:
                toast = await _remove_link(context.services, link, chat.id, language)
        case _:
            return None
    await show(update, context, await _overview(context.services, chat.id, user.id, language))
    return toast


async def _overview(services: Services, chat_id: int, user_id: int, language: str) -> View:
    async with services.database.unit_of_work() as session:
        stored = await chat_data.load_chat_data(session, services.languages, user_id, chat_id)
        people = await _linked_people(services, session, chat_id)
    parts = [
        say(language, "🔎 <b>Your data</b>"),
        _chat_text(stored, language),
        *_ticket_texts(services, stored, language),
        *(_person_text(person, chat_id, language) for person in people),
        _erasure_text(services, people, language),
    ]
    rows = [
        [_remove_button(person, link, chat_id, len(people) > 1, language)]
        for person in people
        for link in person.links
    ]
    if stored.has_any:
        rows.append([button(label(language, "🗑 Erase my chat data"), ROUTE, "erase")])
    return view(Markup("\n\n".join(parts)), *rows)


async def _linked_people(
    services: Services, session: AsyncSession, chat_id: int
) -> tuple[LinkedPerson, ...]:
    if services.authority is None:
        return ()
    return tuple(await services.authority.links.list_people(session, chat_id))


def _chat_text(stored: ChatData, language: str) -> Markup:
    default = label(language, "as in your Telegram")
    language_name = own_name(stored.language) if stored.language else default
    return say(
        language,
        "💬 <b>What I store about you in this chat</b>\n"
        "• your language: {spoken}; your ratings: {votes}; your reminders: {reminders}\n"
        "• your step in a guide, for two days\n"
        "• this chat's Telegram number and when you started; times of your messages, for three "
        "days; wrong attempts, for a day\n"
        "• your messages: encrypted, and erased once answered (after an error, for up to seven "
        "days; a payment notice until it is recorded). A question I could not answer is kept "
        "without your name.",
        spoken=language_name,
        votes=stored.votes,
        reminders=stored.reminders,
    )


def _ticket_texts(services: Services, stored: ChatData, language: str) -> list[Markup]:
    """Return what the desk holds, where it holds anything."""
    if services.desk is None or not stored.tickets:
        return []
    text = say(
        language,
        "🙋 <b>Your questions to our staff: {count}</b>\n"
        "• Staff can read in their group what you wrote to them and what they answered, your "
        "first name, language, step, and the answer you had read.\n"
        "• Everything is deleted {days} days after a question is settled; here I keep only "
        "times and message numbers.",
        count=stored.tickets,
        days=services.desk.retention.days,
    )
    return [text]


def _person_text(person: LinkedPerson, chat_id: int, language: str) -> Markup:
    code = _CODE_KEPT if person.application in CODE_RECOVERABLE else _CODE_NOT_KEPT
    links = [_link_text(link, chat_id, language) for link in person.links]
    data = say(language, _PERSON_DATA, masked=person.ui_number_masked)
    return Markup("\n".join((data, say(language, code), *links)))


def _link_text(link: ChatLink, chat_id: int, language: str) -> Markup:
    since = f"{link.since.astimezone(TAIPEI):{_TIME_FORMAT}}"
    if link.chat == chat_id:
        return say(language, "🔗 Alerts: <b>this chat</b>, since {since}", since=since)
    return say(language, "🔗 Alerts: another chat, since {since}", since=since)


def _erasure_text(services: Services, people: tuple[LinkedPerson, ...], language: str) -> Markup:
    if services.authority is None:
        return say(
            language,
            "🗑 <b>To erase your data in this chat</b>, press the button if there is one. The "
            "authorities keep your application, card and certificate; I have no access to "
            "them. For those, call {hotline}.",
        )
    if not people:
        return say(
            language,
            "🔗 You don't get alerts in this chat. To see if you have an application, verify "
            "your identity first.\n"
            "\n"
            "🗑 <b>To erase data</b>: press the button for this chat, if there is one. Staff at "
            "the counter can erase an application when none is open and no certificate is in "
            "use.",
        )
    return say(
        language,
        "🗑 <b>To erase your data</b>: staff at the counter can erase everything that "
        "identifies you when no application is open and no certificate is in use. They can "
        "also give you a full copy.",
    )


def _remove_button(
    person: LinkedPerson, link: ChatLink, chat_id: int, names_person: bool, language: str
) -> InlineKeyboardButton:
    if link.chat == chat_id:
        text = label(language, "✂️ Remove this chat")
    else:
        since = f"{link.since.astimezone(TAIPEI):{_TIME_FORMAT}}"
        text = label(language, "✂️ Remove chat of {since}", since=since)
    if names_person:
        text = f"{text} ({person.ui_number_masked})"
    return button(text, ROUTE, "remove", person.subscriber, _link_key(link))


def _link_key(link: ChatLink) -> str:
    """Return the Unix time of a link, its key in a button; a chat must not see another's id."""
    return str(int(link.since.astimezone(UTC).timestamp()))


def _confirm_removal(linked: tuple[LinkedPerson, ChatLink], chat_id: int, language: str) -> View:
    person, link = linked
    if link.chat == chat_id:
        text = say(
            language,
            "✂️ <b>Remove this chat?</b> You'll get no more alerts here and type your UI No. "
            "each time. To get alerts again, you need the subscriber code.",
        )
    else:
        text = say(
            language,
            "✂️ <b>Remove the other chat?</b> It gets no more alerts, and is notified that it "
            "was removed. To get alerts there again, you need the subscriber code.",
        )
    yes = button(
        label(language, "✂️ Yes, remove it"), ROUTE, "removed", person.subscriber, _link_key(link)
    )
    return view(text, [yes], [_back(language)])


def _confirm_erasing(language: str) -> View:
    text = say(
        language,
        "🗑 <b>Erase your language choice, ratings, reminders and questions to staff?</b> I'll "
        "then use your Telegram's language and send no payment reminders. An open question to "
        "our staff ends.",
    )
    return view(
        text, [button(label(language, "🗑 Yes, erase it"), ROUTE, "erased")], [_back(language)]
    )


def _back(language: str) -> InlineKeyboardButton:
    return button(label(language, "‹ Back"), ROUTE, "show")


async def _find_link(
    services: Services, chat_id: int, subscriber: str, since: int
) -> tuple[LinkedPerson, ChatLink] | None:
    """Return a link that this chat may remove."""
    async with services.database.unit_of_work() as session:
        people = await _linked_people(services, session, chat_id)
    return next(
        (
            (person, link)
            for person in people
            for link in person.links
            if (person.subscriber, _link_key(link)) == (subscriber, str(since))
        ),
        None,
    )


async def _remove_link(
    services: Services, linked: tuple[LinkedPerson, ChatLink], chat_id: int, language: str
) -> str:
    """Remove a link; return the toast."""
    person, link = linked
    now: datetime = services.now()
    async with services.database.unit_of_work() as session:
        assert services.authority is not None
        unlink = services.authority.links.unlink_chat
        if not await unlink(session, person.subscriber, link.chat, chat_id, now):
            return label(language, "This link no longer exists.")
    return label(language, "Removed.")


async def _erase(services: Services, user_id: int, chat_id: int) -> None:
    async with services.database.unit_of_work() as session:
        erase, now = chat_data.erase_chat_data, services.now()
        await erase(session, services.languages, user_id, chat_id, now)
