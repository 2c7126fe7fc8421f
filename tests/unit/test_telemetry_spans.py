"""Rows of the record of steps become spans: which, under which, and with which words."""

import inspect
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import pytest
from opentelemetry.semconv._incubating.attributes import error_attributes, gen_ai_attributes, messaging_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics

from bot.domain.answer import Outcome
from bot.domain.exchange import Usage
from bot.domain.trace import Action, TraceEvent
from bot.telemetry import instruments, names
from bot.telemetry.ids import received_at, run_named_in, span_id_of, trace_id_of
from bot.telemetry.instruments import Instrument
from bot.telemetry.spans import Span, TurnSpans
from bot.telemetry.steps import Steps

CAME = 1_800_000_000.0
INBOX = f"{int(CAME * 1000):012x}0123456789"
RUN = f"run-{INBOX}"
TALK = "T1:C1:1800000000.000100"


def row(action: Action, name: str, at: float, **more: object) -> TraceEvent:
    values: dict[str, object] = {"profile": "support", "prompt_version": "v1", "team_id": "T1", "epoch": 3, **more}
    return TraceEvent(TALK, str(values.pop("run_id", RUN)), int(str(values.pop("step", 0))), action, name, CAME + at,
                      **values)  # type: ignore[arg-type]  # fmt: skip  # a dict of mixed fields


CALL = row(
    Action.LLM_CALL, "claude-x", 1, step=1, ref="m1", duration_ms=500, cost=Decimal("0.25"),
    usage=Usage(input=10, output=5, cache_read=100, cache_write_5m=7), got="tool_use: search_knowledge_base",
)  # fmt: skip
TOOL = row(Action.TOOL_CALL, "search_knowledge_base", 1.5, step=1, ref="t:1:a", duration_ms=200, given="their words")
RESULT = row(Action.TOOL_RESULT, "search_knowledge_base", 1.7, step=1, ref="t:1:a", got="an article")
TRY = row(Action.TOOL_ATTEMPT, "hubspot (fallback)", 1.5, step=1, ref="t:1:a", duration_ms=90, ok=False, error="Down")
SECOND = row(Action.LLM_CALL, "claude-x", 2, step=2, ref="m2", duration_ms=300, got="end_turn")
JUDGE = row(Action.LLM_CALL, "claude-y", 3, ref="judge", duration_ms=100, got="end_turn")
END = row(Action.DECISION, Outcome.ANSWERED.value, 4, step=2, duration_ms=3500, got="confidence 0.9: their words")
LIVE = row(Action.DELIVERY, "live", 0.4, ref=f"live:{INBOX}", duration_ms=300)
ANSWER = row(Action.DELIVERY, "answer", 5, ref=f"answer:{RUN}", duration_ms=800)
WHOLE = ((LIVE,), (CALL,), (TRY, TOOL, RESULT), (SECOND,), (JUDGE,), (END,), (ANSWER,))


def told(batches: Iterable[Iterable[TraceEvent]], *, content: bool = False) -> list[Span]:
    made = TurnSpans(content=content)
    return [span for batch in batches for span in made.of(tuple(batch))]


def tree(spans: list[Span], part: str = "") -> dict[str, object]:
    return {span.name: tree(spans, span.part) for span in spans if span.parent == part}


def test_a_turn_is_one_tree_from_the_event_to_the_delivery() -> None:
    spans = told(WHOLE)
    assert (
        tree(spans)
        == {
            "turn": {
                "deliver live": {},
                "invoke_agent support": {
                    "step": {"chat claude-x": {}},  # the second; its namesake is below
                    "chat claude-y": {},
                },
                "deliver answer": {},
            }
        }
        | {}
    )
    first = next(span for span in spans if span.name == "step")
    assert tree(spans, first.part) == {
        "chat claude-x": {},
        "execute_tool search_knowledge_base": {"attempt hubspot (fallback)": {}},
    }
    assert (first.start, first.end) == (CAME + 1, CAME + 1.7)
    turn = next(span for span in spans if span.name == "turn")
    assert (turn.start, turn.end) == (CAME, CAME + 4)
    run = next(span for span in spans if span.part == "run")
    assert (run.start, run.end) == (CAME + 0.5, CAME + 4)


def test_the_attributes_of_a_model_call_are_those_of_the_conventions() -> None:
    [chat] = [span for span in told([[CALL]]) if span.name.startswith("chat")]
    assert chat.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-x",
        "gen_ai.conversation.id": TALK,
        "gen_ai.response.model": "claude-x",
        "gen_ai.response.finish_reasons": ("tool_use",),
        "gen_ai.usage.input_tokens": 117,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 100,
        "gen_ai.usage.cache_creation.input_tokens": 7,
        "deskhand.cost.usd": 0.25,
        "deskhand.call": "m1",
        "deskhand.attempt": 1,
    }


