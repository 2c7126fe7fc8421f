"""The tables as SQLAlchemy sees them. Migrations write them out a second time; a test compares the two."""

import sqlalchemy as sa

metadata = sa.MetaData()

_Seconds = sa.Double
"""Unix seconds."""
_MicroUsd = sa.BigInteger
"""Millionths of a dollar."""
_Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite counts by itself only in an INTEGER key."""
_Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text compared byte by byte, so that a prefix is a range of the index on both databases."""

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("team_id", sa.Text, nullable=False, server_default=""),
    sa.Column("event_id", sa.Text, unique=True),  # team: and Slack's event id, `press:…` or `cause:…`
    sa.Column("message_key", sa.Text, unique=True),  # team:channel:ts; message and app_mention share it
    sa.Column("client_key", sa.Text, unique=True),  # team:channel:client_msg_id
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("conversation_id", sa.Text),
    sa.Column("partition", sa.Text, nullable=False),
    sa.Column("order_ts", _Key, nullable=False),  # message timestamp, else the time of arrival in the same form
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("received_at", _Seconds, nullable=False),
    sa.Column("handled_at", _Seconds),
    sa.Column("first_error", sa.Text, nullable=False, server_default=""),  # class of the exception
    sa.Column("last_error", sa.Text, nullable=False, server_default=""),
    sa.Column("parked_at", _Seconds),  # given up: only people touch it now
    sa.Index(
        "ix_inbox_parked",
        "parked_at",
        sqlite_where=sa.text("parked_at IS NOT NULL"),
        postgresql_where=sa.text("parked_at IS NOT NULL"),
    ),
    sa.Index(
        "ix_inbox_unhandled",
        "conversation_id",
        "order_ts",
        "id",
        sqlite_where=sa.text("handled_at IS NULL"),
        postgresql_where=sa.text("handled_at IS NULL"),
    ),
)

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("team_id", sa.Text, nullable=False),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("thread_ts", sa.Text, nullable=False),
    sa.Column("surface", sa.Text, nullable=False),
    sa.Column("standing", sa.Text, nullable=False),
    sa.Column("owner", sa.Text),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("prompt_version", sa.Text, nullable=False),
    sa.Column("opened_by", sa.Text, nullable=False),
    sa.Column("opened_at", _Seconds, nullable=False),
    sa.Column("language", sa.Text, nullable=False, server_default=""),  # ISO 639-1; empty: not known yet
    sa.Index("ix_conversations_team", "team_id", "opened_at"),
    sa.Index("ix_conversations_opened", "opened_at", "id"),
)

