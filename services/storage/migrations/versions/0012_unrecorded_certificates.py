"""Certificates that were published and are on no record, after a backup was restored.

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Change the database to this revision."""
    op.create_table(
        "unrecorded_certificates",
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revocation_reason", sa.String(length=24), nullable=True),
        sa.PrimaryKeyConstraint("serial"),
    )
