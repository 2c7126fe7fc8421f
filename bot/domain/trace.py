"""What is recorded of every step, so that a run can be re-read, counted and replayed.

Who does something writes a `TraceEvent` with what only they know; `Traces.add` fills in whose step it is (workspace,
channel, profile, prompt version, epoch) from the conversation and the run in the same transaction, hides secrets in
both summaries and cuts them. What comes back from a read is complete. One log line a row (`trace.step`, without a word
of the summaries) is written once the row is committed; listeners of the store (`listen(traces=…)`) get the same rows.

What a row means, by action (`name` · `ref` · the rest):

| action | name | ref | |
| --- | --- | --- | --- |
| llm_call | model that answered (or was asked) | name in the run's journal: `m1`, `judge`, … | tokens, cost |
| tool_call | tool | `t:<step>:<tool use>` | `given`: arguments; duration, ok, error are those of the whole call |
| tool_attempt | back-end | that of its call | one try, only when a call needed more than one |
| tool_result | tool | that of its call | `got`; ok, error as in its call; no duration: count calls, not results |
| decision | what was decided: `answered`, `take_over`, `sent_back`, … | case, where one is meant | `given`: who |
| error | class of what ended a run or a step | | `ok` is False |
| escalation | what became of a case: its origin when opened, `sla_…`, `offered` | case | `given`: reason |
| delivery | kind of the effect: `answer`, `card`, … | key in the outbox | duration: from written to visible |

Only llm_call has tokens and cost, and each paid call has exactly one row. `epoch` is that of the run for a run's steps,
that of the words for a delivery, else that of the conversation when the row was written. `run_id` is empty for what
happens between runs. Rows from before version 0016 of the database have no epoch, profile and prompt version.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bot.domain.exchange import Usage
from bot.domain.money import ZERO

SUMMARY_CHARS = 500
"""Of what went in and what came out, each."""
_CUT = re.compile(r"… \(\+([0-9][0-9,]*) characters\)\Z")


class Action(StrEnum):
    """What a trace row is about."""

    LLM_CALL = "llm_call"
    TOOL_CALL = "tool_call"
    TOOL_ATTEMPT = "tool_attempt"
    """One try of a tool at a back-end; a tool call that went well at its first and only try has none."""
    TOOL_RESULT = "tool_result"
    DECISION = "decision"
    ERROR = "error"
    ESCALATION = "escalation"
    DELIVERY = "delivery"


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One row. `given` and `got` are short summaries kept for staff, never written to logs."""

    conversation_id: str
    run_id: str
    """Empty for what happens between runs."""
    step: int
    action: Action
    name: str
    """Model id, tool name, back-end, decision or error class."""
    at: float
    given: str = ""
    got: str = ""
    usage: Usage = Usage()
    cost: Decimal = ZERO
    duration_ms: int = 0
    attempt: int = 1
    ok: bool = True
    error: str = ""
    """Class of the error, never its text with customer data."""
    ref: str = ""
    """What the row is about: a name in the run's journal, a case, a key of the outbox."""
    epoch: int | None = None
    """The store fills in this and what follows; a writer sets it where it knows better."""
    team_id: str = ""
    channel_id: str = ""
    profile: str = ""
    prompt_version: str = ""
    seq: int = 0
    """Rises with every row; 0 before it is written."""


def shortened(text: str, *, left_out: int = 0) -> str:
    """The beginning of a text as a summary, and how much is missing; `left_out` characters are missing already."""
    missing = max(0, len(text) - SUMMARY_CHARS) + left_out
    return f"{text[:SUMMARY_CHARS]}… (+{missing:,} characters)" if missing else text


def whole_length(summary: str) -> int:
    """Characters of the text that a summary is the beginning of."""
    cut = _CUT.search(summary)
    return len(summary) if cut is None else cut.start() + int(cut[1].replace(",", ""))
