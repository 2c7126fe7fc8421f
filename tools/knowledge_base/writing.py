"""Articles that are written here instead of being imported from elsewhere: when `run` is back they are searched."""

from tools.knowledge_base.importer import Importer, Report
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.sources.base import Source


class Writing:
    """Writes into one shelf of the knowledge base."""

    def __init__(self, importer: Importer, knowledge: LocalKnowledge) -> None:
        self._importer = importer
        self._knowledge = knowledge

    async def run(self, source: Source) -> Report:
        """Make the source's articles what it holds now, however many go, and take them into this process's index.

        Raises what `Importer.run` raises; nothing was changed then.
        """
        report = await self._importer.run(source, force=True)
        await self._knowledge.refresh()
        return report

    async def clear(self, name: str) -> None:
        """Take all articles of a source away, at once."""
        await self._importer.clear(name)
        await self._knowledge.refresh()
