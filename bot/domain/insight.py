"""What the overview shows: a workspace's figures by day, and what each of them means.

Figures are sums of counts (see `bot.store.insight`), so those of any days, channels and prompt versions can be added.
What a figure means stands in `MEANINGS`, which the page shows beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from bot.domain.answer import Outcome
from bot.domain.histogram import MOST_OFF, Histogram
from bot.domain.money import from_micro
from bot.domain.reports import Gauge

DIRECT = "dm"
"""Stands for the channel of every direct conversation."""

MEANINGS: Mapping[str, str] = {
    "resolved": "The bot answered, no person took part, no case was opened, and the customer did not press "
    "“not helpful” last. Counted for the day the conversation began; it is taken back when the customer comes back "
    "and a person is needed after all, so the last days may still fall.",
    "involved": "A person decided something, answered the customer or was in charge, for whatever reason.",
    "escalated": "A case was put before people.",
    "sign": "From the customer's message, as it reached us, to the first thing they saw of us.",
    "answer": "From the customer's message, as it reached us, to the answer (or to the word that a person will).",
    "percentile": f"Read from buckets: at most {MOST_OFF:.0%} off.",
    "cost": "All calls of models for these conversations, those that judge and sum up included.",
    "steps": "Model calls of the agent itself.",
}
"""In words, by name of the figure."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which conversations a page is about; an empty word is any."""

    first: date
    last: date
    """Inclusive."""
    channel_id: str = ""
    """`DIRECT` for direct conversations."""
    profile: str = ""
    prompt_version: str = ""

    @property
    def days(self) -> int:
        """How many days there are in it."""
        return (self.last - self.first).days + 1

    def before(self) -> "Selection":
        """As many days, just before these."""
        from_there = timedelta(days=self.days)
        return Selection(
            self.first - from_there, self.last - from_there, self.channel_id, self.profile, self.prompt_version
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over some conversations. `counts` by name, see the properties; money in micro-dollars."""

    counts: Mapping[str, int] = field(default_factory=dict)

    def get(self, name: str) -> int:
        """A sum; 0 when nothing was counted."""
        return self.counts.get(name, 0)

    @property
    def conversations(self) -> int:
        """That began."""
        return self.get("conversations")

    @property
    def resolved(self) -> int:
        """See MEANINGS."""
        return self.get("resolved")

    @property
    def escalated(self) -> int:
        """See MEANINGS."""
        return self.get("escalated")

    @property
    def involved(self) -> int:
        """See MEANINGS."""
        return self.get("involved")

    def share(self, name: str) -> float | None:
        """Share of the conversations; None when there are none."""
        return self.get(name) / self.conversations if self.conversations else None

    @property
    def runs(self) -> Mapping[Outcome, int]:
        """Runs by how they ended."""
        return {outcome: count for outcome in Outcome if (count := self.get(f"run.{outcome}"))}

    @property
    def steps_each(self) -> float | None:
        """Steps of a conversation, over all its runs; None without any."""
        return self.get("steps.all") / self.conversations if self.conversations else None

    @property
    def tokens(self) -> int:
        """Of all kinds."""
        return sum(count for name, count in self.counts.items() if name.startswith("tokens."))

    @property
    def spent(self) -> Decimal:
        """USD, by the day on which it was spent."""
        return from_micro(self.get("spent"))

    def cost(self, name: str) -> Decimal:
        """USD of the `resolved`, the `escalated` or `all` conversations that began."""
        return from_micro(self.get(f"cost.{name}"))

    @property
    def cost_per_conversation(self) -> Decimal | None:
        """USD that a conversation cost on average; None without any."""
        return self.cost("all") / self.conversations if self.conversations else None

    @property
    def stars_each(self) -> float | None:
        """Average of the ratings after cases; None without any."""
        return self.get("stars") / self.get("rated") if self.get("rated") else None

    def cost_each(self, name: str) -> Decimal | None:
        """USD that a resolved (or escalated) conversation cost on average; None without any."""
        count = self.get(name)
        return self.cost(name) / count if count else None

    @property
    def liked(self) -> int:
        """Answers marked as helpful."""
        return self.get("up")

    @property
    def disliked(self) -> int:
        """Answers marked as not helpful."""
        return self.get("down")

    def waits(self, name: str) -> Histogram:
        """Times to the first `sign`, or to the `answer`."""
        prefix = f"{name}."
        found = {int(key[len(prefix) :]): n for key, n in self.counts.items() if key.startswith(prefix)}
        return Histogram(found)


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from."""

    channels: tuple[str, ...] = ()
    """Ids, and DIRECT."""
    profiles: tuple[str, ...] = ()
    prompt_versions: tuple[str, ...] = ()
    """The newest first."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything on the first page."""

    selection: Selection
    total: Figures
    before: Figures
    """Of as many days before."""
    days: tuple[tuple[date, Figures], ...]
    """Every day of the selection, oldest first."""
    gauges: tuple[Gauge, ...] = ()
    """The workspace's money against its limits; not narrowed down by the selection."""
    choices: Choices = Choices()
    version: int = 0
    """Rises with every change of a figure of this workspace."""
    waiting: int = 0
    """Changes that are not counted yet."""


@dataclass(frozen=True, slots=True)
class ToolDay:
    """Use of one tool on one day."""

    tool: str
    day: date
    figures: Figures
    """`calls`, `failed.CLASS`, `took.BUCKET`."""
