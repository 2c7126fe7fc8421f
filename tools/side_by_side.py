"""Work side by side that fails like work in a row: with the failure itself, not with a group around it."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_failure() -> Iterator[None]:
    """Around a TaskGroup: its first failure is raised; the other tasks have been stopped by then."""
    try:
        yield
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
