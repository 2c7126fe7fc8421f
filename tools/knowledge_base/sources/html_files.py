"""A folder of HTML files: the export of a help centre, or documentation as it was built."""

import codecs
import re
from pathlib import Path

from tools.knowledge_base.articles import Article, ArticleCategory, Audience, BrokenArticleError, text_of
from tools.knowledge_base.html.encoding import NO_PAGES
from tools.knowledge_base.html.page import READER, read_page
from tools.knowledge_base.sources.folder_source import FolderSource, Kind

HTML = "html"
"""Name of the folder that has no other, and what its slugs begin with."""
_ENDINGS = frozenset({".html", ".htm", ".xhtml"})
_CHARSET = re.compile(rb"<(?:meta|\?xml)\b[^>]{0,200}?\b(?:charset|encoding)\s*=\s*[\"']?([A-Za-z0-9_:.-]{1,40})", re.I)
_HEAD = 4096
"""Bytes in which a page must name its encoding."""


class HtmlFolder(FolderSource):
    """Every `.html` file below a folder; a page cannot say whom it is for, so its folder does."""

    def __init__(
        self,
        path: Path,
        *,
        name: str = HTML,
        prefix: str = f"{HTML}/",
        audience: Audience = Audience.PUBLIC,
        category: ArticleCategory = "product",
    ) -> None:
        def parse(content: bytes, slug: str) -> Article:
            page = read_page(_text(content))
            title, body = page.article_text()
            url = page.url if page.url.startswith(("http://", "https://")) else ""
            return Article(slug, title, category, url, page.updated, audience, body, page.language)

        reader = f"{READER}.{audience}.{category}"
        kind = Kind("HTML files (*.html)", _ENDINGS, parse, lambda _: audience, reader)
        super().__init__(path, kind, name=name, prefix=prefix)


def _text(content: bytes) -> str:
    """By the encoding the page names, else UTF-8; BrokenArticleError when it is not written in that."""
    named = _CHARSET.search(content[:_HEAD])
    if named is None or content.startswith(codecs.BOM_UTF8):
        return text_of(content)
    try:
        codec = codecs.lookup(named.group(1).decode()).name
        if codec not in NO_PAGES:
            return text_of(content) if codec == "utf-8" else content.decode(codec).replace("\0", "")
    except (LookupError, ValueError):
        pass
    raise BrokenArticleError("not written in the encoding it names")
