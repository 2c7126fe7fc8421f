"""Results of evaluations: what was tried, and what became of each case."""

from dataclasses import dataclass
from decimal import Decimal

from bot.domain.intervals import Interval, wilson
from bot.domain.money import ZERO


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One run over a set of cases. A case passes when it passes in every epoch."""

    id: str
    at: float
    """Unix seconds of its begin."""
    set_name: str
    prompt_version: str
    """Of the profile that answered, as conversations carry it."""
    prompts_digest: str
    """Of everything in the folder of prompts."""
    model: str
    judge: str
    """Model that judged what code cannot; empty: nobody did."""
    epochs: int
    cases: int
    passed: int
    flaky: int
    """Cases that passed in some epochs and failed in others."""
    cost: Decimal = ZERO
    """USD, judge included."""
    seconds: float = 0.0
    """From begin to end, cases side by side."""
    ended: str = ""
    """Why it ended before all cases were played, e.g. at its limit of money; empty: it did not."""
    folder: str = ""
    """Where its report and its database lie."""
    team_id: str = ""
    """Empty: the operator's own workspace."""

    @property
    def interval(self) -> Interval:
        """Where the share of passed cases lies with 95 % confidence (Wilson)."""
        return wilson(self.passed, self.cases)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case in one epoch."""

    evaluation_id: str
    case_id: str
    epoch: int
    """From 1."""
    family: str
    passed: bool
    score: float
    """Share of its checks that held, 0 to 1."""
    why: str
    """One sentence per check that did not hold."""
    cost: Decimal
    tokens: int
    steps: int
    """Model calls of the agent."""
    seconds: float
    """From the first message to the last sign of the bot."""
    conversation_id: str = ""
    """In the evaluation's own database."""
    run_id: str = ""
    """The last one there."""
    needs_model: bool = False
    """Whether only a real model can be expected to pass it."""
