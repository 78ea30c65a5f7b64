"""The support desk: staff group, staff, tickets, messages, calls and audit.

Revision: 0014, after 0013.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _word(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False)


def _id(name: str = "id") -> sa.Column[int]:
    return sa.Column(name, _ID, nullable=False)


def upgrade() -> None:
    """Change the database to this revision."""
    _create_staff()
    _create_tickets()
    op.create_table(
        "desk_calls",
        _id(),
        _id("ticket_id"),
        _word("lane", 8),
        _word("kind", 16),
        _number("place"),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        _time("at"),
        _time("not_before"),
        _number("attempts"),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"]),
    )
    op.create_index("desk_calls_by_ticket", "desk_calls", ["ticket_id", "lane", "id"])
    op.create_table(
        "desk_audit",
        _id(),
        _number("ticket_id", nullable=True),
        _number("staff_id"),
        _word("act", 16),
        _word("about", 64),
        _time("at"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("desk_audit_by_time", "desk_audit", ["at"])


def _create_staff() -> None:
    op.create_table(
        "desk_groups",
        _number("chat_id"),
        _word("language", 16),
        _number("set_up_by"),
        _time("set_up_at"),
        _number("board_message_id", nullable=True),
        sa.PrimaryKeyConstraint("chat_id"),
    )
    op.create_table(
        "desk_staff",
        _number("user_id"),
        _word("alias", 64),
        _number("role"),
        _time("checked_at", nullable=True),
        sa.PrimaryKeyConstraint("user_id"),
    )


def _create_tickets() -> None:
    op.create_table(
        "tickets",
        _id(),
        _number("chat_id"),
        _word("language", 16),
        _word("state", 8),
        sa.Column("is_lost_card", sa.Boolean(), nullable=False),
        _number("assignee", nullable=True),
        _word("origin", 64),
        _word("step", 40),
        _number("topic_id", nullable=True),
        _number("card_message_id", nullable=True),
        sa.Column("told", sa.Text(), nullable=False),
        _time("opened_at"),
        _time("waits_since"),
        _time("active_at"),
        _time("resolved_at", nullable=True),
        _time("muted_until", nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("tickets_by_chat", "tickets", ["chat_id", "id"])
    op.create_index("tickets_by_topic", "tickets", ["topic_id"])
    op.create_index("tickets_by_state", "tickets", ["state", "waits_since"])
    op.create_table(
        "ticket_messages",
        _id(),
        _id("ticket_id"),
        _word("direction", 3),
        _number("source_message_id"),
        _number("copy_message_id", nullable=True),
        _number("author"),
        _word("state", 8),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        _time("at"),
        _time("delivered_at", nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"]),
        sa.UniqueConstraint("ticket_id", "direction", "source_message_id"),
    )
    op.create_index("ticket_messages_by_copy", "ticket_messages", ["ticket_id", "copy_message_id"])
