"""Rows of the record of steps become figures."""

from dataclasses import replace

import pytest

from bot.config import load_settings
from bot.domain.trace import Action, TraceEvent
from bot.telemetry import instruments as made
from bot.telemetry.counts import Measured, measured
from bot.telemetry.telemetry import Telemetry
from bot.telemetry.wishes import TelemetryError, Wishes
from tests.unit.test_telemetry_spans import ANSWER, CALL, END, LIVE, RUN, TOOL, TRY, WHOLE, row


def figures(*events: TraceEvent, by_workspace: bool = False) -> dict[str, list[tuple[float, dict[str, str]]]]:
    found: dict[str, list[tuple[float, dict[str, str]]]] = {}
    for one in measured(events, by_workspace=by_workspace):
        found.setdefault(one.instrument.name, []).append((one.value, dict(one.labels)))
    return found


def test_a_call_counts_its_tokens_its_time_and_its_price() -> None:
    told = figures(CALL)
    chat = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-x",
    }
    assert told["gen_ai.client.operation.duration"] == [(0.5, chat)]
    assert told["gen_ai.client.token.usage"] == [
        (117, {**chat, "gen_ai.token.type": "input"}),
        (5, {**chat, "gen_ai.token.type": "output"}),
    ]
    assert told["deskhand.cost.usd"] == [(0.25, {"model": "claude-x", "profile": "support"})]
    assert sum(value for value, _ in told["deskhand.tokens"]) == 122
    failed = figures(replace(CALL, ok=False, error="overloaded", attempt=2))
    assert failed["gen_ai.client.operation.duration"] == [(0.5, {**chat, "error.type": "overloaded"})]
    assert failed["deskhand.retries"] == [(1, {"of": "model"})]
    assert "gen_ai.client.token.usage" not in failed


def test_a_customers_waiting_is_counted_from_the_arrival_of_the_event() -> None:
    assert figures(LIVE)["deskhand.first_sign.duration"] == [(pytest.approx(0.4), {})]
    told = figures(replace(ANSWER, attempt=3))
    assert told["deskhand.answer.duration"] == [(pytest.approx(5.0), {})]
    assert told["deskhand.deliveries"] == [(1, {"kind": "answer", "result": "ok"})]
    assert told["deskhand.retries"] == [(2, {"of": "delivery"})]
    assert "deskhand.answer.duration" not in figures(replace(ANSWER, ok=False, error="voided"))


def test_tools_are_counted_by_result_and_class_of_error() -> None:
    def labels(event: TraceEvent) -> dict[str, str]:
        [(_, found)] = figures(event)["deskhand.tool.calls"]
        return found

    assert labels(TOOL) == {"tool": "search_knowledge_base", "result": "ok"}
    assert labels(replace(TOOL, error="pending")) == {"tool": "search_knowledge_base", "result": "pending"}
    crashed = replace(TOOL, ok=False, error="KeyError")
    assert labels(crashed) == {"tool": "search_knowledge_base", "result": "error", "error.type": "KeyError"}
    made_up = replace(TOOL, name="ana", ok=False, error="unknown_tool")
    assert labels(made_up) == {"tool": "unknown", "result": "error", "error.type": "unknown_tool"}
    assert figures(TOOL)["deskhand.search.duration"] == [(0.2, {})]
    assert figures(TRY)["deskhand.backend.attempts"] == [
        (1, {"backend": "hubspot (fallback)", "result": "error", "error.type": "Down"})
    ]


def test_runs_are_counted_once_by_their_outcome_and_money_that_ends_them_is_seen() -> None:
    assert figures(END)["deskhand.runs"] == [(1, {"outcome": "answered", "profile": "support"})]
    assert figures(END)["deskhand.run.duration"][0][0] == 3.5
    ended = figures(replace(END, name="budget_exhausted"))
    assert ended["deskhand.budget.refused"] == [(1, {"effect": "ended"})]
    paused = figures(row(Action.DECISION, "paused", 1))
    assert paused["deskhand.budget.refused"] == [(1, {"effect": "paused"})]
    assert "deskhand.runs" not in paused


def test_no_label_names_a_person_a_channel_or_a_conversation_and_the_workspace_only_when_asked() -> None:
    events = [event for batch in WHOLE for event in batch]
    values = {v for one in measured(events) for v in one.labels.values()}
    assert not {RUN, "T1", "C1", END.conversation_id} & values
    with_it = [one for one in measured(events, by_workspace=True) if one.instrument is made.RUNS]
    assert [one.labels["workspace"] for one in with_it] == ["T1"]


def test_a_fault_of_telemetry_is_nobody_elses(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def write(self, _: object) -> None:
            raise RuntimeError("their words")

        def record(self, one: Measured) -> None: ...

        def watch(self, *_: object) -> None: ...

    Telemetry(spans=Broken(), meters=Broken()).heard([CALL])
    assert [record.message for record in caplog.records] == ["telemetry.failed"]


def test_a_server_that_thinks_up_names_of_tools_makes_no_endless_figures() -> None:
    class Kept:
        def __init__(self) -> None:
            self.labels: set[str] = set()

        def record(self, one: Measured) -> None:
            self.labels.add(str(sorted(one.labels.items())))

        def watch(self, *_: object) -> None: ...

    kept = Kept()
    Telemetry(meters=kept).heard([replace(TOOL, name=f"crm__tool_{number}") for number in range(5_000)])
    assert len(kept.labels) < 1_000
    assert any("'other'" in labels for labels in kept.labels)


URL = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environment", "traces", "metrics"),
    [
        ({}, "", ""),
        (URL, "http/protobuf", "http/protobuf"),
        (URL | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "grpc", "grpc"),
        (URL | {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}, "grpc", "http/protobuf"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, "http/protobuf", ""),
        (URL | {"OTEL_METRICS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": ""}, "http/protobuf", ""),
        (URL | {"OTEL_EXPORTER_OTLP_HEADERS": "a=b==, c%20d=e f,"}, "http/protobuf", "http/protobuf"),
        (URL | {"OTEL_SDK_DISABLED": "true"}, "", ""),
    ],
)
def test_it_is_off_until_an_endpoint_is_named(environment: dict[str, str], traces: str, metrics: str) -> None:
    wishes = Wishes.of(environment)
    assert (wishes.traces, wishes.metrics, wishes.content) == (traces, metrics, False)


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, "OTEL_EXPORTER_OTLP_PROTOCOL: there are http/protobuf and grpc"),
        ({"OTEL_EXPORTER_OTLP_HEADERS": "a=b,x-key: hunter2"}, r"^OTEL_EXPORTER_OTLP_HEADERS: write name=value[^t]*$"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER: this bot sends by otlp"),
    ],
)
def test_what_cannot_be_had_is_told_by_its_variable(more: dict[str, str], line: str) -> None:
    with pytest.raises(TelemetryError, match=line):
        Wishes.of(URL | more)


def test_content_goes_along_only_by_the_standard_variable() -> None:
    variable = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
    assert [Wishes.of(URL | {variable: v}).content for v in ("true", "SPAN_ONLY", "false", "EVENT_ONLY")] == [
        True, True, False, False,
    ]  # fmt: skip


def test_an_endpoint_without_a_scheme_is_told() -> None:
    with pytest.raises(Exception, match="OTEL_EXPORTER_OTLP_ENDPOINT: use a URL"):
        load_settings({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"})
