"""How the doctor sees whether many articles can be searched as they should be."""

from sqlalchemy.exc import SQLAlchemyError

from bot.config import Settings
from bot.doctor import Finding, Verdict
from bot.ports.clock import system_clock
from bot.store.engine import create_engine
from tools.base import ToolUnavailableError
from tools.knowledge_base.scale.growing import count_articles
from tools.knowledge_base.scale.ready import unready
from tools.knowledge_base.store import ArticleStore


async def scale_findings(settings: Settings) -> list[Finding]:
    """One where there are more articles than an index in memory is meant for, on PostgreSQL; changes nothing."""
    if not settings.database_url.startswith("postgres"):
        return []
    try:
        engine = create_engine(settings.database_url)
    except (ValueError, SQLAlchemyError):  # said by the other checks, as what fails below
        return []
    try:
        count = await count_articles(ArticleStore(engine, system_clock))
        if count <= settings.kb_scale_from:
            return []
        why = await unready(engine)
    except (ToolUnavailableError, SQLAlchemyError):  # or no bot has made the tables yet
        return []
    finally:
        await engine.dispose()
    if why:
        return [Finding(Verdict.ODD, f"Search: {count} articles are held in the memory of every process.", why)]
    return [Finding(Verdict.GOOD, f"Search: {count} articles, in PostgreSQL (pgvector) and a folder (tantivy).")]
