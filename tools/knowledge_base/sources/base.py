"""Where articles come from: what a source promises to an import.

A source is read from beginning to end at every import and says of each document what it is now. What it no longer
names is gone, and is removed; so a source that cannot be read to its end must raise SourceError, and then nothing is
changed. What the last import knew of each document comes in, so that a document that stayed the same need not be
fetched, cut or embedded again.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from tools.knowledge_base.articles import Article, Audience


class SourceError(Exception):
    """The source as a whole cannot be read; nothing is changed. Says why and what to do, without secrets."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the last import knew of a document."""

    validator: str
    """As the source gave it then; empty when it gave none."""
    digest: str
    """Of the article that was made of it (`Article.digest`)."""


@dataclass(frozen=True, slots=True)
class Known:
    """The documents of a source as the last import left them, by slug; none before the first."""

    documents: Mapping[str, Seen] = field(default_factory=dict)

    def validator(self, slug: str) -> str:
        """ETag, Last-Modified or time of the last change that came with a document; empty when there is none."""
        seen = self.documents.get(slug)
        return seen.validator if seen else ""

    def kept(self, slug: str, audience: Audience) -> str:
        """The slug, if its earlier version may stay: not when customers could read that, and now must not.

        For sources whose validators name the audience as a word of its own.
        """
        return slug if audience is Audience.PUBLIC or audience.value in self.validator(slug).split(" ") else ""

    def __contains__(self, slug: object) -> bool:
        return slug in self.documents

    def __iter__(self) -> Iterator[str]:
        return iter(self.documents)


@dataclass(frozen=True, slots=True)
class Expected:
    """How many documents there will be, as far as is known by now; for the progress bar, may come again."""

    count: int


@dataclass(frozen=True, slots=True)
class Document:
    """An article, as it is now."""

    article: Article
    validator: str = ""
    """What tells next time, without reading it, that the document stayed the same; empty when nothing does."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A document that stayed as the last import left it. Its slug must be one of `Known`."""

    slug: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A document that is no article; the rest is imported."""

    name: str
    """As the people who wrote it know it: a path below the folder, an address, a title."""
    why: str
    """A few words for them, in lower case without a full stop: `larger than 1 MB`."""
    slug: str = ""
    """What was imported of it earlier stays; empty: that goes, as if it were gone."""


Found: TypeAlias = Expected | Document | Unchanged | Skipped


class Source(Protocol):
    """One place that articles come from. Several live side by side; each removes only what came from itself."""

    @property
    def name(self) -> str:
        """Stays the same from import to import, whatever is in it: `folder`, `zendesk:acme.zendesk.com`."""
        ...

    def read(self, known: Known) -> AsyncIterator[Found]:
        """All documents, each slug once, in any order; SourceError when it cannot be read to its end.

        Slugs begin with something that is the source's own (`acme.zendesk.com/`), only the plain folder's do not. None
        begins with a dot. A source may be read again and again; each reading stands by itself.
        """
        ...
