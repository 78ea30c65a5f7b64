"""Jobs whose time is counted by the steady clock.

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Change the database to this revision."""
    op.add_column(
        "due", sa.Column("is_steady", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.execute("UPDATE due SET is_steady = true WHERE kind IN ('erase', 'outbox')")
