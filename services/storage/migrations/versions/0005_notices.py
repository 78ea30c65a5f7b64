"""Notices to linked chats: their language, "was this you?", and since when a hold lasted.

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Change the database to this revision."""
    at = sa.DateTime(timezone=True)
    op.add_column("linked_chats", sa.Column("client_language", sa.String(16), nullable=True))
    op.add_column("grants", sa.Column("announced_at", at, nullable=True))
    op.add_column("certificate_sets", sa.Column("held_since", at, nullable=True))
    op.create_table(
        "doubts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("subscriber_id", sa.String(length=32), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("notice", sa.String(length=24), nullable=False),
        sa.Column("expires_at", at, nullable=False),
        sa.Column("denied_at", at, nullable=True),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscribers.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_doubts_subscriber_id"), "doubts", ["subscriber_id"])
    op.create_index(op.f("ix_doubts_expires_at"), "doubts", ["expires_at"])
