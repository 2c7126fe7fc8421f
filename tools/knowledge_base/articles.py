"""An article, and how one is read from a Markdown file."""

import datetime
import difflib
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

import yaml
from frontmatter.default_handlers import SafeLoader, YAMLHandler
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

ArticleCategory = Literal["billing", "technical", "account", "product"]

LARGEST = 1_000_000
"""Bytes of one document."""
_LONGEST_HEAD = 20_000
"""Characters of a front matter; more is none, and YAML takes its time over it."""
_OTHER_HEAD = re.compile(r"(?:\+{3,}|;{3,}|\{)\s*$", re.MULTILINE)
"""How a front matter in TOML or JSON begins."""
_ASTRAY = re.compile(r"^audience[ \t]*:[ \t]*internal[ \t]*$", re.MULTILINE | re.IGNORECASE)
_NO_YAML = (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""What PyYAML raises over values that are not of the kind they say they are."""
_NOT_PUBLIC = re.compile(
    r"^\W{0,9}audi[ae]nces?[ \t]*(?:[:=][ \t]*\W{0,2}(?!public\b)\w|\W{1,5}internal\b)", re.MULTILINE | re.IGNORECASE
)
"""A line that gives an audience, however clumsily."""
_SIMILAR = 0.85
"""From which on a name is taken for a slip: `audiance`."""


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
    title = head.title or _first_heading(body)
    if not title:
        raise BrokenArticleError("no title: write one into the front matter, or begin with a heading")
    if not body:
        raise BrokenArticleError("no text")
    return Article(slug, title, head.category, head.url, head.updated[:10], head.audience, body, head.language)


def declared_audience(content: bytes) -> Audience:
    """For whom a file that may be broken says it is: internal as soon as its head says anything but `public`."""
    head = content[:_LONGEST_HEAD].decode("utf-8", "replace")
    return Audience.INTERNAL if _NOT_PUBLIC.search(head) else Audience.PUBLIC


def _front_matter(text: str) -> tuple[Mapping[str, object], str]:
    """What is told of the article, by name, and its text."""
    text = text.strip()
    if _OTHER_HEAD.match(text):
        raise BrokenArticleError("the front matter is not YAML between lines of ---")
    handler = YAMLHandler()
    if not handler.detect(text):
        if _ASTRAY.search(text[:_LONGEST_HEAD]):
            raise BrokenArticleError("its audience stands outside of the front matter")
        return {}, text
    try:
        head, content = handler.split(text)
    except ValueError:
        raise BrokenArticleError("the front matter does not end with a line of ---") from None
    if len(head) > _LONGEST_HEAD:
        raise BrokenArticleError("the front matter is too long")
    return _values(head), content


def _values(head: str) -> Mapping[str, object]:
    """Values by name; stricter than YAML, which lets slips pass that would make an internal article public."""
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(head, SafeLoader)):
            raise BrokenArticleError("the front matter refers to parts of itself")  # a few lines may hold billions
        node, told = yaml.compose(head, SafeLoader), YAMLHandler().load(head)
    except RecursionError:
        raise BrokenArticleError("the front matter is nested too deeply") from None
    except _NO_YAML as error:
        raise BrokenArticleError(f"the front matter is not YAML: {_first_line(error)}") from None
    if not isinstance(node, yaml.MappingNode) or not isinstance(told, dict):
        if head.strip():
            raise BrokenArticleError("the front matter is no list of names and values")
        return {}
    _check_names([_name(key.value) for key, _ in node.value])
    return {_name(key): value for key, value in told.items()}


def _check_names(names: Sequence[str]) -> None:
    known = _Head.model_fields.keys()
    twice = next((name for name in names if name in known and names.count(name) > 1), "")
    if twice:
        raise BrokenArticleError(f"{twice}: written twice")
    odd = difflib.get_close_matches("audience", set(names) - {"audience"}, n=1, cutoff=_SIMILAR)
    if odd:
        raise BrokenArticleError(f"{odd[0]}: is audience meant?")


def _name(key: object) -> str:
    return str(key).strip().lower()


def _first_heading(body: str) -> str:
    found = re.search(r"^#{1,2}[ \t](.+)$", body, re.MULTILINE)
    return found.group(1).strip().rstrip("#").rstrip() if found else ""


def _first_line(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark:
        return f"{error.problem} (line {error.problem_mark.line + 1})"
    return (str(error).splitlines() or [type(error).__name__])[0]


def _faults(error: ValidationError) -> str:
    return "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors(include_url=False))
