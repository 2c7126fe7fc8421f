"""A chain through the audit log, from which a person can be taken out without breaking it."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_PERSONAL = ("actor", "subject", "conversation_id", "detail", "digest", "before", "after")
_FIXED = ("seq", "team_id", "at", "action", "number", "link")
_REFUSAL = "the audit log is append-only"
_ERASING = "exists (select 1 from facts where name = 'erasing:' || old.team_id)"
_REMOVING = "select 1 from facts where (name = 'removing:' || old.team_id) or (name = 'move' and value = 'begun')"


def _allowed(same: str) -> str:
    """When an entry may be updated; `same` compares two values, null or not.

    Once, to seal it without changing it; and while somebody is forgotten, to make fields empty.
    """
    fixed = " and ".join(f"new.{name} {same} old.{name}" for name in _FIXED)
    kept = " and ".join(f"new.{name} {same} old.{name}" for name in _PERSONAL)
    emptied = " and ".join(f"(new.{name} {same} old.{name} or new.{name} = '')" for name in _PERSONAL)
    sealing = f"old.seals is null and new.seals is not null and {kept}"
    erasing = f"new.seals {same} old.seals and {emptied} and {_ERASING}"
    return f"{fixed} and (({sealing}) or ({erasing}))"


def upgrade() -> None:
    """Columns without values: housekeeping seals what is there, a few hundred entries at a time."""
    op.add_column("audit", sa.Column("number", sa.BigInteger(), nullable=True))
    for name in ("link", "seals", "salts"):
        op.add_column("audit", sa.Column(name, sa.Text(), nullable=True))
    op.create_table(
        "audit_heads",
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("anchored", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team_id"),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(sa.text("drop trigger audit_kept"))
        op.execute(
            sa.text(
                f"create trigger audit_kept before update on audit when not ({_allowed('is')})"
                f" begin select raise(abort, '{_REFUSAL}'); end"
            )
        )
        return
    op.execute(
        sa.text(
            "create or replace function audit_refuse() returns trigger language plpgsql as $$ begin"
            f" if tg_op = 'DELETE' then if exists ({_REMOVING}) then return old; end if;"
            f" elsif {_allowed('is not distinct from')} then return new; end if;"
            f" raise exception '{_REFUSAL}'; end $$"
        )
    )


def downgrade() -> None:
    """Not supported: migrations only go forward."""
    raise NotImplementedError("migrations only go forward; restore a backup instead")
