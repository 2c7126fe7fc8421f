"""The knowledge of an installed workspace: its own articles, or else the common ones."""

from dataclasses import replace

from bot.domain.exchange import SearchResult
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.tool import KnowledgeBase, Question


class OwnKnowledge:
    """Articles for the operator's staff are not for the staff of other workspaces, unless those are trusted."""

    def __init__(self, own: LocalKnowledge, common: KnowledgeBase, *, trusted: bool) -> None:
        self._own = own
        self._common = common
        self._trusted = trusted

    async def search(self, question: Question) -> tuple[SearchResult, ...]:
        """In its own articles when there are any."""
        if await self._own.has_articles():
            return await self._own.search(question)
        return await self._common.search(self._outside(question))

    async def recall(self, question: Question) -> tuple[SearchResult, ...]:
        """From what is held in memory."""
        if self._own.had_articles:
            return await self._own.recall(question)
        return await self._common.recall(self._outside(question))

    def _outside(self, question: Question) -> Question:
        return question if self._trusted else replace(question, internal=False)
