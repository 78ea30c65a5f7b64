"""Answers that agents send by a button or a code.

Revision: 0020, after 0019.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Change the database to this revision."""
    suggested = sa.Column("suggested", sa.String(length=200), nullable=False, server_default="")
    op.add_column("tickets", suggested)
    answer = sa.Column("answer", sa.String(length=64), nullable=False, server_default="")
    op.add_column("ticket_messages", answer)
    prompt = sa.Column("prompt_message_id", sa.BigInteger(), nullable=True)
    op.add_column("ticket_messages", prompt)
