"""What a source hands over, looked at once more before anything is written: sources are other people's programs."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from tools.knowledge_base.articles import LARGEST, Article
from tools.knowledge_base.sources.base import Document, Expected, Found, Known, Skipped, Unchanged

_LONGEST_TITLE = 300
_LONGEST_SLUG = 500
_BREATH = 50
"""Documents after which others have their turn."""


@dataclass(slots=True)
class Reading:
    """What was read of a source so far."""

    known: Known
    documents: dict[str, Document] = field(default_factory=dict)
    """By slug."""
    stays: set[str] = field(default_factory=set)
    """Slugs that stay as the last import left them."""
    skipped: list[Skipped] = field(default_factory=list)
    expected: int = 0
    """Documents there will be; 0 when unknown."""

    @property
    def seen(self) -> int:
        """Documents so far."""
        return len(self.documents) + len(self.stays) + len(self.skipped)

    async def all(self, finds: AsyncIterator[Found]) -> AsyncIterator["Reading"]:
        """Take in one find after the other; comes back after each, for whoever watches."""
        async for found in finds:
            self._take(found)
            yield self
            if not self.seen % _BREATH:
                await asyncio.sleep(0)  # a source may have all it reads at hand

    def _take(self, found: Found) -> None:
        match found:
            case Expected(count):
                self.expected = count
            case Unchanged(slug):
                if slug in self.known:
                    self.stays.add(slug)
            case Skipped(name, why, slug):
                self.skipped.append(Skipped(_storable(name), _storable(why), slug=_storable(slug)))
                if slug:
                    self.stays.add(_storable(slug))
            case Document(article, validator):
                self._take_document(article, validator)

    def _take_document(self, article: Article, validator: str) -> None:
        clean = _cleaned(article)
        why = "twice in this source" if clean.slug in self.documents else _fault(clean)
        if why:
            self.skipped.append(Skipped(clean.slug, why))
            if clean.slug not in self.documents:
                self.stays.add(clean.slug)
        else:
            self.documents[clean.slug] = Document(clean, validator)


def _cleaned(article: Article) -> Article:
    """Without what databases and screens cannot hold."""
    title = " ".join(_storable(article.title).split())[:_LONGEST_TITLE]
    return replace(article, slug=_storable(article.slug), title=title, body=_storable(article.body).strip())


def _storable(text: str) -> str:
    """No NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _fault(article: Article) -> str:
    if not article.slug or article.slug.startswith((".", "/")) or len(article.slug) > _LONGEST_SLUG:
        return "its name cannot be stored"
    if not article.title:
        return "no title"
    if not article.body:
        return "no text"
    return "larger than 1 MB" if len(article.body.encode()) > LARGEST else ""
