"""Tables of figures and of who is signed in."""

import sqlalchemy as sa

from bot.store.tables import metadata

_Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

figures = sa.Table(
    "figures",
    metadata,
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, primary_key=True),  # ISO date in the workspace's time zone
    sa.Column("channel_id", sa.Text, primary_key=True),  # `dm` for every direct conversation
    sa.Column("profile", sa.Text, primary_key=True),
    sa.Column("prompt_version", sa.Text, primary_key=True),
    sa.Column("measure", sa.Text, primary_key=True),  # see counting.py
    sa.Column("value", sa.BigInteger, nullable=False),
)

tool_figures = sa.Table(
    "tool_figures",
    metadata,
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("tool", sa.Text, primary_key=True),
    sa.Column("measure", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)

counted = sa.Table(
    "counted",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # of a conversation
    sa.Column("body", sa.Text, nullable=False),  # JSON: what of it is in the figures
)

uncounted = sa.Table(
    "uncounted",
    metadata,
    sa.Column("seq", _Serial, primary_key=True, autoincrement=True),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Index("ix_uncounted_conversation", "conversation_id"),
)

figure_versions = sa.Table(
    "figure_versions",
    metadata,
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),  # rises whenever a figure of the workspace changes
)

sessions = sa.Table(
    "dashboard_sessions",
    metadata,
    sa.Column("secret", sa.Text, primary_key=True),  # SHA-256 of what the browser holds
    sa.Column("team_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("until", sa.Double, nullable=False),
    sa.Index("ix_dashboard_sessions_until", "until"),
    sa.Index("ix_dashboard_sessions_user", "team_id", "user_id"),
)

sign_in_links = sa.Table(
    "dashboard_links",
    metadata,
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("secret", sa.Text, nullable=False, unique=True),  # SHA-256
    sa.Column("until", sa.Double, nullable=False),
)

OF_WORKSPACE = (figures, tool_figures, figure_versions, sessions, sign_in_links)
"""Tables with a column `team_id`; what is in `counted` goes with its conversations."""
