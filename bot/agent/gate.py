"""The gate before the tools: what the policy asks about is not run but put before people.

The ruling is made on the very arguments that would be run, after the tool has validated them, so there are no two
readings of one text. Arguments that do not validate, and calls that could not work anyway (somebody else's account,
more than was paid), are the model's to mend: nobody is asked about them.
"""

from dataclasses import replace
from typing import Protocol

from bot.agent.policy import Policy, Rule
from bot.domain.escalation import GatedCall, Team
from tools.base import AnyTool, Arguments, ConsentNeededError, ToolContext, ToolOutput, canonical_json


class ConsentDesk(Protocol):
    """Where calls are put before people."""

    async def propose(self, call: GatedCall, context: ToolContext, team: Team | None) -> str:
        """Ask for consent to exactly this call, once; what the model is to know about it. ToolError when it cannot be
        asked for, e.g. because something else of the conversation waits already."""
        ...


class Gate:
    """Runs a tool, or has people asked about it."""

    def __init__(self, policy: Policy, desk: ConsentDesk) -> None:
        self._policy = policy
        self._desk = desk

    async def run(self, tool: AnyTool, arguments: str, context: ToolContext) -> ToolOutput:
        """What the tool returns, or that a person must consent first; ToolError as the tool raises it."""
        parsed: Arguments = tool.parse(arguments)
        ruling = self._policy.ruling(tool.name, canonical_json(parsed), context.principal)
        rule = ruling.rule or (ruling.beyond if not tool.arguments.summed else None)  # who cannot add up must ask
        if rule is not None:
            return await self._ask(tool, parsed, rule, context)
        try:
            return await tool.run(parsed, replace(context, allowance=ruling.allowance))
        except ConsentNeededError:
            if ruling.beyond is None:
                raise
            return await self._ask(tool, parsed, ruling.beyond, context)

    async def _ask(self, tool: AnyTool, arguments: Arguments, rule: Rule, context: ToolContext) -> ToolOutput:
        ready = await tool.prepare(arguments, context) if tool.prepare else arguments
        who = context.principal
        call = GatedCall(
            tool.name, canonical_json(ready), f"{who.team_id}:{who.user_id}", context.profile, self._policy.version,
            rule.why, who.role.value, tool.version,
        )  # fmt: skip
        told = await self._desk.propose(call, context, rule.team)
        return ToolOutput(told, note=f"waits for consent: {rule.why}", is_pending=True)
