"""Approvals: what a case remembers of consent, and the log of who decided what."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_REMOVING = "select 1 from facts where (name = 'removing:' || old.team_id) or (name = 'move' and value = 'begun')"
"""Rows go with their whole workspace, or when a half-filled database is emptied; otherwise never."""
_REFUSAL = "the audit log is append-only"
_SQLITE = (
    f"create trigger audit_kept before update on audit begin select raise(abort, '{_REFUSAL}'); end",
    f"create trigger audit_stays before delete on audit when not exists ({_REMOVING})"
    f" begin select raise(abort, '{_REFUSAL}'); end",
)
_POSTGRESQL = (
    "create function audit_refuse() returns trigger language plpgsql as $$ begin"
    f" if tg_op = 'DELETE' then if exists ({_REMOVING}) then return old; end if; end if;"
    f" raise exception '{_REFUSAL}'; end $$",
    "create trigger audit_kept before update or delete on audit for each row execute function audit_refuse()",
    "create function audit_refuse_all() returns trigger language plpgsql as $$ begin"
    f" raise exception '{_REFUSAL}'; end $$",
    "create trigger audit_whole before truncate on audit for each statement execute function audit_refuse_all()",
)


def upgrade() -> None:
    """Columns with defaults, and a table that only grows."""
    op.add_column("escalations", sa.Column("expires_at", sa.Double(), nullable=True))
    op.add_column("escalations", sa.Column("first_by", sa.Text(), nullable=False, server_default=""))
    op.add_column("escalations", sa.Column("first_at", sa.Double(), nullable=True))
    op.add_column("escalations", sa.Column("edited_by", sa.Text(), nullable=False, server_default=""))
    op.add_column("escalations", sa.Column("asked", sa.Text(), nullable=True))
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "audit",
        sa.Column("seq", serial, primary_key=True, autoincrement=True),
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
    )
    op.create_index("ix_audit_team", "audit", ["team_id", "seq"])
    op.create_index("ix_audit_conversation", "audit", ["conversation_id", "seq"])
    op.create_index("ix_audit_subject", "audit", ["subject", "seq"])
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(sa.text(statement))


def downgrade() -> None:
    """Not supported: migrations only go forward."""
    raise NotImplementedError("migrations only go forward; restore a backup instead")
