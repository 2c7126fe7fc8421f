"""Ids of traces and spans, derived from the run: the same in every process, before and after a crash."""

import hashlib
import re

_RUN = re.compile(r"\brun-([0-9a-f]{12})[0-9a-f]{10}(?:-\d+)?(?![0-9a-z])")
_LIVE = re.compile(r"\blive:([0-9a-f]{22})(?![0-9a-z])")
_NEVER = 1 << 43
"""Milliseconds that lie centuries ahead: such an id was not made of the time."""


def trace_id_of(run_id: str) -> int:
    """128 bits, as evenly spread as if they were chance."""
    return int.from_bytes(_digest(run_id)[:16], "big")


def span_id_of(run_id: str, part: str) -> int:
    """64 bits for a part of a run."""
    return int.from_bytes(_digest(f"{run_id}\0{part}")[:8], "big")


def run_named_in(ref: str) -> str:
    """The run that a case (`esc-run-…`) or an effect (`answer:run-…`, `live:…`) belongs to; empty for none."""
    if found := _RUN.search(ref):
        return found.group()
    return f"run-{live.group(1)}" if (live := _LIVE.search(ref)) else ""


def trace_of(run_id: str, ref: str) -> str:
    """Trace id of what belongs to a run, or to what names one, as other programs write it; empty when there is none."""
    run_id = run_id or run_named_in(ref)
    return f"{trace_id_of(run_id):032x}" if run_id else ""


def received_at(run_id: str) -> float | None:
    """When the event that a run answers was stored, in unix seconds: its id, and so the run's, begins with the time."""
    found = _RUN.fullmatch(run_id)
    milliseconds = int(found.group(1), 16) if found else _NEVER
    return milliseconds / 1000 if milliseconds < _NEVER else None


def _digest(text: str) -> bytes:
    return hashlib.sha256(f"deskhand:{text}".encode()).digest()
