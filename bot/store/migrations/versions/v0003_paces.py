"""How fast each method of Slack may be called, and by whom a row of the outbox is being delivered."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the table, and two columns that rows of an older version leave empty."""
    op.create_table(
        "paces",
        sa.Column("key", _KEY, primary_key=True),
        sa.Column("tat", sa.Double(), nullable=False),
        sa.Column("closed_until", sa.Double(), nullable=False),
    )
    op.add_column("outbox", sa.Column("intent_by", sa.Text()))
    op.add_column("outbox", sa.Column("slot_at", sa.Double()))


def downgrade() -> None:
    """Not supported: migrations only go forward."""
    raise NotImplementedError("migrations only go forward; restore a backup instead")
