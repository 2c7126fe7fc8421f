"""What a language gives to the search for claims: patterns with short names for what recurs in them.

`<name>` in a pattern stands for the entry of that name in `words`. Patterns meet text in lower case with plain
apostrophes, one sentence at a time. Each has a kind of claim and a manner:

- `did`: we say that we did it;
- `will`: we say that we are about to, or going to; an offer under a condition is none;
- `was`: something is said to have happened, by whomever; what was looked up may make it true;
- `due`: something is said to be coming, by whomever; an offer under a condition is none.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Manner = Literal["did", "will", "was", "due"]


class Kind(StrEnum):
    """What is claimed; the value is how it is named to the model."""

    ESCALATED = "asking or telling a colleague"
    PASSED_ON = "passing something on"
    TICKET = "opening a ticket"
    REFUNDED = "refunding or crediting money"
    CHANGED = "changing something in the customer's account"
    CONTACT = "an e-mail, a message or a call"
    TIME = "a time by which something happens"
    PERSON = "being a person, or speaking as one of our colleagues"
    """Nothing a tool returns makes that true."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way to claim something."""

    kind: Kind
    manner: Manner
    regex: str


@dataclass(frozen=True)
class Tongue:
    """One language."""

    words: Mapping[str, str]
    """What stands for `<name>` in patterns; a later entry may use earlier ones."""
    patterns: Sequence[Pattern]
    negations: str
    """Words that turn a claim into its contrary when they stand shortly before or in it."""
    conditions: str
    """Words that make what follows a case to be imagined."""
    reports: str
    """Words after which somebody else's claim is told."""
    offers: str
    """What a sentence begins with that asks for something first: what we then "will" do waits for the answer."""

    def compiled(self) -> list[tuple[Pattern, re.Pattern[str]]]:
        """The patterns, ready to search with."""
        known: dict[str, str] = {}
        for name, regex in self.words.items():
            known[name] = f"(?:{_filled(regex, known)})"
        return [(p, re.compile(_filled(p.regex, known))) for p in self.patterns]


def patterns(table: Mapping[tuple[Kind, Manner], Sequence[str]]) -> tuple[Pattern, ...]:
    """The patterns of a table by kind and manner."""
    return tuple(Pattern(kind, manner, regex) for (kind, manner), all_of in table.items() for regex in all_of)


def _filled(regex: str, known: Mapping[str, str]) -> str:
    """`<name>` replaced; groups of the regex itself, (?P<…>, are not used."""
    return re.sub(r"<(\w+)>", lambda found: known[found[1]], regex)
