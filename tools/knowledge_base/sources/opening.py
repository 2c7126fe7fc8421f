"""From what is written on the command line, or in the connectors file, to sources."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from tools.connector_settings import Wires
from tools.knowledge_base.sources.base import Source, SourceError
from tools.knowledge_base.sources.connector import KnowledgeConnector
from tools.knowledge_base.sources.settings import KINDS


@dataclass(frozen=True, slots=True)
class Opened:
    """A source, and how often the running bot reads it."""

    source: Source
    every: float
    """Seconds."""


def settings_of(text: str, environment: Mapping[str, str]) -> KnowledgeConnector:
    """What `zendesk:acme`, `https://help.example.com` or `./articles` stands for; SourceError when nothing."""
    try:
        made, table = _table(text)
        return made.model_validate(table, context=dict(environment))
    except ValidationError as error:
        raise SourceError("\n".join(f"{text}: {_fault(one['loc'], one['msg'])}" for one in error.errors())) from None
    except ValueError as error:
        raise SourceError(f"{text}: {error}") from None


def open_all(settings: Iterable[KnowledgeConnector], wires: Wires) -> tuple[Opened, ...]:
    """The sources; SourceError when two would take each other's articles away."""
    opened = tuple(Opened(one.open(wires), one.every) for one in settings)
    _check_names([one.source.name for one in opened])
    return opened


def _by_kind() -> Mapping[str, type[KnowledgeConnector]]:
    return {get_args(kind.model_fields["kind"].annotation)[0]: kind for kind in KINDS}


def _table(text: str) -> tuple[type[KnowledgeConnector], Mapping[str, object]]:
    kinds = _by_kind()
    kind, sign, rest = text.partition(":")
    if kind in {"https", "http"} and "web" in kinds:
        return kinds["web"], kinds["web"].of_text(text)
    if sign and kind in kinds:
        return kinds[kind], kinds[kind].of_text(rest)
    if sign and not Path(text).exists():
        raise ValueError(f"there is no source of kind {kind!r}; there are {', '.join(sorted(kinds))}")
    kind = "html" if "html" in kinds and _holds_only_html(Path(text)) else "folder"
    return kinds[kind], {"kind": kind, "path": text}


def _holds_only_html(path: Path) -> bool:
    """Whether a folder is an export of HTML files; one with any Markdown in it is not."""
    names = [file.suffix.lower() for file in path.rglob("*")] if path.is_dir() else []
    return not {".md", ".markdown"} & set(names) and bool({".html", ".htm"} & set(names))


def _check_names(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        remedy = "Name them, e.g. folder:handbook=./handbook" if twice[0] == "folder" else "Take one away"
        raise SourceError(f"There are two sources called {twice[0]}; each would remove what the other holds. {remedy}.")


def _fault(place: tuple[int | str, ...], message: str) -> str:
    told = message.removeprefix("Value error, ")
    return f"{place[-1]}: {told}" if place else told
