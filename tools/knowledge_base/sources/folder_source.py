"""A folder of documents as a source; what kind of documents, the caller says."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.knowledge_base.articles import Article, Audience, BrokenArticleError, read_bytes
from tools.knowledge_base.sources.base import Document, Expected, Found, Known, Skipped, SourceError, Unchanged
from tools.knowledge_base.sources.converting import converted
from tools.knowledge_base.sources.folder import Closed, File, existing, signature, walk

_AT_ONCE = 50
"""Files read between two signs of life."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Documents of one kind."""

    called: str
    """`Markdown files (*.md)`."""
    endings: frozenset[str]
    parse: Callable[[bytes, str], Article]
    """From content and slug; BrokenArticleError when it is no article."""
    audience: Callable[[bytes], Audience]
    """For whom a document says it is, even if the rest of it cannot be read."""
    reader: str
    """Changes when the same file would become another article, so that all are read anew."""


class FolderSource:
    """Every file of a kind below a folder; a file is known again by its content, not by its times."""

    def __init__(self, path: Path, kind: Kind, *, name: str, prefix: str) -> None:
        self._path = path
        self._kind = kind
        self._name = name
        self._prefix = prefix

    @property
    def name(self) -> str:
        return self._name

    def signature(self) -> tuple[object, ...]:
        """Differs from an earlier one when something in the folder changed. Blocks."""
        return signature(existing(self._path), self._kind.endings)

    async def check(self) -> str:
        """What is there, in a few words; SourceError when there is no such folder."""
        return f"{len(await asyncio.to_thread(self.signature))} {self._kind.called}"

    async def read(self, known: Known) -> AsyncIterator[Found]:
        """What each file is now."""
        root = await asyncio.to_thread(existing, self._path)
        items = await asyncio.to_thread(lambda: list(walk(root, self._kind.endings)))
        if not any(isinstance(item, File) for item in items):
            raise SourceError(f"{self._path} holds no {self._kind.called}. Nothing was changed.")
        yield Expected(len(items))
        reading = _Reading(known, self._prefix, self._kind)
        for start in range(0, len(items), _AT_ONCE):
            for found in await asyncio.to_thread(reading.several, items[start : start + _AT_ONCE]):
                yield found


class _Reading:
    def __init__(self, known: Known, prefix: str, kind: Kind) -> None:
        self._known = known
        self._prefix = prefix
        self._kind = kind
        self._taken: set[str] = set()

    def several(self, items: Iterable[File | Skipped | Closed]) -> list[Found]:
        return [found for item in items for found in self._all_of(item)]

    def _all_of(self, item: File | Skipped | Closed) -> Iterator[Found]:
        if isinstance(item, File):
            yield self._one(item)
        elif isinstance(item, Skipped):
            yield Skipped(item.name, item.why, slug=self._prefix + item.slug if item.slug else "")
        else:
            yield Skipped(item.name, item.why)
            below, audience = f"{self._prefix}{item.name}/", self._kind.audience(b"")
            mine = (slug for slug in self._known if slug.startswith(below) and self._known.kept(slug, audience))
            yield from (Unchanged(slug) for slug in mine)

    def _one(self, file: File) -> Found:
        slug = self._prefix + file.stem
        if slug in self._taken:
            return Skipped(file.name, "another file has the same name with another ending", slug)
        self._taken.add(slug)
        content = b""
        try:
            content = read_bytes(file.path)
            mark = f"{self._kind.reader}:{hashlib.sha256(content).hexdigest()}"
            if mark == self._known.validator(slug).partition(" ")[0]:
                return Unchanged(slug)
            article = converted(lambda: self._kind.parse(content, slug))
            return Document(article, f"{mark} {article.audience}")
        except BrokenArticleError as error:
            return Skipped(file.name, str(error), self._known.kept(slug, self._kind.audience(content)))
