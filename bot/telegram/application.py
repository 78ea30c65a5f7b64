"""The application that works on updates: PTB's, with our line, our order and our services."""

import re
from dataclasses import replace
from functools import cache
from typing import Any

from telegram.ext import Application, ApplicationBuilder, ContextTypes
from telegram.request import BaseRequest

import locales
from bot.settings import Settings, require_token
from bot.telegram.error_handler import ErrorHandler
from bot.telegram.rate_limiter import PatientLimiter
from bot.updates.intake import Intake
from bot.updates.update_processor import ChatOrder, Line
from handlers.context import Context, Services
from handlers.routes import register
from services.conversations import ConversationStore
from services.faq import entries, error_codes
from services.faq.search import Search
from services.formats.hidden import Hidden
from services.people.people import People
from services.secret_shapes import SecretShapes
from services.storage.database import Database

App = Application[Any, Context, Any, Any, Any, Any]

_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")


def build(
    settings: Settings,
    requests: tuple[BaseRequest, BaseRequest],
    line: Line,
    intake: Intake,
    services: Services,
) -> App:
    """Give the application, with every handler.

    :param requests: carry its calls, and the poller's.
    """
    calls, polls = requests
    application = (
        ApplicationBuilder()
        .token(require_token(settings))
        .base_url(settings.base_url)
        .request(calls)
        .get_updates_request(polls)
        .rate_limiter(PatientLimiter())
        .context_types(ContextTypes(context=Context))
        .concurrent_updates(ChatOrder(intake.finished))
        .update_queue(line)
        .job_queue(None)
        .updater(None)
        .build()
    )
    provider = settings.payment_provider_token
    token = Hidden(provider.get_secret_value()) if provider else None
    application.bot_data["services"] = replace(
        services, payment_provider=token, charge_on_record=intake.charge_on_record
    )
    register(application)
    application.add_error_handler(ErrorHandler(intake))
    intake.attach(application)
    return application


def build_services(
    database: Database, people: People, conversations: ConversationStore
) -> Services:
    """Give the services that handlers call."""
    search, shapes = _learnt()
    return Services(
        database=database,
        people=people,
        entries=entries.load(),
        search=search,
        secret_shapes=shapes,
        conversations=conversations,
    )


@cache
def _learnt() -> tuple[Search, SecretShapes]:
    """Give what is learnt from the entries, once a process."""
    known = entries.load()
    shapes = SecretShapes(_vocabulary(known), lambda token: bool(error_codes.find_codes(token)))
    return Search(known), shapes


def _vocabulary(known: entries.Entries) -> set[str]:
    texts = (
        text
        for language in locales.LANGUAGES
        for entry in known.all(language)
        for text in (entry.title, entry.body, *entry.phrasings)
    )
    return {word for text in texts for word in _LATIN_WORD.findall(text)}
