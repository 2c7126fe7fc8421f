"""Every instrument, written out once, for OTLP and for Prometheus (there `deskhand.runs` reads `deskhand_runs_total`).

Labels have few values: outcomes, kinds, profiles, models, tools, back-ends, classes of errors. None names a person, a
channel or a conversation.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How values add up."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One metric."""

    name: str
    kind: Kind
    unit: str
    description: str
    buckets: tuple[float, ...] = ()
    """Upper bounds, of a histogram."""


_CALLS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
"""These two as the conventions for generative AI have them."""
_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SECONDS = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600)
_STEPS = (0, 1, 2, 3, 4, 5, 7, 10, 15, 20, 25)


def _counter(name: str, unit: str, description: str) -> Instrument:
    return Instrument(name, Kind.COUNTER, unit, description)


def _seconds(name: str, description: str, buckets: tuple[float, ...] = _SECONDS) -> Instrument:
    return Instrument(name, Kind.HISTOGRAM, "s", description, buckets)


def _gauge(name: str, unit: str, description: str) -> Instrument:
    return Instrument(name, Kind.GAUGE, unit, description)


OPERATION_DURATION = _seconds("gen_ai.client.operation.duration", "Model calls, each attempt.", _CALLS)
TOKEN_USAGE = Instrument(
    "gen_ai.client.token.usage", Kind.HISTOGRAM, "{token}", "Tokens of a model call, by input and output.", _TOKENS
)

RUNS = _counter("deskhand.runs", "{run}", "Runs that ended, by outcome and agent profile.")
RUN_DURATION = _seconds("deskhand.run.duration", "From the beginning of a run to its outcome, waiting included.")
RUN_STEPS = Instrument("deskhand.run.steps", Kind.HISTOGRAM, "{step}", "Steps of a run.", _STEPS)
FIRST_SIGN = _seconds("deskhand.first_sign.duration", "From an event's arrival to the first sign of work in Slack.")
ANSWER = _seconds("deskhand.answer.duration", "From an event's arrival to the words that ended its turn in Slack.")
COST = _counter("deskhand.cost.usd", "{USD}", "What model calls cost, by model and agent profile.")
TOKENS = _counter("deskhand.tokens", "{token}", "Tokens by the kinds that have prices of their own.")
TOOL_CALLS = _counter("deskhand.tool.calls", "{call}", "Tool calls by result and class of error.")
TOOL_DURATION = _seconds("deskhand.tool.duration", "Tool calls, all attempts.", _QUICK)
SEARCH_DURATION = _seconds("deskhand.search.duration", "Searches of the knowledge base.", _QUICK)
BACKEND_ATTEMPTS = _counter(
    "deskhand.backend.attempts", "{attempt}", "Tries at back-ends, of tool calls that needed more than one."
)
RETRIES = _counter("deskhand.retries", "{retry}", "Attempts after the first: model calls, back-ends, deliveries.")
DELIVERIES = _counter("deskhand.deliveries", "{effect}", "What Slack was to show, by kind and result.")
DELIVERY_DURATION = _seconds("deskhand.delivery.duration", "From being written to being visible in Slack.")
ESCALATIONS = _counter("deskhand.escalations", "{event}", "Cases opened for people, and what became of them.")
DECISIONS = _counter("deskhand.decisions", "{decision}", "What people and checks decided.")
BUDGET_REFUSED = _counter("deskhand.budget.refused", "{run}", "Runs that money ended or put on hold.")
ERRORS = _counter("deskhand.errors", "{error}", "Errors that ended a run or a step, by class.")

EVENTS_WAITING = _gauge("deskhand.queue.waiting", "{event}", "Events and carry-ons that wait for their turn.")
EVENTS_OLDEST = _gauge("deskhand.queue.oldest", "s", "Age of the oldest of them.")
EFFECTS_WAITING = _gauge("deskhand.outbox.waiting", "{effect}", "Effects that are not in Slack yet.")
EFFECTS_OLDEST = _gauge("deskhand.outbox.oldest", "s", "Age of the oldest of them whose time has come.")
RUNS_OPEN = _gauge("deskhand.runs.unfinished", "{run}", "Runs under way.")
RUNS_OLDEST = _gauge("deskhand.runs.oldest", "s", "Age of the oldest of them.")
STUCK = _gauge("deskhand.stuck", "{item}", "What only `deskhand stuck` can move: causes and deliveries.")
ESCALATIONS_OPEN = _gauge("deskhand.escalations.open", "{case}", "Cases that nobody has decided, by state.")
APPROVALS_WAITING = _gauge("deskhand.approvals.waiting", "{proposal}", "Open cases with something to approve.")
ARTICLES = _gauge("deskhand.knowledge.articles", "{article}", "Articles of all workspaces.")
BREAKERS = _gauge("deskhand.breaker.state", "{state}", "Of a model or a back-end: 0 closed, 1 half open, 2 open.")
WARNINGS = _gauge("deskhand.warning", "{warning}", "1 for each warning of the monitor that stands.")
DATABASE = _gauge("deskhand.database.up", "{state}", "Whether the database answered at the last look.")
DISK_FREE = _gauge("deskhand.disk.free", "By", "Of the disk that holds the database.")
