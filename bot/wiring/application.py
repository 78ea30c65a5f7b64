"""PTB's application with our update queue, update processor, rate limiter and services."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache
from time import monotonic
from typing import Any

from telegram.ext import Application, ApplicationBuilder, ContextTypes
from telegram.request import BaseRequest

from bot.settings import Settings, require_bot_token
from bot.telegram.rate_limiter import RetryingRateLimiter
from bot.updates.error_handler import ErrorHandler
from bot.updates.intake import Intake
from bot.updates.update_processor import ClosableUpdateQueue, PerChatUpdateProcessor
from handlers.context import Context, Services
from handlers.routes import register
from services.clock import SystemClock
from services.conversations import ConversationStore
from services.faq import entries
from services.faq.index import load_index
from services.faq.search import FaqSearch
from services.faq.vocabulary import make_secret_detector
from services.formats.hidden import Hidden
from services.people.chats import move_chat
from services.people.languages import LanguagePreferences
from services.request_limits import RequestLimits
from services.secret_detection import SecretDetector
from services.storage.database import Database

KaikaApplication = Application[Any, Context, Any, Any, Any, Any]


def build_application(
    settings: Settings,
    requests: tuple[BaseRequest, BaseRequest],
    update_queue: ClosableUpdateQueue,
    intake: Intake,
    services: Services,
) -> KaikaApplication:
    """Build the application with every handler.

    :param requests: for its own calls, and for the poller's.
    """
    calls, polls = requests
    application = (
        ApplicationBuilder()
        .token(require_bot_token(settings))
        .base_url(settings.base_url)
        .request(calls)
        .get_updates_request(polls)
        .rate_limiter(RetryingRateLimiter(_chat_mover(services.database)))
        .context_types(ContextTypes(context=Context))
        .concurrent_updates(PerChatUpdateProcessor(intake))
        .update_queue(update_queue)
        .job_queue(None)
        .updater(None)
        .build()
    )
    limits = RequestLimits.from_texts(settings.texts_per_minute)
    provider = settings.payment_provider_token
    token = Hidden(provider.get_secret_value()) if provider else None
    application.bot_data["services"] = replace(
        services,
        payment_provider=token,
        confirm_charge_recorded=intake.confirm_charge_recorded,
        mark_secret=intake.mark_secret,
        is_repeated=intake.is_repeated,
        request_limits=limits,
    )
    register(application)
    application.add_error_handler(ErrorHandler(intake))
    intake.attach(
        application,
        lambda text: services.secret_detector.find(text) is not None,
        lambda person: (
            limits.queries.is_told(person) and limits.queries.is_paused(person, monotonic())
        ),
    )
    return application


def _chat_mover(database: Database) -> Callable[[int, int], Awaitable[None]]:
    async def move(old_id: int, new_id: int) -> None:
        async with database.unit_of_work() as session:
            await move_chat(session, old_id, new_id)

    return move


def build_services(
    database: Database,
    people: LanguagePreferences,
    conversations: ConversationStore,
    clock: SystemClock,
) -> Services:
    """Build the services that handlers call."""
    search, shapes = load_models()
    return Services(
        database=database,
        languages=people,
        entries=entries.load_entries(),
        search=search,
        secret_detector=shapes,
        conversations=conversations,
        now=clock.now,
    )


@cache
def load_models() -> tuple[FaqSearch, SecretDetector]:
    """Load the search, and train secret detection on the FAQ entries, once per process."""
    known = entries.load_entries()
    return FaqSearch(known, load_index(known)), make_secret_detector(known)
