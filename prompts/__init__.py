"""Texts for the model and for people, read as package data.

What staff read is in the language of the workspace (`sentences/staff.toml`); what customers read is in theirs: one file
per language in `sentences/`, all with the same names and placeholders. A language without a file reads English.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

ENGLISH = "en"
LANGUAGES = (ENGLISH, "de", "es", "fr", "ja")
"""Those that customers are spoken to in when no model speaks; ISO 639-1."""


def read(name: str) -> str:
    """The text file of this name, e.g. `judge.md` or `agents/support.md`."""
    return files("prompts").joinpath(name).read_text(encoding="utf-8")


def agent_names() -> tuple[str, ...]:
    """Names of the agent profiles shipped in `prompts/agents`."""
    folder = files("prompts").joinpath("agents")
    return tuple(sorted(f.name.removesuffix(".md") for f in folder.iterdir() if f.name.endswith(".md")))


def suggested(language: str = ENGLISH) -> tuple[tuple[str, str], ...]:
    """(title, message) of the prompts offered in the Messages tab, at most four."""
    return tuple(_tables(_known(language))["suggested"].items())


@cache
def sentences(language: str = ENGLISH) -> Mapping[str, str]:
    """The fixed sentences by name: those for customers in their language, those for staff as they are."""
    own = {name: text for name, text in _tables(_known(language)).items() if isinstance(text, str)}
    return MappingProxyType({**_tables("staff"), **own})


def live_words(language: str, english: str) -> str:
    """What is being done, as a customer reads it; what nobody has translated is shown as work."""
    known = _tables(_known(language))["live"]
    if _known(language) == ENGLISH:
        return english
    return ", ".join(dict.fromkeys(known.get(part, known["Working"]) for part in english.split(", ")))


def _known(language: str) -> str:
    return language if language in LANGUAGES else ENGLISH


@cache
def _tables(name: str) -> dict[str, Any]:
    return tomllib.loads(read(f"sentences/{name}.toml"))
