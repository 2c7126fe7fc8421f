"""Which of the records that a service found belong to the asked address. Services search loosely; we do not (P7)."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from tools.ownership import canonical

T = TypeVar("T")


def own(found: Iterable[T], email: str, address: Callable[[T], object]) -> list[T]:
    """Those whose own address is exactly the asked one, letter case aside; the others are somebody else's."""
    asked = canonical(email)
    return [one for one in found if isinstance(given := address(one), str) and canonical(given) == asked]


def own_lines(found: Iterable[Mapping[str, object]], email: str) -> list[Mapping[str, object]]:
    """Lines of a history without those that say, as `email`, that they are somebody else's."""
    return [line for line in found if "email" not in line or own([line], email, lambda one: one["email"])]


def is_searchable(email: str) -> bool:
    """Whether an address can stand in a query without meaning anything else there; all others nobody has."""
    local, at, domain = email.partition("@")
    return bool(at and local and domain) and all(c.isprintable() and c not in ' "\\<>(),;:' for c in email)


def with_doubles(notes: str, count: int) -> str:
    """Notes for staff that also tell of further records under the address."""
    told = f"{count} records have this address; the most recent one is shown." if count > 1 else ""
    return "\n".join(part for part in (notes, told) if part)
