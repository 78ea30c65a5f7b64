"""Alembic's entry: runs on the connection that `services.storage.upgrade` hands over."""

from importlib import import_module

from alembic import context

from services.storage.database import Base

MODEL_MODULES = (
    "services.storage.models",
    "services.conversations",
    "services.messaging.outbox",
    "services.rate_limit",
    "services.authority.embedded.models",
    "services.authority.ca.models",
    "services.bridge.models",
    "services.desk.models",
    "services.faq.edits.models",
)
"""Where tables are described."""

for module in MODEL_MODULES:
    import_module(module)
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
