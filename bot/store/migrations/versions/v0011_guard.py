"""Who keeps the bot quiet, and why a run was stopped."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Three small tables for the gates at the door; a run knows what happened to its question."""
    op.create_table(
        "mutes",
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("team_id", "subject"),
    )
    op.create_table(
        "shared_channels",
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("is_allowed", sa.Boolean(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "channel_id"),
    )
    op.create_table(
        "bot_turns",
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("began_at", sa.Double(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("paused_until", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "bot_id"),
    )
    op.add_column("runs", sa.Column("stop_why", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Not supported: migrations only go forward."""
    raise NotImplementedError("migrations only go forward; restore a backup instead")
