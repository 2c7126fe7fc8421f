"""Tool calls of the offline model: arguments that fit whatever schema the tool has."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from bot.domain.exchange import ModelRequest, ToolUse
from bot.model.offline_turn import Turn

Json = dict[str, Any]

_CATEGORIES = {
    "billing": r"invoic|bill|charg|refund|pay|price|cost|plan|vat|card",
    "account": r"log ?in|sign ?in|password|e-?mail|account|member|seat|2fa|sso",
    "technical": r"bug|error|crash|broken|fail|sync|api|slow|not work|doesn.t work|500|404|load",
}
_TEAMS = {"billing": "billing", "technical": "engineering", "account": "account_management"}
_URGENT = re.compile(r"\b(urgent|asap|immediately|right now|emergency|critical|down for everyone)\b", re.I)


def tool_use(request: ModelRequest, name: str, known: Mapping[str, object]) -> ToolUse:
    """A call of a tool the request offers, its id a hash of place and arguments."""
    spec = next(tool for tool in request.tools if tool.name == name)
    arguments = json.dumps(filled(json.loads(spec.schema), known), ensure_ascii=False)
    digest = hashlib.sha256(f"{len(request.messages)}\0{name}\0{arguments}".encode("utf-8", "replace")).hexdigest()
    return ToolUse(f"toolu_offline_{digest[:20]}", name, arguments)


def filled(schema: Json, known: Mapping[str, object]) -> Json:
    """An object of this schema: the known values where they fit, the emptiest ones elsewhere."""
    definitions = schema.get("$defs", {})
    return {
        name: _value(_resolved(node, definitions), known.get(name), definitions)
        for name, node in schema.get("properties", {}).items()
    }


def category_of(text: str) -> str:
    """billing, account, technical or product."""
    found = (name for name, words in _CATEGORIES.items() if re.search(words, text, re.I))
    return next(found, "product")


def team_of(text: str) -> str | None:
    """The team a case of this kind goes to, None for the default."""
    return _TEAMS.get(category_of(text))


def ticket(turn: Turn) -> Json:
    """Arguments of `create_ticket`."""
    line = " ".join(turn.question.split())
    return {
        "customer_email": turn.email,
        "subject": line[:80],
        "body": f"The customer wrote: {turn.question[:2000]}",
        "priority": "high" if _URGENT.search(turn.question) else "medium",
        "category": category_of(turn.question),
    }


def refund(turn: Turn) -> Json:
    """Arguments of `issue_refund`."""
    line = " ".join(turn.question.split())
    return {"customer_email": turn.email, "amount_usd": turn.amount, "reason": f"The customer wrote: {line[:400]}"}


def case(turn: Turn, reason: str, *, team: str | None = None, proposed_reply: str = "") -> Json:
    """Arguments of `escalate_to_human`."""
    who = " ".join(part for part in (turn.name, f"({turn.email})" if turn.email else "") if part) or "The customer"
    tried = f" Tried so far: {', '.join(turn.done)}." if turn.done else " Nothing was tried before."
    return {
        "reason": reason,
        "summary": f"{who} wrote: “{turn.question[:1500]}”{tried} Written in offline mode, without a language model.",
        "suggested_team": team or team_of(turn.question),
        "proposed_reply": proposed_reply,
    }


def _resolved(node: Json, definitions: Json) -> Json:
    name = node.get("$ref", "").rpartition("/")[2]
    return definitions.get(name, node) if name else node


def _value(node: Json, known: Any, definitions: Json) -> Any:
    choices = [_resolved(n, definitions) for n in node.get("anyOf", [])]
    if choices:
        fitting = [c for c in choices if known is not None and _fits(c, known)]
        empty = next((c for c in choices if c.get("type") == "null"), choices[0])
        return _value(fitting[0] if fitting else empty, known, definitions)
    if known is not None and _fits(node, known):
        return known
    return _emptiest(node)


def _fits(node: Json, value: Any) -> bool:
    if "enum" in node:
        return value in node["enum"]
    if "const" in node:
        return bool(value == node["const"])
    kinds = {"string": str, "boolean": bool, "number": int | float, "integer": int, "array": list, "object": dict}
    types = node.get("type", "string")
    return any(isinstance(value, kinds[t]) for t in ([types] if isinstance(types, str) else types) if t in kinds)


def _emptiest(node: Json) -> Any:
    if "enum" in node:
        return next((v for v in node["enum"] if v in (None, "any", "none", "")), node["enum"][0])
    if "const" in node:
        return node["const"]
    types = node.get("type", "string")
    if "null" in types:
        return None
    kind = types if isinstance(types, str) else types[0]
    return {"string": "", "boolean": False, "number": 0, "integer": 0, "array": [], "object": {}}.get(kind)
