"""What a case is: who writes what to the bot, and what people may then expect to see.

A set is a folder of TOML files, one file a family. Each file has `[[case]]` tables and, where the family needs them,
`[[person]]`, `[[article]]` and `[[account]]`, which exist only where this family is played: a file with any of these
gets a workspace of its own. All other cases share one, side by side, each in a thread of its own.
"""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bot.domain.answer import Outcome
from bot.domain.escalation import Team
from tools.catalogue import ARGUMENTS

Words = Annotated[str, Field(min_length=1)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]

_SHUT = ConfigDict(extra="forbid", frozen=True)


class Attachment(BaseModel):
    """A file that is sent along: with this content, or a picture with these words drawn on it."""

    model_config = _SHUT

    name: Words
    text: str = ""
    picture: str = ""
    """Words of a screenshot; it is drawn as PNG."""
    base64: str = ""
    mimetype: str = "text/plain"


class Turn(BaseModel):
    """Something a person does. TOML may write a plain text for `says`."""

    model_config = _SHUT

    says: str = ""
    by: str = ""
    """User id; empty: the case's own user."""
    files: tuple[Attachment, ...] = ()
    presses: str = ""
    """Label of a button on the newest card of this case, e.g. `Approve`; `by` says who presses it, `says` goes into the
    form that it opens."""
    without_mention: bool = False
    """In a channel the first message mentions the bot, unless told not to."""
    at_once: bool = False
    """The next turn comes without waiting for what the bot does with this one."""

    @model_validator(mode="after")
    def _does_something(self) -> "Turn":
        if not (self.says or self.files or self.presses):
            raise ValueError("a turn needs says, files or presses")
        return self


class End(StrEnum):
    """How a whole conversation with a simulated customer ended."""

    SATISFIED = "satisfied"
    GAVE_UP = "gave up"
    HANDED_OVER = "handed over"
    TURN_LIMIT = "turn limit"