lines = sa.Table(
    "transcript_lines",
    metadata,
    sa.Column("seq", _Serial, primary_key=True, autoincrement=True),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("speaker", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("at", _Seconds, nullable=False),
    sa.Index("ix_transcript_lines_conversation", "conversation_id", "seq"),
)

prompts = sa.Table(
    "prompts",
    metadata,
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("inbox_ids", sa.Text, nullable=False),  # JSON list
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("live_key", sa.Text),
    sa.Column("started_at", _Seconds, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("stop_requested", sa.Boolean, nullable=False),
    sa.Column("stop_why", sa.Text, nullable=False, server_default=""),  # what happened to the question
    sa.Column("paused_at", _Seconds),  # waits for people to allow more money; null: does not
    sa.Index("ix_runs_conversation", "conversation_id", "started_at"),
    sa.Index(
        "ix_runs_unfinished",
        "started_at",
        sqlite_where=sa.text("outcome IS NULL"),
        postgresql_where=sa.text("outcome IS NULL"),
    ),
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("output", sa.Text, nullable=False),
    sa.Column("at", _Seconds, nullable=False),
)

escalations = sa.Table(
    "escalations",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("team_id", sa.Text, nullable=False, server_default=""),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("team", sa.Text),
    sa.Column("proposal", sa.Text),  # JSON
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("requested_team", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("opened_at", _Seconds, nullable=False),
    sa.Column("staff_channel", sa.Text, nullable=False),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("decided_at", _Seconds),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("expires_at", _Seconds),  # until then a person may approve the proposal
    sa.Column("first_by", sa.Text, nullable=False, server_default=""),  # first of two who must approve
    sa.Column("first_at", _Seconds),
    sa.Column("edited_by", sa.Text, nullable=False, server_default=""),  # whose words the proposal holds
    sa.Column("asked", sa.Text),  # JSON: the question somebody asked about it
    sa.Column("offered_at", _Seconds),  # since then others may take it over from its owner
    sa.Index("ix_escalations_conversation", "conversation_id", "opened_at"),
    sa.Index("ix_escalations_of_team", "team_id", "opened_at"),
    sa.Index(
        "ix_escalations_live_of_team",
        "team_id",
        "opened_at",
        sqlite_where=sa.text("state IN ('open', 'claimed')"),
        postgresql_where=sa.text("state IN ('open', 'claimed')"),
    ),
    sa.Index(
        "ix_escalations_live",
        "opened_at",
        sqlite_where=sa.text("state IN ('open', 'claimed')"),
        postgresql_where=sa.text("state IN ('open', 'claimed')"),
    ),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("seq", _Serial, primary_key=True, autoincrement=True),
    sa.Column("key", _Key, nullable=False, unique=True),
    sa.Column("team_id", sa.Text, nullable=False, server_default=""),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("lane", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("conversation_id", sa.Text),
    sa.Column("epoch", sa.Integer),
    sa.Column("edits", sa.Text),
    sa.Column("under", sa.Text),
    sa.Column("not_before", _Seconds, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # waiting | delivered | voided | failed
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", _Seconds, nullable=False),
    sa.Column("intent_at", _Seconds),  # a call was begun at this time and its result is not known
    sa.Column("intent_by", sa.Text),  # replica whose call is under way; null: nobody's any more
    sa.Column("slot_at", _Seconds),  # place booked in `paces`
    sa.Column("receipt_channel", sa.Text),
    sa.Column("receipt_ts", sa.Text),
    sa.Column("receipt_streamed", sa.Boolean, nullable=False, server_default=sa.false()),  # begun as a stream
    sa.Column("receipt_session", sa.Text),  # native status given with the end of the stream
    sa.Column("finished_at", _Seconds),
    sa.Column("error", sa.Text, nullable=False),  # class of the last error
    sa.Index(
        "ix_outbox_waiting",
        "lane",
        "seq",
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    ),
    sa.Index("ix_outbox_receipt", "receipt_channel", "receipt_ts"),
    sa.Index(
        "ix_outbox_failed",
        "seq",
        sqlite_where=sa.text("state = 'failed'"),
        postgresql_where=sa.text("state = 'failed'"),
    ),
)

paces = sa.Table(
    "paces",
    metadata,
    sa.Column("key", _Key, primary_key=True),  # workspace|method|channel
    sa.Column("tat", _Seconds, nullable=False),  # theoretical arrival time of the next call
    sa.Column("closed_until", _Seconds, nullable=False),  # after a refusal
)

replicas = sa.Table(
    "replicas",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # made anew at every start of a process
    sa.Column("beat_at", _Seconds, nullable=False),  # last sign of life, by the database's clock
)

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("team_id", sa.Text, nullable=False),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # reserved | settled | assumed | released
    sa.Column("charged", _MicroUsd, nullable=False),  # worst case while reserved, then the real cost
    sa.Column("counted", sa.BigInteger, nullable=False),  # tokens that count, likewise
    sa.Column("input", sa.BigInteger, nullable=False),
    sa.Column("output", sa.BigInteger, nullable=False),
    sa.Column("cache_read", sa.BigInteger, nullable=False),
    sa.Column("cache_write_5m", sa.BigInteger, nullable=False),
    sa.Column("cache_write_1h", sa.BigInteger, nullable=False),
    sa.Column("at", _Seconds, nullable=False),
    sa.Index("ix_ledger_run", "run_id", "name"),
    sa.Index("ix_ledger_conversation", "conversation_id", "at"),
    sa.Index("ix_ledger_team", "team_id", "at"),
    sa.Index("ix_ledger_user", "user_id", "at"),
    sa.Index("ix_ledger_channel", "channel_id", "at"),
    sa.Index(
        "ix_ledger_reserved",
        "at",
        sqlite_where=sa.text("state = 'reserved'"),
        postgresql_where=sa.text("state = 'reserved'"),
    ),
)

limits = sa.Table(
    "limits",
    metadata,
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("period", sa.Text, primary_key=True),
    sa.Column("usd", _MicroUsd, nullable=False),
)

limit_changes = sa.Table(
    "limit_changes",
    metadata,
    sa.Column("seq", _Serial, primary_key=True, autoincrement=True),
    sa.Column("team_id", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("period", sa.Text, nullable=False),
    sa.Column("usd", _MicroUsd),  # null: removed
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", _Seconds, nullable=False),
    sa.Index("ix_limit_changes_team", "team_id", "seq"),
)

traces = sa.Table(
    "traces",
    metadata,
    sa.Column("seq", _Serial, primary_key=True, autoincrement=True),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("at", _Seconds, nullable=False),
    sa.Column("given", sa.Text, nullable=False),
    sa.Column("got", sa.Text, nullable=False),
    sa.Column("input", sa.BigInteger, nullable=False),
    sa.Column("output", sa.BigInteger, nullable=False),
    sa.Column("cache_read", sa.BigInteger, nullable=False),
    sa.Column("cache_write_5m", sa.BigInteger, nullable=False),
    sa.Column("cache_write_1h", sa.BigInteger, nullable=False),
    sa.Column("cost", _MicroUsd, nullable=False),
    sa.Column("duration_ms", sa.BigInteger, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("ok", sa.Boolean, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("epoch", sa.Integer),  # of run, words or conversation; null: from before there was this column
    sa.Column("ref", sa.Text, nullable=False, server_default=""),  # name in the journal, case, key of the outbox
    sa.Column("team_id", sa.Text, nullable=False, server_default=""),  # empty, like the rest: from before
    sa.Column("channel_id", sa.Text, nullable=False, server_default=""),
    sa.Column("profile", sa.Text, nullable=False, server_default=""),
    sa.Column("prompt_version", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_traces_conversation", "conversation_id", "seq"),
)

timers = sa.Table(
    "timers",
    metadata,
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("key", _Key, primary_key=True),
    sa.Column("due_at", _Seconds, nullable=False),
    sa.Column("partition", sa.Text, nullable=False),
    sa.Column("conversation_id", sa.Text),
    sa.Column("payload", sa.Text, nullable=False),  # JSON of the cause
    sa.Index("ix_timers_due", "due_at"),
    sa.Index("ix_timers_conversation", "conversation_id"),
)

audit = sa.Table(
    "audit",  # triggers refuse updates but for sealing and erasing, and deletes of less than a whole workspace
    metadata,
    sa.Column("seq", _Serial, primary_key=True, autoincrement=True),
    sa.Column("team_id", sa.Text, nullable=False),
    sa.Column("at", _Seconds, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),  # empty: the bot itself
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("before", sa.Text, nullable=False),
    sa.Column("after", sa.Text, nullable=False),
    sa.Column("number", sa.BigInteger),  # in the chain of its workspace, from 1; null: from before there was one
    sa.Column("link", sa.Text),
    sa.Column("seals", sa.Text),  # JSON; null: not sealed yet
    sa.Column("salts", sa.Text),  # JSON, of fields that were not erased
    sa.Index("ix_audit_team", "team_id", "seq"),
    sa.Index("ix_audit_conversation", "conversation_id", "seq"),
    sa.Index("ix_audit_subject", "subject", "seq"),
)

audit_heads = sa.Table(
    "audit_heads",
    metadata,
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),  # of the last entry of the chain
    sa.Column("link", sa.Text, nullable=False),
    sa.Column("anchored", sa.BigInteger, nullable=False),  # `seq` up to which older entries are in an anchor
)

breakers = sa.Table(
    "breakers",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # model:… or tool:…
    sa.Column("term", sa.BigInteger, nullable=False),  # raised with every change
    sa.Column("until", _Seconds),  # open, and tried again then; null: closed
    sa.Column("reason", sa.Text, nullable=False),  # class of the failure
)

workspaces = sa.Table(
    "workspaces",
    metadata,
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("enterprise_id", sa.Text, nullable=False),  # empty outside Enterprise Grid
    sa.Column("settings", sa.Text, nullable=False),  # JSON
    sa.Column("version", sa.Integer, nullable=False),  # rises with each change
    sa.Column("changed_at", _Seconds, nullable=False),
)

installations = sa.Table(
    "installations",
    metadata,
    sa.Column("enterprise_id", sa.Text, primary_key=True),
    sa.Column("team_id", sa.Text, primary_key=True),  # empty: the whole organisation
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("app_id", sa.Text, nullable=False),
    sa.Column("bot_user_id", sa.Text, nullable=False),
    sa.Column("bot_id", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),  # separated by commas
    sa.Column("installed_by", sa.Text, nullable=False),
    sa.Column("installed_at", _Seconds, nullable=False),
    sa.Column("bot_token", sa.Text, nullable=False),  # encrypted; empty when revoked
    sa.Column("refresh_token", sa.Text, nullable=False),  # encrypted; empty without rotation
    sa.Column("expires_at", _Seconds),
    sa.Column("refreshing_until", _Seconds),  # one process asks for a new token until then
    sa.Column("revoked_at", _Seconds),
    sa.Column("version", sa.Integer, nullable=False),  # rises with each change
)

facts = sa.Table(
    "facts",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # oldest_code | move | cleared_at | removing:… | erasing:…
    sa.Column("value", sa.Text, nullable=False),
)
