"""Queries behind the dashboard's lists: each reads a bounded number of rows of one workspace, and writes nothing."""

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.ports.browsing import Browsing
from bot.store.browsing.breakers import SqlBreakerShelf
from bot.store.browsing.budgets import SqlBudgetShelf
from bot.store.browsing.cases import SqlCaseShelf
from bot.store.browsing.evaluations import SqlEvaluationShelf
from bot.store.browsing.knowledge import SqlKnowledgeShelf
from bot.store.browsing.prompts import SqlPromptShelf
from bot.store.browsing.records import SqlConversationShelf


def browsing(engine: AsyncEngine, *, home: str = "") -> Browsing:
    """Everything on one database; `home`: the workspace whose articles are those all have in common."""
    return Browsing(
        conversations=SqlConversationShelf(engine),
        cases=SqlCaseShelf(engine),
        knowledge=SqlKnowledgeShelf(engine, home=home),
        budgets=SqlBudgetShelf(engine),
        prompts=SqlPromptShelf(engine),
        evaluations=SqlEvaluationShelf(engine),
        breakers=SqlBreakerShelf(engine),
    )
