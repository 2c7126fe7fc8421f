"""What is known of a conversation's time with a person: how it came back, and how the customer liked it."""

from dataclasses import dataclass

CHANGEABLE_SECONDS = 24 * 3600.0
"""A rating may be changed for so long after it was first given."""
STARS = range(1, 6)
COMMENT_MAX = 1_000
"""Characters of the words that may go with a rating."""


@dataclass(frozen=True, slots=True)
class Handback:
    """A conversation that a person gave back to the bot."""

    conversation_id: str
    epoch: int
    """Of the conversation from then on; what holds for a hand-back ends with the next change of owner."""
    by: str
    """User id."""
    name: str
    reason: str
    """Why it had been put before people; empty when it had not."""
    began_at: float
    at: float
    done: str = ""
    """What the person did, in their own words."""
    next_step: str = ""
    """What the agent was asked to do next."""


@dataclass(frozen=True, slots=True)
class Rating:
    """What a customer thought of a case that was resolved."""

    case_id: str
    conversation_id: str
    user_id: str
    stars: int
    """1 to 5."""
    comment: str
    rated_at: float
    """When it was first given."""
    changed_at: float

    @property
    def shown(self) -> str:
        """As stars."""
        return "★" * self.stars + "☆" * (5 - self.stars)
