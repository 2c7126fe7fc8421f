"""What a source hands over, looked at once more before anything is written: sources are other people's programs."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from tools.knowledge_base.articles import LARGEST, Article
from tools.knowledge_base.html.tree import shown
from tools.knowledge_base.sources.base import Document, Expected, Found, Known, Skipped, SourceError, Unchanged

_LARGEST_SOURCE = 400_000_000
"""Characters of new and changed articles in one import: a hundred thousand long ones; more would be held in memory."""
_LONGEST_TITLE = 300
_LONGEST_SLUG = 500
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
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
    seen: int = 0
    """Documents so far."""
    size: int = 0
    """Characters of all texts; all of them are held until they are written."""

    async def all(self, finds: AsyncIterator[Found]) -> AsyncIterator["Reading"]:
        """Take in one find after the other; comes back after each, for whoever watches. SourceError: it is too much."""
        async for found in finds:
            self._take(found)
            yield self
            if not self.seen % _BREATH:
                await asyncio.sleep(0)  # a source may have all it reads at hand

    def _take(self, found: Found) -> None:
        match found:
            case Expected(count):
                self.expected = count
                return
            case Unchanged(slug):
                if slug in self.known:
                    self.stays.add(slug)
            case Skipped(name, why, slug):
                self.skipped.append(Skipped(shown(name), shown(why), slug=_storable(slug)))
                if slug:
                    self.stays.add(_storable(slug))
            case Document(article, validator):
                self._take_document(article, validator)
        self.seen += 1

    def _take_document(self, article: Article, validator: str) -> None:
        clean = _cleaned(article)
        why = "twice in this source" if clean.slug in self.documents else _fault(clean)
        if not why:
            self.documents[clean.slug] = Document(clean, _storable(validator))
            self.size += len(clean.body)
            if self.size > _LARGEST_SOURCE:
                raise SourceError(f"More than {_LARGEST_SOURCE // 1_000_000} MB of text to read. Nothing was changed.")
            return
        self.skipped.append(Skipped(shown(clean.slug), why))
        if clean.slug not in self.documents and self.known.kept(clean.slug, clean.audience):
            self.stays.add(clean.slug)


def _cleaned(article: Article) -> Article:
    """Without what databases and screens cannot hold."""
    return replace(
        article,
        slug=_storable(article.slug),
        title=" ".join(shown(article.title).split())[:_LONGEST_TITLE],
        url=_storable(article.url),
        updated=_storable(article.updated),
        language=_storable(article.language),
        body=_storable(article.body).strip(),
    )


def _storable(text: str) -> str:
    """No NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _fault(article: Article) -> str:
    slug = article.slug
    if not slug or slug.startswith((".", "/")) or len(slug) > _LONGEST_SLUG or _CONTROL.search(slug):
        return "its name cannot be stored"
    if not article.title:
        return "no title"
    if not article.body:
        return "no text"
    return "larger than 1 MB" if len(article.body.encode()) > LARGEST else ""
