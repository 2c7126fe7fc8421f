"""Calls that wait for consent, from the approver's side: their fields in a form, their edited form, their run."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from bot.agent.policy import Policy
from bot.domain.escalation import GatedCall
from bot.domain.principal import Principal, Role
from bot.domain.redaction import Redactors
from bot.domain.revision import CallField
from tools.base import AnyTool, ToolContext, ToolError, ToolOutput, canonical_json

_MOST_OPTIONS = 100
"""Of a choice in a form; Slack takes no more."""
_GONE = "There is no tool named {!r} any more. Deny this, or take over."
_ANOTHER = "{} has become another tool since it was put before people. Nothing was done; the agent has to ask again."


class GatedCalls:
    """Knows the tools that calls are about."""

    def __init__(self, tools: Mapping[str, AnyTool], policy: Policy, redactors: Redactors | None = None) -> None:
        """`tools`: by name; those of others may come and go."""
        self._tools = tools
        self._policy = policy
        self._redactors = redactors or Redactors()

    @property
    def policy_version(self) -> str:
        """Of the policy in force; approvals given under another one no longer hold."""
        return self._policy.version

    def fields_of(self, call: GatedCall) -> tuple[CallField, ...]:
        """The arguments in the tool's own order; empty when there is no such tool any more."""
        tool = self._tools.get(call.tool)
        if tool is None:
            return ()
        schema = json.loads(tool.spec.schema)
        values = json.loads(call.arguments)
        names = [name for name in tool.arguments.names() if name in schema["properties"]]
        return tuple(
            _field(name, schema["properties"][name], schema.get("$defs", {}), values.get(name)) for name in names
        )

    async def edited(self, call: GatedCall, arguments: Mapping[str, object], context: ToolContext) -> GatedCall:
        """The call with these arguments instead (those not named stay); ToolError says which are wrong, or why it could
        not work: the same is asked of the tool as before the call was put before people.

        It is a call of its own, with another digest, under the policy in force. `context`: as it would be run; while
        Slack does not tell for whom, the tool is asked by the run only.
        """
        tool = self._tool(call)
        context = tool.stamped(context)
        parsed = tool.parse(json.dumps({**json.loads(call.arguments), **arguments}))
        is_known = context.principal.email is not None
        ready = await tool.prepare(parsed, context) if tool.prepare and is_known else parsed
        canonical = canonical_json(ready)
        rule = self._policy.gate_for(call.tool, canonical, _principal(call))
        return replace(
            call, arguments=canonical, policy=self._policy.version, why=rule.why if rule else call.why,
            tool_version=tool.version,
        )  # fmt: skip

    async def run(self, call: GatedCall, context: ToolContext) -> ToolOutput:
        """Run exactly the call; ToolError as the tool raises it, or when the tool is not the one people looked at.

        `context.is_consented` is the caller's to set.
        """
        tool = self._tool(call)
        if tool.version != call.tool_version:
            raise ToolError(_ANOTHER.format(call.tool))
        output = await tool.run(tool.parse(call.arguments), tool.stamped(context))
        redactor = self._redactors.of(call.profile).sparing(context.principal.email)
        if isinstance(output.content, str):
            output = replace(output, content=redactor.redact_json(output.content))
        return replace(output, note=redactor.redact(output.note))

    def _tool(self, call: GatedCall) -> AnyTool:
        tool = self._tools.get(call.tool)
        if tool is None:
            raise ToolError(_GONE.format(call.tool))
        return tool


def _field(name: str, node: Mapping[str, Any], definitions: Mapping[str, Any], value: object) -> CallField:
    hint = str(node.get("description", ""))
    target = definitions.get(str(node.get("$ref", "")).rpartition("/")[2], node)
    label = name.replace("_", " ").capitalize().replace(" usd", " (USD)")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) if value is not None else ""
    options = tuple(str(option) for option in target.get("enum", ()))
    if 0 < len(options) <= _MOST_OPTIONS and all(option.strip() for option in options):
        return CallField(name, label, "choice", text, options, hint)
    kind: Literal["text", "number"] = "number" if target.get("type") in ("number", "integer") else "text"
    return CallField(name, label, kind, text, hint=hint)


def _principal(call: GatedCall) -> Principal:
    """Enough of the principal for the policy."""
    team, _, user = call.principal.partition(":")
    return Principal(team, user, Role(call.role) if call.role else Role.CUSTOMER, "", None)
