"""Which articles answers rested on."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """A row for each article of each answer; and a way to a workspace's cases by their age, for lists of them."""
    op.create_table(
        "citations",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "article"),
    )
    op.create_index("ix_citations_team", "citations", ["team_id", "at", "article"])
    op.create_index("ix_escalations_of_team", "escalations", ["team_id", "opened_at"])


def downgrade() -> None:
    """Not supported: migrations only go forward."""
    raise NotImplementedError("migrations only go forward; restore a backup instead")
