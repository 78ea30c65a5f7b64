"""One-time codes remember what their mails were counted under.

Revision: 0016, after 0015.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Change the database to this revision."""
    subject = sa.Column("subject", sa.LargeBinary(length=32), nullable=True)
    op.add_column("one_time_challenges", subject)
