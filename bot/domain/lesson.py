"""What a person's answer may teach the bot: an article of the help centre, a case of the evaluation, or both.

It is only suggested. Nothing of it is shown to a customer or counted in an evaluation until somebody of staff accepts.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Category = Literal["billing", "technical", "account", "product"]
"""Those of the help centre."""
TITLE_MAX, QUESTION_MAX, ANSWER_MAX = 120, 600, 4_000
"""Characters."""


class Choice(StrEnum):
    """What somebody makes of a suggestion."""

    PUBLIC = "public"
    """An article for everybody."""
    INTERNAL = "internal"
    """An article for staff."""
    CASE = "case"
    """A case of the evaluation."""
    DISMISS = "dismiss"
    """Its words are not kept."""
    TAKE_BACK = "back"
    """It was accepted, and is dismissed after all."""

    @property
    def changes_articles(self) -> bool:
        """Whether there is an article more or less then."""
        return self in (Choice.PUBLIC, Choice.INTERNAL, Choice.TAKE_BACK)


@dataclass(frozen=True, slots=True)
class Draft:
    """A question that others may have, and its answer, without anything of the customer."""

    title: str
    question: str
    answer: str
    """Markdown."""
    category: Category = "product"


@dataclass(frozen=True, slots=True)
class Lesson:
    """One suggestion, and what became of it."""

    id: str
    team_id: str
    case_id: str
    conversation_id: str
    draft: Draft
    language: str
    """ISO 639-1; empty: not known."""
    taught_by: str
    """Name of the person who answered."""
    suggested_at: float
    audience: str = ""
    """`public` or `internal` when it is an article; empty: it is none."""
    article_by: str = ""
    """User id."""
    is_case: bool = False
    case_by: str = ""
    dismissed_by: str = ""
    changed_at: float = 0.0

    def may(self, choice: Choice) -> bool:
        """Whether the choice is still open."""
        if self.dismissed_by:
            return False
        if choice is Choice.CASE:
            return not self.is_case
        if choice is Choice.TAKE_BACK:
            return bool(self.audience) or self.is_case
        return not self.audience and not (choice is Choice.DISMISS and self.is_case)

    @property
    def slug(self) -> str:
        """Of its article."""
        return f"{SOURCE}/{self.id}"


JOURNAL = "lesson:"
"""Before the id of a case: where the journal keeps what the helper model wrote."""
SOURCE = "lessons"
"""Name of the source that accepted articles come from."""
