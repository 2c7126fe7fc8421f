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

_MOST_FIELDS = 90
"""Of a form, so that its end fits into Slack's 100 blocks, too. What has no field stays as it is."""
_MOST_OPTIONS = 100
"""Of a choice in a form; Slack takes no more."""
_LONGEST_OPTION = 75
"""Characters; likewise."""
_GONE = "There is no tool named {!r} any more. Deny this, or take over."
_ANOTHER = "{} has become another tool since it was put before people. Let the agent ask again, or do it by hand."


class NotThatToolError(ToolError):
    """The tool is not what it was when the call was put before people: consent to it would be consent to another."""


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
        """The arguments in the tool's own order; NotThatToolError when the call can be made no more."""
        tool = self._tool(call)
        schema = json.loads(tool.spec.schema)
        values = json.loads(call.arguments)
        names = [name for name in tool.arguments.names() if name in schema["properties"]][:_MOST_FIELDS]
        return tuple(
            _field(name, schema["properties"][name], schema.get("$defs", {}), values.get(name)) for name in names
        )

    async def edited(self, call: GatedCall, arguments: Mapping[str, object], context: ToolContext) -> GatedCall:
        """The call with these arguments instead; those not named stay, and a field left empty adds none.

        ToolError says which are wrong, or why it could not work: the same is asked of the tool as before the call was
        put before people. NotThatToolError as above.

        It is a call of its own, with another digest, under the policy in force, and of the tool that people looked at.
        `context`: as it would be run; while Slack does not tell for whom, the tool is asked by the run only.
        """
        tool = self._tool(call)
        context = tool.stamped(context)
        given = json.loads(call.arguments)
        changed = {name: one for name, one in arguments.items() if one != "" or given.get(name) is not None}
        parsed = tool.parse(json.dumps({**given, **changed}))
        is_known = context.principal.email is not None
        ready = await tool.prepare(parsed, context) if tool.prepare and is_known else parsed
        canonical = canonical_json(ready)
        rule = self._policy.gate_for(call.tool, canonical, _principal(call))
        return replace(call, arguments=canonical, policy=self._policy.version, why=rule.why if rule else call.why)

    async def run(self, call: GatedCall, context: ToolContext) -> ToolOutput:
        """Run exactly the call; ToolError as the tool raises it, NotThatToolError as above.

        `context.is_consented` is the caller's to set.
        """
        tool = self._tool(call)
        output = await tool.run(tool.parse(call.arguments), tool.stamped(context))
        redactor = self._redactors.of(call.profile).sparing(context.principal.email)
        if isinstance(output.content, str):
            output = replace(output, content=redactor.redact_json(output.content))
        return replace(output, note=redactor.redact(output.note))

    def _tool(self, call: GatedCall) -> AnyTool:
        """The tool that people looked at."""
        tool = self._tools.get(call.tool)
        if tool is None:
            raise NotThatToolError(_GONE.format(call.tool))
        if tool.version != call.tool_version:
            raise NotThatToolError(_ANOTHER.format(call.tool))
        return tool


def _field(name: str, node: Mapping[str, Any], definitions: Mapping[str, Any], value: object) -> CallField:
    hint = str(node.get("description", ""))
    named = definitions.get(str(node.get("$ref", "")).rpartition("/")[2])
    target = named if isinstance(named, Mapping) else node
    label = name.replace("_", " ").capitalize().replace(" usd", " (USD)")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) if value is not None else ""
    options = tuple(target.get("enum", ()))
    if 0 < len(options) <= _MOST_OPTIONS and all(map(_is_option, options)):
        return CallField(name, label, "choice", text, options, hint)
    kind: Literal["text", "number"] = "number" if target.get("type") in ("number", "integer") else "text"
    return CallField(name, label, kind, text, hint=hint)


def _is_option(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= len(value) <= _LONGEST_OPTION


def _principal(call: GatedCall) -> Principal:
    """Enough of the principal for the policy."""
    team, _, user = call.principal.partition(":")
    return Principal(team, user, Role(call.role) if call.role else Role.CUSTOMER, "", None)
