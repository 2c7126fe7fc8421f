"""Folders in the connectors file and on the command line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from tools.connector_settings import Wires
from tools.knowledge_base.articles import ArticleCategory, Audience
from tools.knowledge_base.sources.base import Source
from tools.knowledge_base.sources.connector import KnowledgeConnector
from tools.knowledge_base.sources.html_files import HTML, HtmlFolder
from tools.knowledge_base.sources.markdown import PLAIN, MarkdownFolder

_Name = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9_-]*)?$", max_length=60)]
"""Without a dot in front: such slugs belong to workspaces."""


class FolderSettings(KnowledgeConnector):
    """`kind = "folder"`: Markdown files with front matter."""

    kind: Literal["folder"]
    path: Path
    name: _Name = ""
    """So that several folders live side by side; without, it is the one plain folder."""

    def open(self, wires: Wires) -> Source:  # noqa: ARG002 - a folder needs no wires
        if not self.name:
            return MarkdownFolder(self.path)
        return MarkdownFolder(self.path, name=f"{PLAIN}:{self.name}", prefix=f"{self.name}/")

    @classmethod
    def of_text(cls, rest: str) -> Mapping[str, object]:
        """`folder:PATH`, `folder:NAME=PATH`."""
        return _named("folder", rest)


class HtmlSettings(KnowledgeConnector):
    """`kind = "html"`: HTML files, such as the export of a help centre."""

    kind: Literal["html"]
    path: Path
    name: _Name = ""
    audience: Audience = Audience.PUBLIC
    category: ArticleCategory = "product"

    def open(self, wires: Wires) -> Source:  # noqa: ARG002 - likewise
        name, prefix = (f"{HTML}:{self.name}", f"{self.name}/") if self.name else (HTML, f"{HTML}/")
        return HtmlFolder(self.path, name=name, prefix=prefix, audience=self.audience, category=self.category)

    @classmethod
    def of_text(cls, rest: str) -> Mapping[str, object]:
        """`html:PATH`, `html:NAME=PATH`."""
        return _named("html", rest)


def _named(kind: str, rest: str) -> Mapping[str, object]:
    name, sign, path = rest.partition("=")
    if not sign:
        name, path = "", rest
    if not path:
        raise ValueError(f"write {kind}:PATH or {kind}:NAME=PATH")
    return {"kind": kind, "path": path, "name": name}
