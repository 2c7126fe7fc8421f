"""The chain through a workspace's audit log: whoever changes, removes or reorders entries breaks it.

An entry's link is a SHA-256 over the link before it, its number, its time, its action, and a seal for each of its other
fields. A seal is a SHA-256 over the field and a salt of its own. To forget somebody, a field and its salt are deleted:
the seal stays, so the chain still holds, and without the salt nobody can tell any more what had been sealed.

Entries from before there was a chain have seals and no link; a chained entry, `audit.anchor`, holds the digest of all
their seals. Who can write to the database can write a new chain as well: against that helps a head that is kept outside
(`deskhand audit verify` prints it, `--head` compares it).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bot.domain.audit import AuditEntry

PERSONAL = ("actor", "subject", "conversation_id", "detail", "digest", "before", "after")
"""Fields that may tell of a person; each is sealed by itself. An empty one has no seal."""
ANCHOR = "audit.anchor"
START = ""
"""The link before the first."""
_MARK = "deskhand audit 1"


@dataclass(frozen=True, slots=True)
class Seals:
    """What proves the fields of an entry."""

    seals: Mapping[str, str] = field(default_factory=dict)
    """By field."""
    salts: Mapping[str, str] = field(default_factory=dict)
    """Of those fields that were not erased."""

    @classmethod
    def of(cls, entry: AuditEntry, salts: Iterable[str]) -> "Seals":
        """Seal an entry, with as many new salts as it takes."""
        given = dict(zip((name for name in PERSONAL if getattr(entry, name)), salts, strict=False))
        return cls({name: seal(salt, name, getattr(entry, name)) for name, salt in given.items()}, given)

    def hold(self, entry: AuditEntry) -> bool:
        """Whether the fields are those that were sealed, or were erased."""
        if not self.salts.keys() <= self.seals.keys() <= set(PERSONAL):
            return False
        return all(self._holds(name, getattr(entry, name)) for name in PERSONAL)

    def _holds(self, name: str, value: str) -> bool:
        salt = self.salts.get(name)
        return value == "" if salt is None else seal(salt, name, value) == self.seals[name]


def seal(salt: str, name: str, value: str) -> str:
    """Proof of a field's value for who knows the salt."""
    return _digest([salt, name, value])


def link(before: str, number: int, entry: AuditEntry, seals: Mapping[str, str]) -> str:
    """The link of an entry behind the link before it."""
    return _digest([before, number, entry.team_id, entry.at.hex(), entry.action, sorted(seals.items())])


def anchor(before: str, entry: AuditEntry, seals: Mapping[str, str]) -> str:
    """A digest that one more entry without a link was added to; begins with START."""
    return _digest([before, entry.team_id, entry.at.hex(), entry.action, sorted(seals.items())])


def _digest(parts: list[object]) -> str:
    return hashlib.sha256(json.dumps([_MARK, *parts], separators=(",", ":")).encode()).hexdigest()
