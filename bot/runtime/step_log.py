"""The record of steps as log lines: one `trace.step` a row, written when the row is committed.

A line tells what was done, how long it took and what it cost; of what was said only how long it was. The name of a tool
that does not exist, and the names of arguments that no tool of ours took, are the model's words and may be a
customer's: they are left out. Tools of MCP servers may take whatever a model thinks up.
"""

import logging
import re
from collections.abc import Sequence

from bot.agent.outside import BETWEEN
from bot.domain.trace import Action, TraceEvent, whole_length
from bot.telemetry.ids import trace_of

logger = logging.getLogger(__name__)

UNKNOWN_TOOL = "unknown_tool"
"""Class of the error of a call of a tool that does not exist."""
_ARGUMENT = re.compile(r'[{,]\s*"([a-z][a-z0-9_]{0,30})"\s*:')
"""A key of JSON, also of JSON that is cut off. Inside a string it would be escaped."""


def log_steps(events: Sequence[TraceEvent]) -> None:
    """Implements `TraceListener`."""
    for event in events:
        logger.info("trace.step", extra={"fields": fields_of(event)})


def fields_of(event: TraceEvent) -> dict[str, object]:
    """What a log line (or a span) may say of a step; never a word of anybody."""
    return {
        "workspace": event.team_id,
        "channel": event.channel_id,
        "conversation": event.conversation_id,
        "run": event.run_id,
        "trace_id": trace_of(event.run_id, event.ref),
        "step": event.step,
        "action": event.action.value,
        "name": "" if event.error == UNKNOWN_TOOL else event.name,
        **_tool(event),
        "ref": event.ref,
        "profile": event.profile,
        "prompt_version": event.prompt_version,
        "epoch": event.epoch,
        "attempt": event.attempt,
        "ok": event.ok,
        "error": event.error,
        "duration_ms": event.duration_ms,
        "given_chars": whole_length(event.given),
        "got_chars": whole_length(event.got),
        **_tokens(event),
    }


def _tool(event: TraceEvent) -> dict[str, object]:
    if event.action is not Action.TOOL_CALL or not event.ok or BETWEEN in event.name:
        return {}
    return {"arguments": list(dict.fromkeys(_ARGUMENT.findall(event.given)))}


def _tokens(event: TraceEvent) -> dict[str, object]:
    if event.action is not Action.LLM_CALL:
        return {}
    usage = event.usage
    return {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cache_read_tokens": usage.cache_read,
        "cache_write_5m_tokens": usage.cache_write_5m,
        "cache_write_1h_tokens": usage.cache_write_1h,
        "cost_usd": float(event.cost),
    }
