"""What customers ask and the help centre does not answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class GapCause(StrEnum):
    """How a gap shows, as it is stored; the most telling first."""

    NOTHING = "none"
    """The search found nothing."""
    HANDED_OVER = "handed_over"
    """It found articles, and yet a person had to answer."""
    UNSOURCED = "unsourced"
    """It found articles, and yet the answer cites none."""
    UNSURE = "weak"
    """It found nothing certain."""


_WORDS = {
    GapCause.NOTHING: "nothing found",
    GapCause.HANDED_OVER: "found, yet handed over",
    GapCause.UNSOURCED: "found, yet answered without a source",
    GapCause.UNSURE: "nothing certain",
}


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that the articles do not answer."""

    query: str
    """As it was asked last, without what belongs to one customer."""
    times: int
    """Conversations in which it was asked."""
    causes: Mapping[GapCause, int]
    """These conversations, each under its most telling cause."""
    last_at: float

    @property
    def why(self) -> str:
        """The causes in words, with numbers when there are several."""
        found = [(_WORDS[cause], self.causes[cause]) for cause in GapCause if self.causes.get(cause)]
        return found[0][0] if len(found) == 1 else "; ".join(f"{words} ({times})" for words, times in found)
