"""Causes that are to be handled at a later moment, and cases that are offered to others."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """One row per timer; keys in byte order, so that a prefix is a range of the index."""
    op.create_table(
        "timers",
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("key", _KEY, nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("partition", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "key"),
    )
    op.create_index("ix_timers_due", "timers", ["due_at"])
    op.create_index("ix_timers_conversation", "timers", ["conversation_id"])
    op.add_column("escalations", sa.Column("offered_at", sa.Double(), nullable=True))


def downgrade() -> None:
    """Not supported: migrations only go forward."""
    raise NotImplementedError("migrations only go forward; restore a backup instead")
