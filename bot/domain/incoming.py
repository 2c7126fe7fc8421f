"""What reaches the desk from outside: parsed events, already free of Slack's JSON. Stored in the inbox as JSON."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from bot.domain.conversation import Surface, ThreadKey
from bot.domain.escalation import Decision


@dataclass(frozen=True, slots=True)
class File:
    """A file a message carries; its bytes are fetched when a run needs them."""

    id: str
    name: str
    media_type: str
    size: int
    """Bytes."""
    url: str
    """url_private; needs the bot's token."""


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """Somebody wrote where the bot can read it."""

    thread: ThreadKey
    surface: Surface
    ts: str
    """Slack's message timestamp; orders messages inside a conversation."""
    user_id: str
    """Author; for another bot its user id."""
    text: str
    """Text with our own mention taken out, Slack's escapes undone, other mentions kept as `<@U…>`."""
    mentions_bot: bool
    is_root: bool
    """True when the message starts its thread."""
    author_team: str
    """Team of the author; differs from `thread.team_id` for Slack Connect."""
    bot_id: str | None = None
    """Set when another bot wrote it."""
    client_msg_id: str | None = None
    event_id: str | None = None
    files: tuple[File, ...] = ()
    quoted: str = ""
    """Text of forwarded or quoted messages: words of third parties."""
    kind: Literal["message"] = "message"


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """The author changed a message."""

    thread: ThreadKey
    ts: str
    user_id: str
    text: str
    event_id: str | None = None
    kind: Literal["edit"] = "edit"


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    """The author removed a message."""

    thread: ThreadKey
    ts: str
    event_id: str | None = None
    kind: Literal["delete"] = "delete"


@dataclass(frozen=True, slots=True)
class DecisionMade:
    """A button or form about an escalation."""

    escalation_id: str
    decision: Decision
    team_id: str
    user_id: str
    channel_id: str
    """Where it was pressed; ephemeral answers go there."""
    thread_ts: str | None
    press_id: str
    """Unique per press (trigger id or view id), so that a redelivered press counts once."""
    note: str = ""
    version: int | None = None
    """Version of the card that was pressed; consent holds for what it showed."""
    kind: Literal["decision"] = "decision"


@dataclass(frozen=True, slots=True)
class FeedbackGiven:
    """Thumbs up or down under an answer."""

    run_id: str
    team_id: str
    channel_id: str
    user_id: str
    positive: bool
    press_id: str
    kind: Literal["feedback"] = "feedback"


@dataclass(frozen=True, slots=True)
class MessagesTabOpened:
    """Somebody opened the bot's Messages tab."""

    team_id: str
    channel_id: str
    user_id: str
    event_id: str | None = None
    kind: Literal["tab"] = "tab"


@dataclass(frozen=True, slots=True)
class StopPressed:
    """The customer pressed Slack's native Stop."""

    thread: ThreadKey
    user_id: str
    event_id: str | None = None
    kind: Literal["stop"] = "stop"


@dataclass(frozen=True, slots=True)
class CarryOn:
    """The desk's own cause: the agent continues after a person decided (approved, denied, handed back)."""

    thread: ThreadKey
    cause: str
    """Unique, e.g. `approve:<escalation id>`."""
    note: str
    """What happened, for the model's eyes; plain sentence."""
    user_id: str = ""
    """For whom the agent carries on; empty for whoever began the conversation."""
    author_team: str = ""
    kind: Literal["carry_on"] = "carry_on"


Incoming = Annotated[
    MessageReceived
    | MessageEdited
    | MessageDeleted
    | DecisionMade
    | FeedbackGiven
    | MessagesTabOpened
    | StopPressed
    | CarryOn,
    Field(discriminator="kind"),
]
INCOMING: TypeAdapter[
    MessageReceived
    | MessageEdited
    | MessageDeleted
    | DecisionMade
    | FeedbackGiven
    | MessagesTabOpened
    | StopPressed
    | CarryOn
] = TypeAdapter(Incoming)
"""Reads and writes inbox payloads."""


def team_of(
    incoming: MessageReceived
    | MessageEdited
    | MessageDeleted
    | DecisionMade
    | FeedbackGiven
    | MessagesTabOpened
    | StopPressed
    | CarryOn,
) -> str:
    """The workspace an event belongs to."""
    if isinstance(incoming, DecisionMade | FeedbackGiven | MessagesTabOpened):
        return incoming.team_id
    return incoming.thread.team_id
