"""Why a run is stopped before its end."""

from enum import StrEnum


class StopWhy(StrEnum):
    """What happened to a question while it was worked on."""

    PRESSED = ""
    """Nothing: somebody pressed Stop or took over."""
    EDITED = "edited"
    """It reads otherwise now (or a part of it is gone): it is asked anew, by another run."""
    DELETED = "deleted"
    """It was taken back: nothing of it is answered, shown or kept."""
    MUTED = "muted"
    """The bot was asked to be quiet: the words are kept, and nothing is said."""
