"""Where the dashboard's lists come from. Everything is of one workspace, and no answer holds more than it can show."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.domain.browsing import (
    BreakerRow,
    BudgetView,
    CaseRow,
    CasesPage,
    ConversationFilter,
    ConversationPage,
    ConversationRecord,
    KnowledgeView,
    Position,
    PromptText,
)
from bot.domain.evaluation import CaseResult, Evaluation
from bot.domain.service import Service


class ConversationShelf(Protocol):
    """Conversations to look through."""

    async def search(
        self, team_id: str, wanted: ConversationFilter, *, after: Position | None = None
    ) -> ConversationPage:
        """Those that match, the newest first."""
        ...

    async def record(self, team_id: str, conversation_id: str) -> ConversationRecord | None:
        """Everything of one; None when there is none of this id in this workspace."""
        ...

    async def version(self, team_id: str, conversation_id: str) -> int:
        """Rises when there is something new in the record; 0 for an unknown conversation."""
        ...


class CaseShelf(Protocol):
    """Cases before people."""

    async def cases(self, team_id: str, *, now: float, after: Position | None = None) -> CasesPage:
        """All that are live, and a page of those that are not."""
        ...

    async def live(self, team_id: str) -> Sequence[CaseRow]:
        """Those that are live, and no others."""
        ...


class KnowledgeShelf(Protocol):
    """The help centre as an author looks at it."""

    async def knowledge(self, team_id: str, *, since: float, stale_before: str) -> KnowledgeView:
        """Questions and citations since a moment; articles not updated since `stale_before`, an ISO date."""
        ...


class BudgetShelf(Protocol):
    """Limits and their history."""

    async def budgets(self, team_id: str, *, now: float, zone: str) -> BudgetView:
        """As they stand; `zone` (IANA name): whose days, weeks and months count."""
        ...


class PromptShelf(Protocol):
    """What the model was told."""

    async def texts(self, team_id: str, versions: Sequence[str]) -> tuple[PromptText, ...]:
        """Those of the versions that some conversation of the workspace was opened with."""
        ...


class EvaluationShelf(Protocol):
    """How prompts were tried."""

    async def tried(self, team_id: str, versions: Sequence[str]) -> tuple[Evaluation, ...]:
        """Of each version the last evaluation of each set and model."""
        ...

    async def failed(self, team_id: str, evaluation: Evaluation, most: int) -> tuple[CaseResult, ...]:
        """The first cases of one that did not pass."""
        ...


class BreakerShelf(Protocol):
    """Circuit breakers, which all workspaces share."""

    async def breakers(self) -> tuple[BreakerRow, ...]:
        """By name."""
        ...


class Around(Protocol):
    """What is known around rows: by Slack, which is asked only for a moment, and by the settings."""

    async def people(self, team_id: str, user_ids: Collection[str]) -> Mapping[str, str]:
        """Names by id, of those that Slack told in time."""
        ...

    async def channels(self, team_id: str, channel_ids: Collection[str]) -> Mapping[str, str]:
        """Names of channels by id, likewise, without #."""
        ...

    async def link(self, conversation_id: str) -> str:
        """Of the thread in Slack; empty when Slack did not tell in time."""
        ...

    async def service(self, team_id: str) -> Service:
        """How long cases of the workspace may wait."""
        ...


@dataclass(frozen=True, slots=True)
class Browsing:
    """All of them."""

    conversations: ConversationShelf
    cases: CaseShelf
    knowledge: KnowledgeShelf
    budgets: BudgetShelf
    prompts: PromptShelf
    evaluations: EvaluationShelf
    breakers: BreakerShelf
