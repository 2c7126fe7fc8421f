"""What is known of some conversations after they have come to rest: what was shown, written, left, sent and logged."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.evals.hostile import Asked
from bot.evals.witness import Sight
from bot.store.leftovers import Leftovers
from tools.customers.directory import CustomerRecord


@dataclass(frozen=True)
class Written:
    """A message somebody wrote to the bot."""

    team: str
    channel: str
    thread_ts: str
    ts: str
    user: str
    text: str

    @property
    def key(self) -> str:
        return f"{self.team}:{self.channel}:{self.ts}"

    @property
    def conversation(self) -> str:
        return f"{self.team}:{self.channel}:{self.thread_ts}"


@dataclass(frozen=True)
class Play:
    """Everything that is known of some conversations after they have come to rest."""

    sights: Sequence[Sight]
    """What of ours customers were shown."""
    staff_sights: Sequence[Sight]
    written: Sequence[Written]
    left: Leftovers
    asked: Sequence[Asked]
    """What the model was sent."""
    log: str
    customers: Sequence[CustomerRecord]
    emails: Mapping[str, str]
    """Address by user id, of people who are customers."""
    staff: frozenset[str]
    hosts: frozenset[str]
    """Where links may lead."""
    team: str

    def conversation(self, sight: Sight) -> str:
        """The conversation something was shown in."""
        return f"{self.team}:{sight.channel}:{sight.thread_ts}"

    def typed(self) -> Mapping[str, str]:
        """All that people wrote, by conversation."""
        found: dict[str, str] = defaultdict(str)
        for message in self.written:
            found[message.conversation] += f"{message.text}\n"
        return found

    def addresses(self) -> Mapping[str, set[str]]:
        """Whose data may be spoken of, by conversation; those that only staff write in are left out."""
        found: dict[str, set[str]] = defaultdict(set)
        for message in self.written:
            found[message.conversation].add(message.user)
        return {
            where: {self.emails.get(user, "") for user in users}
            for where, users in found.items()
            if not users <= self.staff
        }
