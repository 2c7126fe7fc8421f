"""What was parked, what the search for old and stuck rows needs, and facts about the database itself."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add columns with defaults, partial indexes that stay small, and a table of facts."""
    op.add_column("inbox", sa.Column("first_error", sa.Text(), nullable=False, server_default=""))
    op.add_column("inbox", sa.Column("last_error", sa.Text(), nullable=False, server_default=""))
    op.add_column("inbox", sa.Column("parked_at", sa.Double(), nullable=True))
    _index("ix_inbox_parked", "inbox", ["parked_at"], "parked_at IS NOT NULL")
    _index("ix_runs_unfinished", "runs", ["started_at"], "outcome IS NULL")
    _index("ix_outbox_failed", "outbox", ["seq"], "state = 'failed'")
    op.create_index("ix_conversations_opened", "conversations", ["opened_at", "id"])
    facts = op.create_table(
        "facts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.bulk_insert(facts, [{"name": "oldest_code", "value": "0006"}])


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    """Not supported: migrations only go forward."""
    raise NotImplementedError("migrations only go forward; restore a backup instead")
