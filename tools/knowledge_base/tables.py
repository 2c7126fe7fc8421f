"""The tables of the knowledge base.

An import changes kb_articles and kb_bands in one transaction and raises kb_revision and the number of its shelf in
kb_shelves; whoever searches a shelf reads it again when that number differs (see `revisions.py`). The rest is written
before: kb_chunks by the version of the article that will name it (`cut`), kb_vectors by the digest of the text, so that
it survives a broken import, and serves equal texts once.

Slugs of a workspace's own articles begin with `.TEAM/` (its shelf); those all have in common begin with anything else.
"""

import sqlalchemy as sa

from tools.database import metadata

articles = sa.Table(
    "kb_articles",
    metadata,
    sa.Column("slug", sa.Text, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("updated", sa.Text, nullable=False),
    sa.Column("audience", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("imported_at", sa.Double, nullable=False),
    sa.Column("language", sa.Text, nullable=False, server_default=""),
    sa.Column("source", sa.Text, nullable=False, server_default="folder", comment="name of the source it came from"),
    sa.Column("validator", sa.Text, nullable=False, server_default="", comment="as the source gave it"),
    sa.Column("cut", sa.Text, nullable=False, server_default="", comment="version of its chunks; empty: none yet"),
    sa.Column("title_digest", sa.Text, nullable=False, server_default="", index=True, comment="of its title's vector"),
)
chunks = sa.Table(
    "kb_chunks",
    metadata,
    sa.Column("slug", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True, comment="seen while the article names it"),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False, index=True, comment="of its vector"),
)
vectors = sa.Table(
    "kb_vectors",
    metadata,
    sa.Column("embedder", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True, comment="of the text that was embedded"),
    sa.Column("vector", sa.LargeBinary, nullable=False, comment="16-bit floats"),
)
revision = sa.Table(
    "kb_revision",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, nullable=False, comment="rises with every change of what is searched"),
)
shelves = sa.Table(
    "kb_shelves",
    metadata,
    sa.Column("shelf", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False, comment="of kb_revision when this shelf changed last"),
)
bands = sa.Table(
    "kb_bands",
    metadata,
    sa.Column("shelf", sa.Text, primary_key=True),
    sa.Column("embedder", sa.Text, primary_key=True),
    sa.Column("thresholds", sa.Text, nullable=False, comment="JSON, as they were calibrated last"),
    sa.Column("changed", sa.Integer, nullable=False, server_default="0", comment="articles since then"),
    sa.Column("embedded", sa.Integer, nullable=False, server_default="0", comment="texts with a vector, as announced"),
)
sources = sa.Table(
    "kb_sources",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("due_at", sa.Double, nullable=False, comment="when it is read next"),
    sa.Column("claimed_until", sa.Double, nullable=False, comment="one process reads it until then"),
    sa.Column("told", sa.Text, nullable=False, comment="how the last reading ended"),
)
gaps = sa.Table(
    "kb_gaps",
    metadata,
    sa.Column("id", sa.Text, primary_key=True, comment="conversation and tool use or run: what is repeated is one"),
    sa.Column("conversation_id", sa.Text, nullable=False, index=True),
    sa.Column("terms", sa.Text, nullable=False, comment="what equal questions have in common"),
    sa.Column("query", sa.Text, nullable=False, comment="without addresses and long numbers"),
    sa.Column("band", sa.Text, nullable=False, comment="a GapCause: what the search found, or what became of it"),
    sa.Column("at", sa.Double, nullable=False, index=True),
)
