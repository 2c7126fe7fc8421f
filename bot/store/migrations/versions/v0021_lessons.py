"""What people's answers may teach."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_WORDS = (
    "team_id", "case_id", "conversation_id", "title", "question", "answer", "category", "language", "taught_by",
    "audience", "article_by", "case_by", "dismissed_by",
)  # fmt: skip


def upgrade() -> None:
    """A row for each suggestion."""
    op.create_table(
        "lessons",
        sa.Column("id", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _WORDS),
        sa.Column("suggested_at", sa.Double(), nullable=False),
        sa.Column("is_case", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case_id"),
    )
    op.create_index("ix_lessons_team", "lessons", ["team_id", "suggested_at"])
    op.create_index("ix_lessons_conversation", "lessons", ["conversation_id"])


def downgrade() -> None:
    """Not supported: migrations only go forward."""
    raise NotImplementedError("migrations only go forward; restore a backup instead")
