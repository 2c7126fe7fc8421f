"""Visible effects: what is to appear in Slack. Rows of the outbox, delivered once, in order per lane.

`language` (ISO 639-1) is that of whoever reads: what we put around the words is in it; empty is English.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from bot.domain.answer import Answer
from bot.domain.incoming import File
from bot.domain.lesson import Lesson


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is shown."""

    team_id: str
    channel_id: str
    thread_ts: str | None = None


class Session(StrEnum):
    """Slack's native status of an agent session in a DM."""

    ACTIVE = "active"
    PROCESSING = "processing"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class StepState(StrEnum):
    """State of one step of a run, in Slack's words."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class StepCard:
    """One step of a run as its reader sees it; a newer card of the same id replaces it."""

    id: str
    words: str
    state: StepState


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come."""

    words: str
    """What is being done now."""
    title: str
    """Steps and cost so far."""
    cards: tuple[StepCard, ...] = ()
    """The steps that are new or changed since they were last shown."""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a stream is meant; with Slack Connect the team is the reader's own."""

    user_id: str
    team_id: str


@dataclass(frozen=True, slots=True)
class ShowAnswer:
    """The agent's (or an approved) answer with footer and feedback buttons; replaces the live line."""

    place: Place
    answer: Answer
    kind: Literal["answer"] = "answer"
    progress: Progress | None = None
    """The last of the step cards, when the live line is a stream."""
    session: Session | None = None
    """Native status after it; given with the end of a stream."""


@dataclass(frozen=True, slots=True)
class ShowNotice:
    """A fixed sentence of the bot in the customer's thread."""

    place: Place
    text: str
    """mrkdwn."""
    kind: Literal["notice"] = "notice"


@dataclass(frozen=True, slots=True)
class ShowLive:
    """The live line: first sign of work, later updated with step, tool and cost."""

    place: Place
    text: str
    kind: Literal["live"] = "live"
    reader: Reader | None = None
    """Set in DMs: there the line is a stream of step cards that ends as the answer."""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Remove:
    """Takes away the message of the effect named by the row's `edits` (a live line nobody needs any more)."""

    place: Place
    kind: Literal["remove"] = "remove"


@dataclass(frozen=True, slots=True)
class ShowCard:
    """The escalation's card in the staff channel, rendered from its row at the moment of delivery."""

    place: Place
    escalation_id: str
    kind: Literal["card"] = "card"


@dataclass(frozen=True, slots=True)
class ShowInStaffThread:
    """A reply under a card: the full proposal, a customer's new message, what happened."""

    place: Place
    """`thread_ts` is ignored; the reply goes under the card named by the row's `under`."""
    text: str
    author_id: str = ""
    """User whose words these are; empty for the bot's own note."""
    author_name: str = ""
    kind: Literal["staff_reply"] = "staff_reply"
    calls: tuple[str, ...] = ()
    """Ids of users and user groups (of our own settings) who are pinged."""


@dataclass(frozen=True, slots=True)
class Relay:
    """A person's words carried into the customer's thread under the person's name."""

    place: Place
    author_id: str
    author_name: str
    text: str
    kind: Literal["relay"] = "relay"
    picture: str = ""
    """URL of the person's picture; empty when Slack does not tell."""
    language: str = ""


@dataclass(frozen=True, slots=True)
class RelayFile:
    """A file a person attached, carried into the customer's thread. The receipt's `ts` is the new file's id."""

    place: Place
    author_id: str
    author_name: str
    file: File
    kind: Literal["relay_file"] = "relay_file"
    language: str = ""


@dataclass(frozen=True, slots=True)
class AskRating:
    """Asks the customer how a resolved case went; afterwards shows what they said."""

    place: Place
    case_id: str
    stars: int = 0
    """0 as long as nothing was said."""
    comment: str = ""
    language: str = ""
    kind: Literal["rating"] = "rating"


@dataclass(frozen=True, slots=True)
class ShowLesson:
    """What an answer may teach, under the card it was given for; with buttons for what is still open."""

    place: Place
    """`thread_ts` is ignored, as with `ShowInStaffThread`."""
    lesson: Lesson
    kind: Literal["lesson"] = "lesson"


@dataclass(frozen=True, slots=True)
class Whisper:
    """An ephemeral message to one person."""

    place: Place
    user_id: str
    text: str
    kind: Literal["whisper"] = "whisper"


@dataclass(frozen=True, slots=True)
class SetSession:
    """The native session status (DMs only); not sent when the end of the stream named by `edits` has given it."""

    place: Place
    status: Session
    title: str = ""
    kind: Literal["session"] = "session"


@dataclass(frozen=True, slots=True)
class SuggestPrompts:
    """Up to four prompts in the Messages tab."""

    place: Place
    title: str
    prompts: tuple[tuple[str, str], ...]
    """(title, message)."""
    kind: Literal["prompts"] = "prompts"


@dataclass(frozen=True, slots=True)
class ShowHome:
    """Somebody's Home tab, rendered at the moment of delivery."""

    place: Place
    """Only the workspace counts."""
    user_id: str
    kind: Literal["home"] = "home"


AnyEffect = (
    ShowAnswer
    | ShowNotice
    | ShowLive
    | Remove
    | ShowCard
    | ShowInStaffThread
    | Relay
    | RelayFile
    | AskRating
    | ShowLesson
    | Whisper
    | SetSession
    | SuggestPrompts
    | ShowHome
)
EFFECT: TypeAdapter[AnyEffect] = TypeAdapter(Annotated[AnyEffect, Field(discriminator="kind")])
"""Reads and writes outbox payloads."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One outbox row about to be written."""

    key: str
    """Unique; the same key is delivered once, whatever is retried."""
    effect: AnyEffect
    lane: str
    """Effects of one lane are delivered one after another, in the order they were written."""
    conversation_id: str | None = None
    epoch: int | None = None
    """Set on the bot's own words: delivered only while the conversation still has this epoch."""
    edits: str | None = None
    """Key of an effect whose message this one replaces (chat.update / chat.delete) if it was delivered."""
    under: str | None = None
    """Key of an effect under whose message this one is posted as a reply."""
    not_before: float = 0.0
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a delivered effect stands."""

    channel_id: str
    ts: str
    streamed: bool = False
    """Begun as a stream that the effect itself did not end."""
    session: Session | None = None
    """Native status that was given with the end of the stream."""

    @property
    def is_file(self) -> bool:
        """Whether `ts` names a file instead of a message."""
        return self.ts.startswith("F")
