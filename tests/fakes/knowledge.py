"""Sources and embedders that do what they are told."""

import hashlib
from collections.abc import AsyncIterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tools.knowledge_base.articles import Article, Audience
from tools.knowledge_base.embedder import UNKNOWN, EmbedderUnavailableError, Vectors
from tools.knowledge_base.sources.base import Document, Found, Known, SourceError
from tools.knowledge_base.words import terms

DIMENSIONS = 64


def article(slug: str, body: str, *, title: str = "", internal: bool = False, updated: str = "") -> Article:
    """An article of which only the words matter."""
    audience = Audience.INTERNAL if internal else Audience.PUBLIC
    return Article(slug, title or slug.rpartition("/")[2].title(), "account", "", updated, audience, body)


class ScriptedSource:
    """Yields what its list holds; an exception in it is raised."""

    def __init__(self, name: str, *finds: Found | Article | Exception) -> None:
        self.name = name
        self.finds: list[Found | Article | Exception] = list(finds)
        self.known = Known()
        self.readings = 0

    async def read(self, known: Known) -> AsyncIterator[Found]:
        self.known = known
        self.readings += 1
        for found in self.finds:
            if isinstance(found, Exception):
                raise found
            yield Document(found) if isinstance(found, Article) else found


def broken(why: str = "the service is away") -> SourceError:
    return SourceError(why)


class WordEmbedder:
    """Vectors by words: texts that share stems lie close together. Counts what it is given."""

    dimensions = DIMENSIONS
    languages: frozenset[str] = frozenset()
    bounds = UNKNOWN

    def __init__(self, name: str = "words-1") -> None:
        self.name = name
        self.given: list[str] = []
        self.fails_after: int | None = None
        """Texts, after which it breaks."""
        self.is_away = False
        self.asked = 0
        """Questions it was given, one by one."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        if self.is_away:
            raise EmbedderUnavailableError("It does not answer.")
        if self.fails_after is not None and len(self.given) + len(texts) > self.fails_after:
            raise RuntimeError("the embedder broke")
        self.given += texts
        return np.stack([_vector(text) for text in texts])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        self.asked += 1
        return _vector(text)


def _vector(text: str) -> NDArray[np.float32]:
    vector = np.zeros(DIMENSIONS, np.float32)
    for term in terms(text) or ["-"]:
        vector[int.from_bytes(hashlib.sha256(term.encode()).digest()[:2]) % DIMENSIONS] += 1
    length: NDArray[np.float32] = vector / np.linalg.norm(vector)
    return length
