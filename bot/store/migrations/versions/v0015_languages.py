"""The language a customer reads."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Empty for conversations from before: they are spoken to in English until somebody writes in them again."""
    op.add_column("conversations", sa.Column("language", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Not supported: migrations only go forward."""
    raise NotImplementedError("migrations only go forward; restore a backup instead")
