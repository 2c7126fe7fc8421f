"""A folder of Markdown files with front matter: the plain source, whose slugs are the paths below the folder."""

from pathlib import Path

from tools.knowledge_base.articles import Article, declared_audience, parse_article, text_of
from tools.knowledge_base.sources.folder_source import FolderSource, Kind

PLAIN = "folder"
"""Name of the source whose slugs have nothing in front."""


def _parse(content: bytes, slug: str) -> Article:
    return parse_article(text_of(content), slug)


_KIND = Kind("Markdown files (*.md)", frozenset({".md", ".markdown"}), _parse, declared_audience, reader="1")


class MarkdownFolder(FolderSource):
    """Every `.md` file below a folder."""

    def __init__(self, path: Path, *, name: str = PLAIN, prefix: str = "") -> None:
        """`name` and `prefix` (`handbook/`) let several folders live side by side."""
        super().__init__(path, _KIND, name=name, prefix=prefix)
