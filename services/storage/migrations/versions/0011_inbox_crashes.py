"""The inbox counts how often the process ended during an update.

Revision: 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Change the database to this revision."""
    with op.batch_alter_table("inbox") as table:
        table.add_column(sa.Column("crashes", sa.Integer(), nullable=False, server_default="0"))
