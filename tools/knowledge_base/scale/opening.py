"""Which knowledge base a database gets."""

from tools.knowledge_base.builds import Builds
from tools.knowledge_base.embedder import Embedder
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.reranking import Reranked
from tools.knowledge_base.scale.growing import GrowingKnowledge, Scale
from tools.knowledge_base.store import ArticleStore


def open_knowledge(
    store: ArticleStore,
    embedder: Embedder | None,
    builds: Builds,
    scale: Scale | None,
    reranked: Reranked | None = None,
) -> LocalKnowledge:
    """One that may grow where that is wanted and the database is PostgreSQL."""
    if scale is None or store.engine.dialect.name != "postgresql":
        return LocalKnowledge(store, embedder, builds, reranked)
    return GrowingKnowledge(store, embedder, builds, scale, reranked)
