"""One-time codes remember what their last try was spent for.

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Change the database to this revision."""
    with op.batch_alter_table("one_time_challenges") as table:
        table.add_column(
            sa.Column("last_attempt", sa.String(length=40), nullable=False, server_default="")
        )
