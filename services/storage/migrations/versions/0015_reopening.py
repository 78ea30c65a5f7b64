"""Until when a message of the subscriber goes on with a ticket that has ended.

Revision: 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Change the database to this revision."""
    op.add_column("tickets", sa.Column("reopens_until", sa.DateTime(timezone=True), nullable=True))
