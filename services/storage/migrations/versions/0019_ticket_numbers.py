"""Albums of messages, and what is known of a ticket once it is answered and resolved.

Revision: 0019, after 0018.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Change the database to this revision."""
    op.add_column("ticket_messages", sa.Column("album", sa.String(64), nullable=True))
    answered_at = sa.Column("first_answered_at", sa.DateTime(timezone=True), nullable=True)
    for column in (
        answered_at,
        sa.Column("reason", sa.String(16), nullable=True),
        sa.Column("is_helpful", sa.Boolean(), nullable=True),
    ):
        op.add_column("tickets", column)
