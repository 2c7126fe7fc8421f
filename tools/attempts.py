"""One try at a back-end, as it is told to whoever keeps the record: the trace of the run, the log, a test."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was tried, and what came of it. Never holds what was asked or answered."""

    backend: str
    number: int
    """From 1, within one call of the guard."""
    ok: bool
    """True also when the back-end refused the model's wish: it works."""
    error: str
    """Class of the error; empty when ok."""
    ms: int
    asked: bool = True
    """False when the back-end was spared: its breaker is open, too many calls were under way, or no time was left."""
    is_fallback: bool = False
    """True for what was done in the back-end's stead."""

    @property
    def name(self) -> str:
        """As it stands in the trace."""
        return f"{self.backend} (fallback)" if self.is_fallback else self.backend


def forget(attempt: Attempt) -> None:
    """For whoever keeps no record."""
