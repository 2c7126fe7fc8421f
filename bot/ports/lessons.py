"""What is kept of suggestions made of people's answers."""

from typing import Protocol

from bot.domain.lesson import Choice, Lesson
from tools.knowledge_base.sources.base import Source


class Lessons(Protocol):
    """Suggestions, one a case."""

    async def suggest(self, lesson: Lesson) -> bool:
        """Keep a new one; False when there is one of this case already."""
        ...

    async def get(self, lesson_id: str) -> Lesson | None: ...

    async def choose(self, lesson_id: str, choice: Choice, *, by: str, at: float) -> Lesson | None:
        """Take a choice down, once; None when it is not open (any more)."""
        ...

    async def articles(self) -> list[Lesson]:
        """Those that are articles, oldest first."""
        ...

    async def cases(self) -> list[Lesson]:
        """Those that are cases of the evaluation, oldest first; none of workspaces that the operator does not trust.

        Each costs the operator's money, and is read by the operator's judge.
        """
        ...


class ArticleWriting(Protocol):
    """Writes the articles of one workspace."""

    async def run(self, source: Source) -> object:
        """Make the source's articles what it holds now; they are searched at once.

        ToolUnavailableError, EmbedderUnavailableError or SourceError: nothing was changed.
        """
        ...

    async def clear(self, name: str) -> None:
        """Take all articles of a source away; ToolUnavailableError when nothing was changed."""
        ...
