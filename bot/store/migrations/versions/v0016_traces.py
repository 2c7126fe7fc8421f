"""Whose step a trace row is."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_TEXTS = ("ref", "team_id", "channel_id", "profile", "prompt_version")


def upgrade() -> None:
    """Rows from before, and those that an older process still writes, have no epoch and empty words.

    No index: reads by run go through the conversation's, and figures through tables of their own.
    """
    op.add_column("traces", sa.Column("epoch", sa.Integer(), nullable=True))
    for name in _TEXTS:
        op.add_column("traces", sa.Column(name, sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Not supported: migrations only go forward."""
    raise NotImplementedError("migrations only go forward; restore a backup instead")
