"""An article, and how one is read from a Markdown file."""

import datetime
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

import frontmatter
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

ArticleCategory = Literal["billing", "technical", "account", "product"]

LARGEST = 1_000_000
"""Bytes of one document."""
_LONGEST_HEAD = 20_000
"""Characters of a front matter; more is none, and YAML takes its time over it."""


class Audience(StrEnum):
    """Who may read an article."""

    PUBLIC = "public"
    INTERNAL = "internal"
    """Staff only."""


@dataclass(frozen=True, slots=True)
class Article:
    """One article of the help centre."""

    slug: str
    """Path below the imported folder without its ending; unique."""
    title: str
    category: ArticleCategory
    url: str
    """Empty when it has no page."""
    updated: str
    """ISO date; empty when unknown."""
    audience: Audience
    body: str
    """Markdown without the front matter."""
    language: str = ""
    """ISO 639-1 (`de`); empty when unknown."""

    @property
    def source(self) -> str:
        """What an answer cites."""
        return self.url or f"kb://{quote(self.slug)}"

    @property
    def digest(self) -> str:
        """SHA-256 of everything that matters; the same digest means unchanged."""
        said = (self.language,) if self.language else ()
        parts = (self.slug, self.title, self.category, self.url, self.updated, self.audience, self.body, *said)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


class BrokenArticleError(Exception):
    """A file that is no article; the message says why, for the person who wrote it."""


def _plain(value: object) -> object:
    """YAML reads `2026-11-01` as a date, `1984` as a number and nothing as null; everything here is text."""
    if value is None:
        return ""
    if isinstance(value, datetime.date):
        return value.isoformat()[:10]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _word(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _primary(value: object) -> object:
    """`de-AT` and `pt_BR` are read as German and Portuguese; YAML takes Norwegian (`no`) for a denial."""
    if value is False:
        return "no"
    if value is None:
        return ""
    return re.split(r"[-_]", value.strip().lower())[0] if isinstance(value, str) else value


_Text = Annotated[str, BeforeValidator(_plain)]


class _Head(BaseModel):
    """The front matter. Fields it does not name are the author's own business."""

    model_config = ConfigDict(str_strip_whitespace=True)

    title: Annotated[_Text, Field(max_length=300)] = ""
    category: Annotated[ArticleCategory, BeforeValidator(_word)] = "product"
    url: Annotated[_Text, Field(pattern=r"^(https?://[^\s<>|]+)?$", max_length=2000)] = ""
    updated: Annotated[_Text, Field(pattern=r"^(\d{4}-\d{2}-\d{2}.*)?$", max_length=40)] = ""
    audience: Annotated[Audience, BeforeValidator(_word)] = Audience.PUBLIC
    language: Annotated[str, BeforeValidator(_primary), Field(pattern=r"^([a-z]{2})?$")] = ""


def read_article(path: Path, slug: str) -> Article:
    """The article in a Markdown file; BrokenArticleError when it is none."""
    return parse_article(text_of(read_bytes(path)), slug)


def read_bytes(path: Path) -> bytes:
    """What is in a file; BrokenArticleError when it is too large or cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise BrokenArticleError(f"cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise BrokenArticleError("larger than 1 MB")
    return content


def text_of(content: bytes) -> str:
    """UTF-8 text, with or without a mark in front; BrokenArticleError when it is none."""
    if b"\0" in content:
        raise BrokenArticleError("binary, not text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BrokenArticleError("not UTF-8 text") from None


def parse_article(text: str, slug: str) -> Article:
    """The article in a Markdown text; BrokenArticleError when it is none.

    Without front matter the title is the first heading, the category `product`, the audience public; a value that is
    given but not understood breaks the article, so that a slip of the pen never makes an internal one public.
    """
    metadata, content = _front_matter(text)
    try:
        head = _Head.model_validate(metadata)
    except ValidationError as error:
        raise BrokenArticleError(_faults(error)) from None
    body = content.replace("\r\n", "\n").replace("\0", "").strip()
    if re.match(r"-{3,}\s*$", body.partition("\n")[0]):
        raise BrokenArticleError("the front matter does not end with a line of ---")
    title = head.title or _first_heading(body)
    if not title:
        raise BrokenArticleError("no title: write one into the front matter, or begin with a heading")
    if not body:
        raise BrokenArticleError("no text")
    return Article(slug, title, head.category, head.url, head.updated[:10], head.audience, body, head.language)


def _front_matter(text: str) -> tuple[dict[str, object], str]:
    end = re.search(r"^-{3,}\s*$", text[4:], re.MULTILINE) if text.startswith("---") else None
    if end and end.start() > _LONGEST_HEAD:
        raise BrokenArticleError("the front matter is too long")
    try:
        post = frontmatter.loads(text)
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise BrokenArticleError(f"the front matter is not YAML: {_first_line(error)}") from None
    except RecursionError:
        raise BrokenArticleError("the front matter is nested too deeply") from None
    return post.metadata, post.content


def _first_heading(body: str) -> str:
    found = re.search(r"^#{1,2}[ \t](.+)$", body, re.MULTILINE)
    return found.group(1).strip().rstrip("#").rstrip() if found else ""


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _faults(error: ValidationError) -> str:
    return "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors(include_url=False))
