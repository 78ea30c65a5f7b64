"""Edits of the FAQ, which lie over the files that came with the package.

Revision: 0018, after 0017.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Change the database to this revision."""
    op.create_table(
        "faq_changes",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undoes", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "faq_edits",
        sa.Column("change_id", sa.BigInteger(), nullable=False),
        sa.Column("file", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("base_hash", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["change_id"], ["faq_changes.id"]),
        sa.PrimaryKeyConstraint("change_id", "file"),
    )
    op.create_index("faq_edits_by_file", "faq_edits", ["file", "change_id"])
