"""Conversations and who owns them."""

from dataclasses import dataclass
from enum import StrEnum


class Surface(StrEnum):
    """Where a conversation lives."""

    DM = "dm"
    CHANNEL = "channel"


class Standing(StrEnum):
    """Who is in charge of a conversation."""

    BOT = "bot"
    HUMAN = "human"
    CLOSED = "closed"
    """Resolved; opens again with the next customer message."""


@dataclass(frozen=True, slots=True)
class ThreadKey:
    """One Slack thread; in a DM one root message and its replies."""

    team_id: str
    channel_id: str
    thread_ts: str

    @property
    def id(self) -> str:
        """The conversation's id, `T…:C…:ts`."""
        return f"{self.team_id}:{self.channel_id}:{self.thread_ts}"

    @classmethod
    def parse(cls, conversation_id: str) -> "ThreadKey":
        """The key behind an id; ValueError when it is none."""
        team, channel, ts = conversation_id.split(":")
        return cls(team, channel, ts)


@dataclass(frozen=True, slots=True)
class Conversation:
    """One thread with its owner; `epoch` rises with every change of owner, and what the bot sends carries it."""

    key: ThreadKey
    surface: Surface
    standing: Standing
    owner: str | None
    """User id of the person in charge while standing is HUMAN."""
    epoch: int
    profile: str
    """Name of the agent profile it was opened with."""
    prompt_version: str
    """Hash of prompt and tools it was opened with; empty until the first run pins it."""
    opened_by: str
    """User id of the customer."""
    opened_at: float
    language: str = ""
    """In which its customer reads, ISO 639-1; empty while it is not known."""

    @property
    def id(self) -> str:
        """Same as `key.id`."""
        return self.key.id


class Speaker(StrEnum):
    """Who said a line of the transcript."""

    CUSTOMER = "customer"
    BOT = "bot"
    PERSON = "person"
    NOTE = "note"
    """What happened around the talk (handed back, approved), for the model's eyes."""


RETOLD = "retold"
"""Name of a note that holds words of the customer: it tells what was said, and is no proof that it is so."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the transcript that is replayed to the model in later runs."""

    speaker: Speaker
    name: str
    text: str
    at: float
