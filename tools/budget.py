"""limit_own_budget: the agent sets itself a smaller budget for its run. Never a larger one: that is for people."""

import math
from decimal import Decimal
from typing import Annotated, Protocol

from pydantic import BeforeValidator, Field, WithJsonSchema

from tools.base import Arguments, Tool, ToolContext, ToolOutput

_DESCRIPTION = (
    "Set yourself a smaller budget for the question you are working on. Use it when the person asks you to keep it "
    "cheap, or when you see that the rest is worth only so much. It can only be lowered, by nobody's leave; when it is "
    "used up, people are asked whether you may go on. Customers need not hear of it."
)


def _dollars(value: object) -> Decimal:
    """A plain, finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        raise ValueError("write it as a plain number of dollars, e.g. 0.25")
    return Decimal(str(value))


class BudgetArguments(Arguments):
    """What may be spent from now on."""

    usd: Annotated[
        Decimal,
        BeforeValidator(_dollars),
        Field(gt=0, le=1000, description="US dollars you may still spend on this question, e.g. 0.25."),
        WithJsonSchema(
            {"type": "number", "description": "US dollars you may still spend on this question, e.g. 0.25."}
        ),
    ]


class RunBudget(Protocol):
    """Whoever keeps the limits."""

    async def tighten(self, usd: Decimal, context: ToolContext) -> str:
        """Let the run spend at most so much more; what to tell the model. ToolError when that would be more."""
        ...


class LimitOwnBudget:
    """The tool over the desk's limits."""

    def __init__(self, budget: RunBudget) -> None:
        self._budget = budget

    def tool(self) -> Tool[BudgetArguments]:
        """As the agent gets it."""
        return Tool(
            "limit_own_budget", _DESCRIPTION, BudgetArguments, self._tighten, "Setting a budget",
            safe_to_repeat=True, examples=('{"usd": 0.25}',),
        )  # fmt: skip

    async def _tighten(self, arguments: BudgetArguments, context: ToolContext) -> ToolOutput:
        return ToolOutput(await self._budget.tighten(arguments.usd, context))
