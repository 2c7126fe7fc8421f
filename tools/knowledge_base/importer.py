"""Brings a folder of Markdown files into the knowledge base."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.knowledge_base.articles import Article, BrokenArticleError, read_article
from tools.knowledge_base.store import ArticleStore

_ENDINGS = (".md", ".markdown")
_SHOWN = 5
"""Broken files named in a refusal."""


class KnowledgeFolderError(Exception):
    """The folder as a whole cannot be imported; nothing was changed. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is no article."""

    file: str
    """Path below the folder."""
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did; the first three are slugs."""

    imported: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    skipped: tuple[Skipped, ...]

    def __str__(self) -> str:
        head = (
            f"{len(self.imported)} imported, {len(self.unchanged)} unchanged, {len(self.removed)} removed, "
            f"{len(self.skipped)} skipped"
        )
        return "\n".join((head, *(f"skipped {item.file}: {item.why}" for item in self.skipped)))


@dataclass(frozen=True, slots=True)
class _Folder:
    articles: dict[str, Article]
    broken: dict[str, Skipped]
    """By slug."""
    twins: tuple[Skipped, ...]


class Importer:
    """Makes the knowledge base equal to a folder."""

    def __init__(self, store: ArticleStore) -> None:
        self._store = store

    async def import_folder(self, path: Path) -> Report:
        """Read every Markdown file below `path`; take in what changed, remove what is gone, all at once.

        A file that cannot be read as an article is reported and skipped; if it was imported earlier, that version
        stays. Raises KnowledgeFolderError when there is no article at all, so that a wrong path empties nothing, and
        ToolUnavailableError when the database does not answer.
        """
        folder = await asyncio.to_thread(_read, path)
        if not folder.articles:
            raise KnowledgeFolderError(_refusal(path, folder))
        changes = await self._store.replace(folder.articles, keep=folder.broken.keys())
        skipped = (*folder.broken.values(), *folder.twins)
        return Report(changes.imported, changes.unchanged, changes.removed, skipped)


def _read(path: Path) -> _Folder:
    if not path.is_dir():
        raise KnowledgeFolderError(f"{path} is not a folder. Name a folder of Markdown files.")
    articles: dict[str, Article] = {}
    broken: dict[str, Skipped] = {}
    twins: list[Skipped] = []
    for file, name in _markdown(path):
        slug = name.rsplit(".", 1)[0]
        if slug in articles or slug in broken:
            twins.append(Skipped(name, "another file has the same name with another ending"))
            continue
        try:
            articles[slug] = read_article(file, slug)
        except BrokenArticleError as error:
            broken[slug] = Skipped(name, str(error))
    return _Folder(articles, broken, tuple(twins))


def _markdown(root: Path) -> Iterator[tuple[Path, str]]:
    """Files and their names below the root, in a stable order; hidden ones and links to elsewhere are left out."""
    real = root.resolve()
    for file in sorted(real.rglob("*")):
        parts = file.relative_to(real).parts
        hidden = any(part.startswith(".") for part in parts)
        if not hidden and file.suffix.lower() in _ENDINGS and file.is_file() and file.resolve().is_relative_to(real):
            yield file, "/".join(parts)


def _refusal(path: Path, folder: _Folder) -> str:
    if not folder.broken:
        return f"{path} holds no Markdown files (*.md). Nothing was changed."
    some = "; ".join(f"{item.file}: {item.why}" for item in list(folder.broken.values())[:_SHOWN])
    return f"None of the {len(folder.broken)} files in {path} is a readable article. Nothing was changed. {some}"
