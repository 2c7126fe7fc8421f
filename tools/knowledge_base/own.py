"""The knowledge of an installed workspace: its own articles, or else the common ones.

Answers of its colleagues that its staff accepted as articles are no help centre yet: they come beside the common ones.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

from tools.base import ToolUnavailableError
from tools.knowledge_base.band import Band
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.tool import Findings, KnowledgeBase, Question

_SURE = (Band.STRONG, Band.WEAK, Band.NONE)
_MOST = 5
"""Articles in one answer of a search."""
_PATIENCE_SECONDS = 0.5
"""For accepted answers whose index is not built yet, as after a start; the common articles wait no longer for them."""


class OwnKnowledge:
    """Articles for the operator's staff are not for the staff of other workspaces, unless those are trusted."""

    def __init__(self, own: LocalKnowledge, common: KnowledgeBase, *, trusted: bool) -> None:
        self._own = own
        self._common = common
        self._trusted = trusted

    async def search(self, question: Question) -> Findings:
        """In its own articles when there are any."""
        if not await self._own.has_articles():
            return await self._common.search(self._outside(question))
        if self._own.is_help_centre:
            return await self._own.search(question)
        common = await self._common.search(self._outside(question))
        patience = _PATIENCE_SECONDS + self._own.ordering_seconds
        return _joined(await _soon(self._own.search(question), patience), common)

    async def recall(self, question: Question) -> Findings:
        """From what is held in memory."""
        if self._own.had_articles is None:
            raise ToolUnavailableError("it was never seen whether the workspace has articles of its own")
        if not self._own.had_articles:
            return await self._common.recall(self._outside(question))
        if self._own.is_help_centre:
            return await self._own.recall(question)
        common = await self._common.recall(self._outside(question))
        return _joined(await _soon(self._own.recall(question), _PATIENCE_SECONDS), common)

    def _outside(self, question: Question) -> Question:
        return question if self._trusted else replace(question, internal=False)


async def _soon(search: Awaitable[Findings], seconds: float) -> Findings:
    """What it finds; nothing when that is not to be had soon."""
    try:
        async with asyncio.timeout(seconds):
            return await search
    except (TimeoutError, ToolUnavailableError):
        return Findings(Band.NONE, ())


def _joined(own: Findings, common: Findings) -> Findings:
    """Both, the surer one first; each has its best article among the five."""
    one, other = (own, common) if _SURE.index(own.band) <= _SURE.index(common.band) else (common, own)
    behind = other.results[: max(1, _MOST - len(one.results))]
    return Findings(one.band, (*one.results[: _MOST - len(behind)], *behind))
