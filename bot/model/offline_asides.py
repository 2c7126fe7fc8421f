"""The offline model as judge and as writer of summaries: counted words instead of understanding."""

import json
import re
from typing import Any

from bot.domain.exchange import ModelRequest, Text, UserMessage
from bot.model.offline_says import sign
from bot.model.offline_tools import filled
from bot.model.offline_words import sentences, stems
from prompts import LANGUAGES

_WELL_COVERED = 0.6
_BRIEF_WORDS = 60
_SUMMARY_CHARS = 600
_DEEDS = {
    r"\b(opened|created|filed)\b.{0,40}\bticket\b": "create_ticket",
    r"\b(asked|told|informed|alerted|escalated|handed|passed|forwarded)\b.{0,60}\b(colleague|team|human|person)": (
        "escalate_to_human"
    ),
    r"\bI(?: have|.ve)? (?:just )?refunded\b": "issue_refund",
}
"""Claimed deeds and the tool that must have been run for each."""
_IMPOSSIBLE = re.compile(r"\bI(?: have|.ve)? (?:just )?(cancell?ed|deleted|upgraded|downgraded|e-?mailed)\b", re.I)


def judged(request: ModelRequest) -> str:
    """A verdict that fits the wanted schema: the reply's words and numbers must stand in what the tools returned."""
    case = _case(request)
    reply = str(case.get("reply", ""))
    for language in LANGUAGES:
        reply = reply.replace(sign(language), "")
    tools = _tools(case)
    results = " ".join(str(tool.get("result", "")) for tool in tools)
    grounded, confidence = _grounded(reply, f"{case.get('question', '')} {results}")
    kept = _promises_kept(reply, {str(tool.get("tool")) for tool in tools if not _is_open(tool)}, quotable=results)
    verdict = {
        "grounded": grounded,
        "promises_kept": kept,
        "confidence": confidence if kept else 0.2,
        "reason": f"Offline check of words and numbers: {'found' if grounded else 'not all found'} in the sources.",
    }
    return json.dumps(filled(json.loads(request.output_schema or "{}"), verdict) or verdict)


def summed_up(request: ModelRequest) -> str:
    """The first sentences of what the customer wrote and of what was found."""
    case = _case(request)
    if isinstance(talk := case.get("talk"), list):
        return " ".join(f"{one.get('who')}: “{one.get('words')}”" for one in talk[-4:] if isinstance(one, dict))
    question = " ".join(sentences(str(case.get("customer", "")))[:2]) or " ".join(sentences(_last_text(request))[:2])
    found = ((tool.get("tool"), sentences(str(tool.get("result", "")))) for tool in _tools(case))
    lines = [f"{name} returned: {result[0][:150]}" for name, result in found if result]
    return " ".join([f"The customer wrote: “{question[:300]}”", *lines])[:_SUMMARY_CHARS]


def _grounded(reply: str, sources: str) -> tuple[bool, float]:
    said, known = set(stems(reply)), set(stems(sources))
    share = len(said & known) / len(said) if said else 1.0
    unknown_numbers = {word for word in said if word.isdigit()} - known
    if unknown_numbers:
        return False, 0.2
    if share >= _WELL_COVERED:
        return True, 0.9
    return (True, 0.75) if len(reply.split()) <= _BRIEF_WORDS else (False, 0.4)


def _promises_kept(reply: str, tools: set[str], *, quotable: str) -> bool:
    """What stands in the results word for word is told by an article and claims nothing of ours."""
    claimed = [tool for claim, tool in _DEEDS.items() if _claims(claim, reply, quotable)]
    return all(tool in tools for tool in claimed) and not _IMPOSSIBLE.search(reply)


def _claims(claim: str, reply: str, quotable: str) -> bool:
    return any(found[0] not in quotable for found in re.finditer(claim, reply, re.I))


def _is_open(tool: dict[str, Any]) -> bool:
    """Whether a call waits for a person's consent."""
    return str(tool.get("result", "")).startswith("Not done")


def _case(request: ModelRequest) -> dict[str, Any]:
    try:
        case = json.loads(_last_text(request))
    except ValueError:
        return {}
    return case if isinstance(case, dict) else {}


def _tools(case: dict[str, Any]) -> list[dict[str, Any]]:
    tools = case.get("tools")
    return [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []


def _last_text(request: ModelRequest) -> str:
    said = [
        part.text
        for message in request.messages
        if isinstance(message, UserMessage)
        for part in message.content
        if isinstance(part, Text)
    ]
    return said[-1] if said else ""
