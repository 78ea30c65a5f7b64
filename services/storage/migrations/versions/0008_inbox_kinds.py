"""The inbox knows kind and chat of an update without opening it.

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Change the database to this revision."""
    with op.batch_alter_table("inbox") as table:
        table.add_column(sa.Column("kind", sa.String(length=32), nullable=True))
        table.add_column(sa.Column("chat_id", sa.BigInteger(), nullable=True))
        table.create_index("inbox_by_chat", ["chat_id", "update_id"])