class Expectation(BaseModel):
    """What people see of it. Nothing is expected of what is left out; texts are compared without regard to case."""

    model_config = _SHUT

    articles_any: tuple[str, ...] = ()
    """Slugs; at least one of them is cited."""
    articles_all: tuple[str, ...] = ()
    articles_none: tuple[str, ...] = ()
    tools_any: tuple[str, ...] = ()
    tools_all: tuple[str, ...] = ()
    """Names of tools that were carried out and went well."""
    tools_none: tuple[str, ...] = ()
    """Names of tools that must not have done anything."""
    escalates: bool | Team | None = None
    """true: to whichever team; false: not at all."""
    refuses: bool | None = None
    """true: something was said, but no article cited, no ticket opened and no money moved."""
    silent: bool | None = None
    """true: the bot says nothing at all where customers read."""
    language: Annotated[str, Field(pattern=r"^([a-z]{2})?$")] = ""
    """ISO 639-1, of the last answer."""
    says_any: tuple[Words, ...] = ()
    says_all: tuple[Words, ...] = ()
    """In the words of an answer, not its sources, footer or buttons; up to three letters or digits are a whole word."""
    says_none: tuple[Words, ...] = ()
    """Not in anything a customer was shown, even for a moment."""
    tickets: int | None = None
    """How many were opened."""
    outcome: Outcome | None = None
    """Of the last run."""
    most_steps: int | None = None
    most_usd: float | None = None
    most_messages: int | None = None
    """Messages of the bot in the thread."""
    ends_any: tuple[End, ...] = ()
    """Of a simulated customer."""
    judge: tuple[Words, ...] = ()
    """Criteria in words, one each; only asked when there is a judge."""

    @field_validator("says_any", "says_all", "says_none", "judge", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("tools_any", "tools_all", "tools_none")
    @classmethod
    def _known_tools(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in ARGUMENTS and "__" not in name]
        if unknown:
            raise ValueError(f"there is no tool {unknown[0]!r}; there are: {', '.join(sorted(ARGUMENTS))}")
        return value


class Mood(StrEnum):
    """How a simulated customer is."""

    PATIENT = "patient"
    ANGRY = "angry"
    VAGUE = "vague"
    LYING = "lying"
    TERSE = "terse"
    NON_NATIVE = "non-native"
    CHANGES_MIND = "changes mind"
    GIVES_UP = "gives up"


class Simulated(BaseModel):
    """A customer who is played: by a model when there is one, else by a state machine that says the case's turns."""

    model_config = _SHUT

    goal: Words
    temper: Mood = Mood.PATIENT
    mood: str = ""
    """In words, for the model that plays; empty: as the temper says."""
    facts: tuple[Words, ...] = ()
    """By which they know that they have their answer; alternatives within one are separated by `|`."""
    knows: str = ""
    """What they may tell when asked."""
    most_turns: Annotated[int, Field(ge=1, le=20)] = 6


class Case(BaseModel):
    """One conversation and what is expected of it."""

    model_config = _SHUT

    id: Slug
    family: str = ""
    """Filled in from the file's name."""
    about: str = ""
    """For the reader of a report: what this case is for."""
    user: str = "U0ANA"
    place: Literal["channel", "dm"] = "channel"
    turns: Annotated[tuple[Turn, ...], Field(min_length=1)]
    expect: Expectation = Expectation()
    simulated: Simulated | None = None
    needs: Literal["", "model"] = ""
    """`model`: only a real model can be expected to pass; it is still played offline, and must be safe."""
    alone: bool = False
    """It changes what others would see (a refund, a paused bot): it gets a workspace of its own."""
    allows: tuple[str, ...] = ()
    """Texts that the check for leaks would take for one, but which are right here."""

    @field_validator("turns", mode="before")
    @classmethod
    def _plain_texts(cls, value: object) -> object:
        if not isinstance(value, Sequence) or isinstance(value, str):
            return value
        return [{"says": one} if isinstance(one, str) else one for one in value]


class ExtraPerson(BaseModel):
    """Somebody who is in the workspace beside the sample company's people."""

    model_config = _SHUT

    id: Annotated[str, Field(pattern=r"^U0[A-Z0-9]+$")]
    name: Words
    """Their handle."""
    real_name: Words
    email: str = ""
    role: Literal["customer", "staff", "admin", "bot"] = "customer"
    is_guest: bool = False
    locale: str = "en-US"
    bot_id: str = ""


class ExtraArticle(BaseModel):
    """An article that the help centre has besides the sample's."""

    model_config = _SHUT

    slug: Slug
    text: Words
    """Markdown with front matter, as the files of the sample."""


class ExtraAccount(BaseModel):
    """A customer's record as `tools/customers/sample.json` has them."""

    model_config = ConfigDict(extra="allow", frozen=True)

    email: Words


class ExtraTicket(BaseModel):
    """A ticket that is there before, as `tools/tickets/sample.json` has them."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: Words
    customer_email: Words


class Extras(BaseModel):
    """What a family needs besides the sample company."""

    model_config = _SHUT

    person: tuple[ExtraPerson, ...] = ()
    article: tuple[ExtraArticle, ...] = ()
    account: tuple[ExtraAccount, ...] = ()
    ticket: tuple[ExtraTicket, ...] = ()
    settings: dict[str, str] = {}
    """Settings of the bot by their names in `.env.example`."""

    @property
    def is_empty(self) -> bool:
        """Whether the shared workspace will do."""
        return self == Extras()


class Family(Extras):
    """One file: its cases and what they need."""

    case: Annotated[tuple[Case, ...], Field(min_length=1)]
    name: str = ""
    path: Path = Path()

    @property
    def extras(self) -> Extras:
        """What is needed besides the sample company."""
        return Extras.model_validate({name: getattr(self, name) for name in Extras.model_fields})
