"""escalate_to_human: put the case before people."""

from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from pydantic import Field

from bot.domain.escalation import Team
from tools.base import Arguments, Tool, ToolContext, ToolOutput
from tools.resilience import Guard

_DESCRIPTION = (
    "Hand the case to a human colleague. Use it when the person asks for a human, disputes a charge, wants "
    "an exception, reports a security or legal matter, is upset after your answer, or when you searched and do not "
    "know. Call it once per case. The result says what really happened; tell the customer that and no more, and never "
    "promise when a person will answer."
)
_SORRY = (
    "The case could not be put before a person right now. Do not say that anybody was told. Tell the customer honestly "
    "that handing over did not work, and that they can write `handoff` to ask for a person directly."
)

_EXAMPLE = (
    '{"reason": "She disputes a charge.", "summary": "Ana was charged INV-2026-15477 twice and wants one back.", '
    '"suggested_team": "billing", "proposed_reply": ""}'
)


class EscalateArguments(Arguments):
    """A case for a person."""

    reason: Annotated[
        str,
        Field(min_length=3, max_length=300, description="Why a person is needed, one sentence, 3 to 300 characters."),
    ]
    summary: Annotated[
        str,
        Field(
            min_length=10,
            max_length=4000,
            description="For somebody who has not read the thread: who, what they want, what you found and did, "
            "what is open. Numbers and dates exactly. 10 to 4000 characters.",
        ),
    ]
    suggested_team: Annotated[
        Literal["billing", "engineering", "account_management", "none"],
        Field(
            description="billing: money; engineering: faults; account_management: contracts, large accounts; "
            "none: not clear."
        ),
    ] = "none"
    proposed_reply: Annotated[
        str,
        Field(
            max_length=12_000,
            description="The complete answer to the customer if you have one that only needs a person's consent; "
            "it is sent word by word when approved. Empty string when there is none.",
        ),
    ] = ""


@dataclass(frozen=True, slots=True)
class EscalationRequest:
    """What the model wants to put before people."""

    reason: str
    summary: str
    team: Team | None
    proposed_reply: str
    """Empty when there is none."""


class EscalationDesk(Protocol):
    """Where cases are put before people."""

    async def escalate(self, request: EscalationRequest, context: ToolContext) -> str:
        """Open a case, once per `context.key` whatever is retried; returns what the model is to know about it."""
        ...


class EscalateToHuman:
    """The tool's work."""

    def __init__(self, desk: EscalationDesk, guard: Guard) -> None:
        self._desk = desk
        self._guard = guard

    def tool(self) -> Tool[EscalateArguments]:
        """As the catalogue lists it."""
        return Tool(
            "escalate_to_human", _DESCRIPTION, EscalateArguments, self.run, "Asking a colleague",
            safe_to_repeat=True, examples=(_EXAMPLE,),
        )  # fmt: skip

    async def run(self, arguments: EscalateArguments, context: ToolContext) -> ToolOutput:
        """Put the case before people and say what became of it."""
        team = None if arguments.suggested_team == "none" else Team(arguments.suggested_team)
        request = EscalationRequest(arguments.reason, arguments.summary, team, arguments.proposed_reply)
        text = await self._guard.call(lambda: self._desk.escalate(request, context), context, sorry=_SORRY)
        return ToolOutput(text, note=f"to {arguments.suggested_team}: {arguments.reason}")
