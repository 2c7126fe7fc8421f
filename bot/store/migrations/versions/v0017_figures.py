"""Figures by day, so that a page need not count a million rows; and who is signed in to look at them."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_ALWAYS = ""
_WATCHED = (
    ("conversations", "insert", "new.id", _ALWAYS),
    ("conversations", "update", "new.id", _ALWAYS),
    ("conversations", "delete", "old.id", _ALWAYS),
    ("runs", "insert", "new.conversation_id", _ALWAYS),
    ("runs", "update", "new.conversation_id", _ALWAYS),
    ("escalations", "insert", "new.conversation_id", _ALWAYS),
    ("escalations", "update", "new.conversation_id", _ALWAYS),
    ("handbacks", "insert", "new.conversation_id", _ALWAYS),
    ("ratings", "insert", "new.conversation_id", _ALWAYS),
    ("ratings", "update", "new.conversation_id", _ALWAYS),
    ("ledger", "insert", "new.conversation_id", _ALWAYS),
    ("ledger", "update", "new.conversation_id", _ALWAYS),
    ("traces", "insert", "new.conversation_id", "when (new.action in ('tool_call', 'delivery', 'decision'))"),
    ("transcript_lines", "insert", "new.conversation_id", "when (new.speaker = 'person')"),
)
"""(table, what happens to it, its conversation, which rows): what figures are counted from."""


def upgrade() -> None:
    """New tables, and triggers that note what is to be counted. What there is already is counted in the background."""
    _figures()
    _signed_in()
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for table, event, conversation, rows in _WATCHED:
        name = f"note_{table}_{event}"
        note = f"insert into uncounted (conversation_id) values ({conversation})"  # noqa: S608 - names from above
        if on_sqlite:
            op.execute(sa.text(f"create trigger {name} after {event} on {table} {rows} begin {note}; end"))
            continue
        body = f"$$ begin {note}; return null; end $$"
        op.execute(sa.text(f"create function {name}() returns trigger language plpgsql as {body}"))
        each = f"for each row {rows} execute function {name}()"
        op.execute(sa.text(f"create trigger {name} after {event} on {table} {each}"))
    op.execute(
        sa.text("insert into uncounted (conversation_id) select id from conversations order by opened_at desc, id")
    )


def _figures() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "figures",
        *(
            sa.Column(name, sa.Text(), primary_key=True)
            for name in ("team_id", "day", "channel_id", "profile", "prompt_version", "measure")
        ),
        sa.Column("value", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "tool_figures",
        *(sa.Column(name, sa.Text(), primary_key=True) for name in ("team_id", "day", "tool", "measure")),
        sa.Column("value", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "counted",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_table(
        "uncounted",
        sa.Column("seq", serial, primary_key=True, autoincrement=True),
        sa.Column("conversation_id", sa.Text(), nullable=False),
    )
    op.create_index("ix_uncounted_conversation", "uncounted", ["conversation_id"])
    op.create_table(
        "figure_versions",
        sa.Column("team_id", sa.Text(), primary_key=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
    )


def _signed_in() -> None:
    op.create_table(
        "dashboard_sessions",
        sa.Column("secret", sa.Text(), primary_key=True),
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
    )
    op.create_index("ix_dashboard_sessions_until", "dashboard_sessions", ["until"])
    op.create_index("ix_dashboard_sessions_user", "dashboard_sessions", ["team_id", "user_id"])
    op.create_table(
        "dashboard_links",
        sa.Column("team_id", sa.Text(), primary_key=True),
        sa.Column("user_id", sa.Text(), primary_key=True),
        sa.Column("secret", sa.Text(), nullable=False, unique=True),
        sa.Column("until", sa.Double(), nullable=False),
    )


def downgrade() -> None:
    """Not supported: migrations only go forward."""
    raise NotImplementedError("migrations only go forward; restore a backup instead")
