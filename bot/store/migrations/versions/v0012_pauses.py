"""Runs that wait for money, what was granted beyond a limit, and a quick look for reservations left behind."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """A paused run has no outcome yet and is nobody's work."""
    op.add_column("runs", sa.Column("paused_at", sa.Double(), nullable=True))
    op.create_table(
        "budget_asks",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("shortfall", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.Double(), nullable=False),
        sa.Column("held", sa.Text(), nullable=False),
        sa.Column("ended", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_index("ix_budget_asks_conversation", "budget_asks", ["conversation_id", "asked_at"])
    op.create_index("ix_budget_asks_run", "budget_asks", ["run_id", "asked_at"])
    op.create_table(
        "grants",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("usd", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("ix_grants_subject", "grants", ["team_id", "subject", "scope"])
    reserved = sa.text("state = 'reserved'")
    op.create_index("ix_ledger_reserved", "ledger", ["at"], sqlite_where=reserved, postgresql_where=reserved)


def downgrade() -> None:
    """Not supported: migrations only go forward."""
    raise NotImplementedError("migrations only go forward; restore a backup instead")
