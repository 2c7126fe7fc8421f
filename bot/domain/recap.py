"""What stands for the older part of a long conversation when the model is shown it again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recap:
    """A summary of the lines up to a place in the transcript."""

    text: str
    """What was said between customer, bot and people."""
    notes: str
    """Notes of the desk from the same part, word by word: for the model, apart from what was said."""
    upto: int
    """Place of the last line it covers; 0 when it covers none."""


NO_RECAP = Recap("", "", 0)
