"""Token counts as five columns."""

from bot.domain.exchange import Usage
from bot.store.dialect import AnyRow

USAGE_COLUMNS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")


def usage_columns(usage: Usage) -> dict[str, int]:
    """Column values of a usage."""
    return {name: getattr(usage, name) for name in USAGE_COLUMNS}


def usage_of(row: AnyRow) -> Usage:
    """The usage in a row; null (the sum of no rows) counts as zero."""
    return Usage(**{name: int(getattr(row, name) or 0) for name in USAGE_COLUMNS})
