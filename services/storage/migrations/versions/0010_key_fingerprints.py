"""A fingerprint of every key; so far there was one, of the secret for lookups.

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Change the database to this revision."""
    op.create_table(
        "key_fingerprints",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.execute(
        "INSERT INTO key_fingerprints (name, fingerprint) "
        "SELECT 'secret lookup', value FROM facts WHERE name = 'key_file'"
    )
    op.execute("DELETE FROM facts WHERE name = 'key_file'")
