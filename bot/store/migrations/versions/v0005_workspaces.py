"""Installed workspaces, and the workspace of every row."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_FILL = {
    "sqlite": (
        "update inbox set team_id = coalesce(json_extract(payload, '$.thread.team_id'),"
        " json_extract(payload, '$.team_id'), '')",
        "update outbox set team_id = coalesce(json_extract(payload, '$.place.team_id'), '')",
        "update escalations set team_id = substr(conversation_id, 1, instr(conversation_id, ':') - 1)",
    ),
    "postgresql": (
        "update inbox set team_id = coalesce(payload::json #>> '{thread,team_id}', payload::json ->> 'team_id', '')",
        "update outbox set team_id = coalesce(payload::json #>> '{place,team_id}', '')",
        "update escalations set team_id = split_part(conversation_id, ':', 1)",
    ),
}
_KEYS = (  # each workspace has its own, see bot.store.inbox
    "update inbox set event_id = team_id || ':' || event_id where event_id is not null",
    "update inbox set message_key = team_id || ':' || message_key where message_key is not null",
    "update inbox set client_key = team_id || ':' || client_key where client_key is not null",
)
_LIVE = sa.text("state IN ('open', 'claimed')")


def upgrade() -> None:
    """Add tables and columns; rows from before the installations learn their workspace from what they hold."""
    for table in ("inbox", "outbox", "escalations"):
        op.add_column(table, sa.Column("team_id", sa.Text(), nullable=False, server_default=""))
    for statement in (*_FILL[op.get_bind().dialect.name], *_KEYS):
        op.execute(sa.text(statement))
    op.create_table(
        "workspaces",
        sa.Column("team_id", sa.Text(), primary_key=True),
        sa.Column("enterprise_id", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
    )
    _create_installations()
    op.create_table(
        "sign_ins",
        sa.Column("state", sa.Text(), primary_key=True),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
    )
    op.create_index("ix_sign_ins_until", "sign_ins", ["until"])
    op.create_index(
        "ix_escalations_live_of_team",
        "escalations",
        ["team_id", "opened_at"],
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )


def downgrade() -> None:
    """Not supported: migrations only go forward."""
    raise NotImplementedError("migrations only go forward; restore a backup instead")


def _create_installations() -> None:
    op.create_table(
        "installations",
        sa.Column("enterprise_id", sa.Text(), primary_key=True),
        sa.Column("team_id", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("bot_user_id", sa.Text(), nullable=False),
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("installed_by", sa.Text(), nullable=False),
        sa.Column("installed_at", sa.Double(), nullable=False),
        sa.Column("bot_token", sa.Text(), nullable=False),
        sa.Column("refresh_token", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Double()),
        sa.Column("refreshing_until", sa.Double()),
        sa.Column("revoked_at", sa.Double()),
        sa.Column("version", sa.Integer(), nullable=False),
    )
