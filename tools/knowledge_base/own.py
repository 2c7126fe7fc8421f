"""The knowledge of an installed workspace: its own articles, or else the common ones."""

from dataclasses import replace

from tools.base import ToolUnavailableError
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.tool import Findings, KnowledgeBase, Question


class OwnKnowledge:
    """Articles for the operator's staff are not for the staff of other workspaces, unless those are trusted."""

    def __init__(self, own: LocalKnowledge, common: KnowledgeBase, *, trusted: bool) -> None:
        self._own = own
        self._common = common
        self._trusted = trusted

    async def search(self, question: Question) -> Findings:
        """In its own articles when there are any."""
        if await self._own.has_articles():
            return await self._own.search(question)
        return await self._common.search(self._outside(question))

    async def recall(self, question: Question) -> Findings:
        """From what is held in memory."""
        if self._own.had_articles is None:
            raise ToolUnavailableError("it was never seen whether the workspace has articles of its own")
        if self._own.had_articles:
            return await self._own.recall(question)
        return await self._common.recall(self._outside(question))

    def _outside(self, question: Question) -> Question:
        return question if self._trusted else replace(question, internal=False)