def test_a_run_that_another_process_resumes_stays_in_its_trace_and_no_id_comes_twice() -> None:
    before = told(WHOLE[:2])  # then the process dies: its step is never told
    after = told(WHOLE[2:])
    both = [*before, *after]
    assert {trace_id_of(span.run_id) for span in both} == {trace_id_of(RUN)}
    ids = [span_id_of(span.run_id, span.part) for span in both]
    assert len(set(ids)) == len(ids)
    assert {span.parent for span in both} - {""} <= {span.part for span in both}
    steps = [span for span in both if span.name == "step"]
    assert [span.attributes["deskhand.step"] for span in steps] == [1, 2]
    assert sorted(span.part for span in both) == sorted(span.part for span in told(WHOLE))


def test_words_go_along_only_when_they_are_asked_for() -> None:
    def words(spans: list[Span]) -> str:
        return " ".join(f"{span.name} {span.attributes}" for span in spans)

    assert "their words" not in words(told(WHOLE))
    assert "an article" not in words(told(WHOLE))
    [tool] = [span for span in told(WHOLE, content=True) if span.name.startswith("execute_tool")]
    assert tool.attributes["gen_ai.tool.call.arguments"] == "their words"
    assert tool.attributes["gen_ai.tool.call.result"] == "an article"


@pytest.mark.parametrize("name", ["Ana Ruiz's tool", "ana@cobalt-studio.example", "x" * 99, "", "two\nlines"])
def test_what_a_model_or_a_vendor_calls_things_is_told_only_when_it_looks_like_a_name(name: str) -> None:
    made_up = replace(TOOL, name=name, error="unknown_tool", ok=False)
    odd = [replace(CALL, name=name), replace(TRY, name=name, error=name), replace(TOOL, name=name)]
    spans = told([[made_up], odd, [replace(ANSWER, name=name)]])
    assert len(spans) == 5
    for span in spans:
        assert name == "" or name not in f"{span.name} {span.attributes}"
    assert spans[0].name == "execute_tool unknown"


def test_decisions_and_deliveries_about_a_case_find_the_turn_it_came_from() -> None:
    about = replace(row(Action.DECISION, "approve", 60, ref=f"esc-{RUN}"), run_id="")
    card = replace(ANSWER, name="card", run_id="", ref=f"card:esc-{RUN}:2")
    feedback = row(Action.DECISION, "thumbs_up", 70)
    nobodys = replace(row(Action.DECISION, "take_over", 60), run_id="")
    spans = told([[about], [card], [feedback], [nobodys]])
    assert [(span.name, span.parent) for span in spans] == [
        ("decide approve", "turn"), ("deliver card", "turn"), ("decide thumbs_up", "turn"),
    ]  # fmt: skip


def test_the_time_an_event_came_is_read_from_the_run_and_odd_ids_tell_none() -> None:
    assert received_at(RUN) == CAME
    assert received_at(f"{RUN}-2") == CAME
    assert received_at("run-test") is None
    assert received_at("run-" + "f" * 22) is None
    assert run_named_in(f"answer:{RUN}-2") == f"{RUN}-2"
    assert run_named_in("card:esc-1") == ""
    assert trace_id_of(RUN) != trace_id_of(f"{RUN}-2")
    [turn] = [s for s in told([[replace(END, run_id="run-test", duration_ms=0)]]) if s.name == "turn"]
    assert turn.start == turn.end == CAME + 4


def test_steps_of_runs_that_never_end_are_told_when_there_are_too_many() -> None:
    steps = Steps(most=2)
    for number in range(4):
        steps.note(f"run-{number}", "m1", CALL)
    assert [run for run, _ in steps.over("run-3", "m1", is_end=False)] == ["run-0", "run-1"]


def test_names_are_those_of_the_installed_conventions() -> None:
    known = {
        value
        for module in (gen_ai_attributes, error_attributes, messaging_attributes, gen_ai_metrics)
        for name, value in vars(module).items()
        if name.isupper()
    }
    ours = {value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)}
    ours -= {"chat", "invoke_agent", "execute_tool"}
    assert {name for name in ours if not name.startswith("deskhand.")} <= known
    made = [one for _, one in inspect.getmembers(instruments) if isinstance(one, Instrument)]
    assert {one.name for one in made if not one.name.startswith("deskhand.")} <= known
    assert len({one.name for one in made}) == len(made)
