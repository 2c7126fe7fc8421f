"""What reaches the desk from outside: parsed events, already free of Slack's JSON. Stored in the inbox as JSON."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from bot.domain.case_due import CaseDue
from bot.domain.conversation import Surface, ThreadKey
from bot.domain.escalation import Decision
from bot.domain.lesson import Choice


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
    preview: str = ""
    """Address of a JPEG or PNG that Slack has made of a picture, with the same token; empty when there is none."""


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
    is_shared: bool = False
    """The channel is shared with another organisation (Slack Connect), as the event itself said."""
    is_guest: bool = False
    """The author is a guest of the workspace, as the event itself said."""
    edited_at: str = ""
    """Timestamp of the edit that is in `text` already."""
    is_deleted: bool = False
    """Its author took it back; nothing of its content is kept."""
    asked_as: str = ""
    """Timestamp under which it was stored once more, as a question, because an edit turned it to the bot."""
    kind: Literal["message"] = "message"

    @property
    def is_foreign(self) -> bool:
        """Whether the author is of another workspace."""
        return self.author_team != self.thread.team_id


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """The author changed a message."""

    thread: ThreadKey
    ts: str
    user_id: str
    text: str
    event_id: str | None = None
    edited_at: str = ""
    """Timestamp of the edit; orders the edits of one message."""
    asks_again: MessageReceived | None = None
    """The message as it reads now, when this edit is the first that turns to the bot."""
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
    user_team: str = ""
    """The presser's own workspace; empty in rows of an older version, whose pressers were ours."""
    usd: Decimal | None = None
    """What Allow allows."""
    next_step: str = ""
    """What the agent should do at once, when a conversation is handed back."""
    kind: Literal["decision"] = "decision"


@dataclass(frozen=True, slots=True)
class ProposalEdited:
    """A form in which somebody of staff changed what is proposed; the fields are those of `DecisionMade`."""

    escalation_id: str
    team_id: str
    user_id: str
    channel_id: str
    thread_ts: str | None
    press_id: str
    version: int
    """Of the case when the form was opened."""
    text: str = ""
    """The reply; empty with a call."""
    arguments: tuple[tuple[str, str], ...] = ()
    """Of a call: field and what was written into it."""
    approve: bool = False
    """Whether the change is approved in the same breath."""
    user_team: str = ""
    kind: Literal["revision"] = "revision"


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """A form in which somebody of staff asks one thing about a case; the fields are those of `DecisionMade`."""

    escalation_id: str
    team_id: str
    user_id: str
    channel_id: str
    thread_ts: str | None
    press_id: str
    text: str
    of: str = ""
    """User id of a colleague; empty for the customer."""
    user_team: str = ""
    kind: Literal["question"] = "question"


@dataclass(frozen=True, slots=True)
class ProposalExpired:
    """A timer: the time to approve a proposal is over; stale when the case has another deadline by then."""

    escalation_id: str
    team_id: str
    expires_at: float
    kind: Literal["expiry"] = "expiry"


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
class HomeOpened:
    """Somebody opened the bot's Home tab."""

    team_id: str
    user_id: str
    event_id: str | None = None
    kind: Literal["home"] = "home"


@dataclass(frozen=True, slots=True)
class StopPressed:
    """Somebody pressed Slack's native Stop, or ours under a live line."""

    thread: ThreadKey
    user_id: str
    event_id: str | None = None
    """Of a press on our button: made of the press."""
    user_team: str = ""
    """The presser's own workspace; empty with Slack's own Stop, which only the asker is shown."""
    kind: Literal["stop"] = "stop"


@dataclass(frozen=True, slots=True)
class Deed:
    """A tool call that was carried out for a conversation before the turn that tells of it."""

    tool: str
    arguments: str
    """Canonical JSON."""
    result: str


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
    deed: Deed | None = None
    """What was done; the answer may say so."""


@dataclass(frozen=True, slots=True)
class CallApproved:
    """The desk's own cause: a person has consented to a tool call, which is now to be made, once."""

    thread: ThreadKey
    escalation_id: str
    digest: str
    """Of the proposal that was approved."""
    by: str
    """User id of whoever approved."""
    by_name: str
    epoch: int | None = None
    """The conversation's owner epoch at the approval; None in rows of an older version."""
    kind: Literal["approved_call"] = "approved_call"


@dataclass(frozen=True, slots=True)
class Woken:
    """The desk's own cause: what waits in a conversation may be taken up, or ended, now."""

    thread: ThreadKey
    cause: str
    """Unique."""
    kind: Literal["woken"] = "woken"


@dataclass(frozen=True, slots=True)
class BudgetAskExpired:
    """A timer: nobody said in time whether a run may spend more; stale when somebody has."""

    escalation_id: str
    team_id: str
    kind: Literal["budget_ask_expired"] = "budget_ask_expired"


@dataclass(frozen=True, slots=True)
class ColleagueSpoke:
    """Somebody who did not begin a conversation wrote in its thread, to the customer as it seems: a take-over, if they
    are staff. The message itself waits on the conversation as any other."""

    thread: ThreadKey
    ts: str
    user_id: str
    author_team: str
    event_id: str | None = None
    kind: Literal["spoke"] = "spoke"


@dataclass(frozen=True, slots=True)
class Reacted:
    """Somebody put an emoji on a message."""

    team_id: str
    channel_id: str
    ts: str
    """Of the message."""
    user_id: str
    name: str
    event_id: str | None = None
    kind: Literal["reaction"] = "reaction"


@dataclass(frozen=True, slots=True)
class Rated:
    """A customer says how a resolved case went."""

    case_id: str
    team_id: str
    user_id: str
    channel_id: str
    thread_ts: str | None
    press_id: str
    stars: int = 0
    """1 to 5; 0: only the comment is new."""
    comment: str = ""
    kind: Literal["rated"] = "rated"


@dataclass(frozen=True, slots=True)
class CaseResolved:
    """The desk's own cause: a person has answered and resolved a case; others may learn from the answer."""

    thread: ThreadKey
    escalation_id: str
    kind: Literal["resolved"] = "resolved"


@dataclass(frozen=True, slots=True)
class LessonChosen:
    """A button under a suggestion; the fields are those of `DecisionMade`."""

    lesson_id: str
    choice: Choice
    team_id: str
    user_id: str
    channel_id: str
    thread_ts: str | None
    press_id: str
    user_team: str = ""
    kind: Literal["lesson"] = "lesson"


Incoming = (
    MessageReceived
    | MessageEdited
    | MessageDeleted
    | DecisionMade
    | ProposalEdited
    | QuestionAsked
    | ProposalExpired
    | CaseDue
    | FeedbackGiven
    | MessagesTabOpened
    | HomeOpened
    | StopPressed
    | CarryOn
    | Woken
    | BudgetAskExpired
    | CallApproved
    | ColleagueSpoke
    | Reacted
    | Rated
    | CaseResolved
    | LessonChosen
)
INCOMING: TypeAdapter[Incoming] = TypeAdapter(Annotated[Incoming, Field(discriminator="kind")])
"""Reads and writes inbox payloads."""


def team_of(incoming: Incoming) -> str:
    """The workspace an event belongs to."""
    if isinstance(incoming, BudgetAskExpired | ProposalEdited | QuestionAsked | ProposalExpired | CaseDue):
        return incoming.team_id
    if isinstance(incoming, DecisionMade | FeedbackGiven | Rated | LessonChosen):
        return incoming.team_id
    if isinstance(incoming, MessagesTabOpened | HomeOpened | Reacted):
        return incoming.team_id
    return incoming.thread.team_id
