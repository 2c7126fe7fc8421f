"""Doing a run again: what the record answers, what counts as different, what a log line tells of a step."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.agent.comparison import Change, word_diff
from bot.agent.record import RecordedCall, canonical
from bot.agent.tape import NOT_IN_RECORD, Match, Tape
from bot.cli.traces import moment
from bot.cli.traces_arguments import spelled_out
from bot.domain.exchange import ToolResult, ToolSpec, Usage
from bot.domain.trace import SUMMARY_CHARS, Action, TraceEvent, shortened, whole_length
from bot.runtime.step_log import fields_of
from tests.fakes.agents import ANA
from tools.base import ToolContext, ToolError

SEARCH, REFUND = "search_knowledge_base", "issue_refund"


def call(tool: str, arguments: str, content: str, *, error: bool = False, pending: bool = False) -> RecordedCall:
    return RecordedCall(1, tool, canonical(arguments), ToolResult("tu", content, error, pending))


def tape() -> Tape:
    return Tape(
        [
            call(SEARCH, '{"query": "guests", "category": "any"}', "first"),
            call(SEARCH, '{"category": "any", "query": "guests"}', "second"),
            call(SEARCH, '{"query": "invoices", "category": "billing"}', "about invoices"),
            call(REFUND, '{"usd": 30}', "No such invoice.", error=True),
            call("ask", "{}", "A person is asked.", pending=True),
            RecordedCall(2, "lookup_customer", "{}", None),
        ]
    )


def test_the_same_call_gets_the_same_results_in_the_order_of_then() -> None:
    again = tape()
    asked = ('{"category":"any","query":"guests"}', '{"query": "guests", "category": "any"}') * 2
    assert [again.answer(SEARCH, arguments).content for arguments in asked] == ["first", "second", "second", "second"]
    assert {one.match for one in again.asked} == {Match.SAME}
    assert again.answer("ask", "").is_pending
    with pytest.raises(ToolError, match="No such invoice"):
        again.answer(REFUND, '{"usd": 30}')


def test_other_arguments_get_the_nearest_result_and_are_noted() -> None:
    again = tape()
    assert again.answer(SEARCH, '{"query": "my invoices", "category": "billing"}').content == "about invoices"
    assert again.asked[0].match is Match.OTHER_ARGUMENTS
    assert "invoices" in again.asked[0].recorded


@pytest.mark.parametrize("tool", ["lookup_customer", "read_minds"])
async def test_what_the_record_does_not_know_is_said_to_the_model(tool: str) -> None:
    again = tape()
    (stand_in,) = again.tools([ToolSpec(tool, "Looks.", '{"type": "object"}')])
    with pytest.raises(ToolError, match=NOT_IN_RECORD):
        await stand_in.call('{"x": 1}', ToolContext(ANA, "T1:C1:1", "run-1", "tu_9", 0))
    assert [(one.match, one.use_id) for one in again.asked] == [(Match.UNKNOWN, "tu_9")]
    assert stand_in.spec.description == "Looks."


def test_answers_are_compared_word_by_word_and_not_torn_apart_by_chance() -> None:
    def told(before: str, after: str) -> list[tuple[Change, str]]:
        return [(piece.change, piece.text.strip()) for piece in word_diff(before, after)]

    assert told("Press Invite in the list, then wait.", "Press Invite in the sidebar, then wait.") == [
        (Change.SAME, "Press Invite in the"), (Change.MISSING, "list,"), (Change.ADDED, "sidebar,"),
        (Change.SAME, "then wait."),
    ]  # fmt: skip
    assert told("Your plan is the Team plan.", "We sell the best of boards.") == [
        (Change.MISSING, "Your plan is the Team plan."), (Change.ADDED, "We sell the best of boards."),
    ]  # fmt: skip
    assert told("Same.", "Same.") == [(Change.SAME, "Same.")]
    assert told("", "") == []


STEP = TraceEvent(
    "T1:C1:1", "run-1", 2, Action.TOOL_CALL, SEARCH, 0.0, epoch=3, team_id="T1", duration_ms=12, ref="t:2:tu",
    given='{"query": "my e-mail is ana@x.example, and \\"key\\": 1", "category": "any", "ana@x.example": 2',
)  # fmt: skip


def test_a_log_line_tells_names_and_sizes_and_no_words() -> None:
    fields = fields_of(STEP)
    assert fields["arguments"] == ["query", "category"]
    assert (fields["given_chars"], fields["epoch"], fields["name"]) == (len(STEP.given), 3, SEARCH)
    assert "ana@" not in str(fields)
    assert "cost_usd" not in fields
    unknown = fields_of(replace(STEP, name="tell_ana_hello", ok=False, error="unknown_tool"))
    assert "ana" not in str(unknown)
    outside = fields_of(replace(STEP, name="crm__find", given='{"ana_likes_chess": 1}'))
    assert (outside["name"], "chess" in str(outside)) == ("crm__find", False)
    paid = fields_of(replace(STEP, action=Action.LLM_CALL, usage=Usage(1, 2, 3, 4, 5), cost=Decimal("0.25")))
    assert [paid[name] for name in ("input_tokens", "cache_write_1h_tokens", "cost_usd")] == [1, 5, 0.25]


def test_a_summary_says_how_much_is_missing() -> None:
    assert shortened("short") == "short"
    cut = shortened("x" * (SUMMARY_CHARS + 1_234), left_out=1_000)
    assert cut.endswith("… (+2,234 characters)")
    assert whole_length(cut) == SUMMARY_CHARS + 2_234
    assert whole_length("short") == 5
    assert whole_length(forged := "as if cut… (+,, characters)") == len(forged)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("traces", "traces list"),
        ("traces --failed", "traces list --failed"),
        ("traces T1:C1:1.0", "traces show T1:C1:1.0"),
        ("traces replay run-1", "traces replay run-1"),
        ("traces --help", "traces --help"),
        ("kb search x", "kb search x"),
    ],
)
def test_what_people_always_typed_still_means_the_same(typed: str, meant: str) -> None:
    assert spelled_out(typed.split()) == meant.split()


def test_a_time_is_so_long_ago_or_a_date_in_utc() -> None:
    assert moment("", 1e9) is None
    assert moment("2h", 1e9) == 1e9 - 7200
    assert moment("1970-01-02", 0) == 86_400
    with pytest.raises(ValueError, match="write 30m, 24h, 7d"):
        moment("yesterday", 0)
