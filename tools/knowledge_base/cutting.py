"""An article cut up for the index: its passages, and the digests its vectors are kept under."""

from collections.abc import Iterator
from dataclasses import dataclass

from tools.knowledge_base.articles import Article
from tools.knowledge_base.chunks import Passage, embedded_text, passages
from tools.knowledge_base.embedder import text_digest

CUT = "3"
"""Changes when the same article would be cut or embedded in another way; then all are cut anew by the next import."""


@dataclass(frozen=True, slots=True)
class Cut:
    """An article in parts."""

    title_digest: str
    passages: tuple[Passage, ...]
    digests: tuple[str, ...]
    """One for each passage."""
    version: str = ""
    """See `version_of`; empty: of an article that is not stored."""


def cut(article: Article) -> Cut:
    """The article in parts, as the index wants them."""
    parts = passages(article)
    digests = (text_digest(embedded_text(article.title, part.text)) for part in parts)
    return Cut(text_digest(article.title), parts, tuple(digests), version_of(article.digest))


def version_of(digest: str) -> str:
    """What the parts of an article with this digest are kept under; another one when they would be cut otherwise."""
    return f"{CUT}.{digest}"


def texts_of(article: Article, parts: Cut) -> Iterator[tuple[str, str]]:
    """What an embedder is given, each under its digest."""
    yield parts.title_digest, article.title
    for passage, digest in zip(parts.passages, parts.digests, strict=True):
        yield digest, embedded_text(article.title, passage.text)
