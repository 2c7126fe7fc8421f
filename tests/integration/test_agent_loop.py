"""The loop over a scripted model and a real SQLite file: every way a run can end, and what it costs."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bot.domain.answer import Outcome
from bot.domain.budget import Scope
from bot.domain.exchange import (
    AssistantMessage,
    Citation,
    Document,
    ModelReply,
    StopReason,
    Text,
    ToolResult,
    Usage,
    UserMessage,
)
from tests.fakes.agents import THREAD, bench, limit
from tests.fakes.models import USAGE, ScriptedModel, busy, down, says, wants

FOUND = wants(("search_knowledge_base", {"query": "guests"}))
FOUND_REF = f"t:1:{FOUND.tool_uses[0].id}"
SOURCE = Citation("kb://invite", "Invite a guest", "About guests.")


def results_of(message: object) -> list[ToolResult]:
    assert isinstance(message, UserMessage)
    return [part for part in message.content if isinstance(part, ToolResult)]


async def test_a_question_is_searched_for_and_answered_with_its_source(tmp_path: Path) -> None:
    async with bench(tmp_path, ScriptedModel([FOUND, says("Press Invite.", SOURCE)])) as b:
        result = await b.agent.run(b.job)
        assert (result.outcome, result.text, result.citations) == (Outcome.ANSWERED, "Press Invite.", (SOURCE,))
        assert result.steps == 2
        assert result.evidence[0].tool == "search_knowledge_base"
        assert (1, "Searching") in b.seen
        async with b.store.read() as tx:
            spend = await tx.ledger.spend(THREAD.id)
        assert (spend.steps, spend.usd, spend.reserved) == (2, Decimal("0.022"), 0)


async def test_what_the_model_said_is_replayed_verbatim_with_one_result_per_use(tmp_path: Path) -> None:
    both = wants(("search_knowledge_base", {"query": "a"}), ("failing", {"query": "b"}))
    async with bench(tmp_path, ScriptedModel([both, says("Done.")])) as b:
        await b.agent.run(b.job)
        second = b.model.agent_calls()[1].messages
        assert isinstance(second[-2], AssistantMessage)
        assert second[-2].verbatim == both.verbatim
        results = results_of(second[-1])
        assert [r.tool_use_id for r in results] == [use.id for use in both.tool_uses]
        assert [r.is_error for r in results] == [False, True]
        assert results[1].content == "Nothing fits. Try other words."


@pytest.mark.parametrize(
    ("use", "told"),
    [
        (("nonsense", {"query": "x"}), "There is no tool named 'nonsense'"),
        (("search_knowledge_base", {"qury": "x"}), "query: Field required"),
        (("crashing", {"query": "x"}), "failed on our side"),
    ],
)
async def test_a_tool_that_cannot_run_tells_the_model_what_to_do_and_no_secrets(
    tmp_path: Path, use: tuple[str, dict[str, object]], told: str
) -> None:
    async with bench(tmp_path, ScriptedModel([wants(use), says("Sorry.")])) as b:
        result = await b.agent.run(b.job)
        assert result.outcome is Outcome.ANSWERED
        [answer] = results_of(b.model.agent_calls()[1].messages[-1])
        assert answer.is_error
        assert told in str(answer.content)
        assert "secret detail" not in str(answer.content)


async def test_a_flood_of_tool_calls_is_answered_but_not_run(tmp_path: Path) -> None:
    flood = wants(*[("search_knowledge_base", {"query": str(i)}) for i in range(20)])
    async with bench(tmp_path, ScriptedModel([flood, says("Ok.")])) as b:
        result = await b.agent.run(b.job)
        answers = results_of(b.model.agent_calls()[1].messages[-1])
        assert len(answers) == 20
        assert sum(a.is_error for a in answers) == 12
        assert result.outcome is Outcome.ANSWERED


async def test_tools_of_a_cut_off_reply_are_never_run(tmp_path: Path) -> None:
    cut = wants(("search_knowledge_base", {"query": "half"}), stop=StopReason.MAX_TOKENS)
    async with bench(tmp_path, ScriptedModel([cut, says("Whole.")])) as b:
        result = await b.agent.run(b.job)
        assert (result.outcome, result.evidence) == (Outcome.ANSWERED, ())
        first, second = b.model.agent_calls()
        assert second.messages == first.messages
        assert second.max_tokens == 2 * first.max_tokens


async def test_a_reply_that_is_cut_off_twice_fails_with_its_part_kept(tmp_path: Path) -> None:
    async with bench(tmp_path, ScriptedModel([says("The first half", stop=StopReason.MAX_TOKENS)])) as b:
        result = await b.agent.run(b.job)
        assert (result.outcome, result.text) == (Outcome.FAILED, "The first half")


@pytest.mark.parametrize(
    ("stop", "outcome"),
    [
        (StopReason.END_TURN, Outcome.ANSWERED),
        (StopReason.STOP_SEQUENCE, Outcome.ANSWERED),
        (StopReason.REFUSAL, Outcome.REFUSED),
        (StopReason.CONTEXT_EXCEEDED, Outcome.FAILED),
        (StopReason.UNKNOWN, Outcome.FAILED),
    ],
)
async def test_every_stop_reason_ends_as_designed(tmp_path: Path, stop: StopReason, outcome: Outcome) -> None:
    async with bench(tmp_path, ScriptedModel([says("Text.", stop=stop)])) as b:
        assert (await b.agent.run(b.job)).outcome is outcome


async def test_a_paused_turn_is_sent_back_unchanged_and_goes_on(tmp_path: Path) -> None:
    async with bench(tmp_path, ScriptedModel([says("…", stop=StopReason.PAUSE_TURN), says("Done.")])) as b:
        assert (await b.agent.run(b.job)).text == "Done."


async def test_an_empty_answer_is_asked_for_again(tmp_path: Path) -> None:
    empty = ModelReply("m", StopReason.END_TURN, USAGE, verbatim="[]")
    async with bench(tmp_path, ScriptedModel([FOUND, empty, says("Here.")])) as b:
        assert (await b.agent.run(b.job)).text == "Here."
        last = b.model.agent_calls()[-1].messages
        assert all(m.text or m.tool_uses for m in last if isinstance(m, AssistantMessage))


async def test_a_model_that_never_ends_is_stopped_by_its_steps(tmp_path: Path) -> None:
    counter = iter(range(100))
    script = ScriptedModel([lambda request: wants(("search_knowledge_base", {"query": str(next(counter))}))])
    async with bench(tmp_path, script) as b:
        result = await b.agent.run(replace(b.job, max_steps=5))
        assert (result.outcome, result.steps, len(b.model.asked)) == (Outcome.FAILED, 5, 5)


async def test_nothing_more_is_asked_once_a_person_took_over(tmp_path: Path) -> None:
    async with bench(tmp_path, ScriptedModel([FOUND])) as b:
        answers = iter([True, False])

        async def still_ours(step: str) -> bool:
            return next(answers)

        result = await b.agent.run(replace(b.job, still_ours=still_ours))
        assert result.outcome is Outcome.STOPPED
        assert len(b.model.asked) == 1


async def test_p4_a_call_whose_worst_case_does_not_fit_is_not_made(tmp_path: Path) -> None:
    async with bench(tmp_path, ScriptedModel([FOUND])) as b:
        result = await b.agent.run(b.with_limits(limit("0.01")))
        assert result.outcome is Outcome.BUDGET_EXHAUSTED
        assert b.model.asked == []
        assert "conversation" in result.why


async def test_p4_spending_stops_below_the_limit_whatever_the_model_does(tmp_path: Path) -> None:
    counter = iter(range(100))
    script = ScriptedModel([lambda request: wants(("search_knowledge_base", {"query": str(next(counter))}))])
    async with bench(tmp_path, script) as b:
        result = await b.agent.run(b.with_limits(limit("0.10"), kept="0.01"))
        assert result.outcome is Outcome.BUDGET_EXHAUSTED
        async with b.store.read() as tx:
            spend = await tx.ledger.spend(THREAD.id)
        assert Decimal(0) < spend.usd <= Decimal("0.09")
        assert spend.reserved == 0


async def test_p4_a_dear_step_and_a_long_talk_are_refused_as_well(tmp_path: Path) -> None:
    async with bench(tmp_path, ScriptedModel([FOUND])) as b:
        step = await b.agent.run(b.with_limits(limit("0.005", Scope.STEP)))
        tokens = await b.agent.run(b.with_limits(limit("100"), tokens=500))
        assert {step.outcome, tokens.outcome} == {Outcome.BUDGET_EXHAUSTED}
        assert b.model.asked == []


async def test_p4_a_pdf_with_more_text_than_pages_hold_is_counted_by_the_vendor_first(tmp_path: Path) -> None:
    async with bench(tmp_path, ScriptedModel([says("Read.")], counted=60_000)) as b:
        pdf = UserMessage((Document("JVBERi0=", "dense.pdf", 1), Text("What does it say?")))
        job = replace(b.with_limits(limit("100"), tokens=50_000), messages=(pdf,))
        assert (await b.agent.run(job)).outcome is Outcome.BUDGET_EXHAUSTED
        assert b.model.asked == []


async def test_a_busy_model_is_asked_again_and_pays_only_for_what_may_have_been_billed(tmp_path: Path) -> None:
    async with bench(tmp_path, ScriptedModel([busy(), busy(billed=True), says("At last.")])) as b:
        result = await b.agent.run(b.job)
        assert result.text == "At last."
        async with b.store.read() as tx:
            spend = await tx.ledger.spend(THREAD.id)
        assert spend.usd > Decimal("0.011") + Decimal("0.01")  # the answer, and one attempt at its worst case
        assert spend.reserved == 0
        assert b.slept == [0.0, 0.0]


async def test_the_second_model_steps_in_and_its_price_is_the_one_that_counts(tmp_path: Path) -> None:
    async with bench(tmp_path, ScriptedModel([down(), says("From the second.")])) as b:
        assert (await b.agent.run(b.job)).text == "From the second."
        assert [r.model for r in b.model.asked] == ["first", "second"]


async def test_a_model_that_wants_a_long_wait_is_left_for_the_second(tmp_path: Path) -> None:
    async with bench(tmp_path, ScriptedModel([busy(retry_after=90), says("Quick.")])) as b:
        assert (await b.agent.run(b.job)).text == "Quick."
        assert b.slept == []


async def test_when_no_model_answers_the_run_fails_and_nothing_stays_reserved(tmp_path: Path) -> None:
    async with bench(tmp_path, ScriptedModel([busy()])) as b:
        result = await b.agent.run(b.job)
        assert result.outcome is Outcome.FAILED
        assert len(b.model.asked) == 6
        async with b.store.read() as tx:
            assert (await tx.ledger.spend(THREAD.id)).usd == 0


async def test_p9_a_run_can_be_re_read_step_by_step(tmp_path: Path) -> None:
    async with bench(tmp_path, ScriptedModel([busy(), FOUND, says("Press Invite.")])) as b:
        await b.agent.run(b.job)
        async with b.store.read() as tx:
            events = await tx.traces.of_conversation(THREAD.id)
        assert [(e.action.value, e.step, e.ok) for e in events] == [
            ("llm_call", 1, False), ("llm_call", 1, True), ("tool_call", 1, True), ("tool_result", 1, True),
            ("llm_call", 2, True),
        ]  # fmt: skip
        assert [e.ref for e in events] == ["m1", "m1", FOUND_REF, FOUND_REF, "m2"]


async def test_after_a_crash_the_run_resumes_at_the_step_and_asks_nothing_twice(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def die(request: object) -> ModelReply:
        raise Killed

    model = ScriptedModel([FOUND, die])
    async with bench(tmp_path, model) as b:
        with pytest.raises(Killed):
            await b.agent.run(b.job)
        b.model.script = [says("After the crash.")]
        asked = len(b.model.asked)
        result = await b.agent.run(b.job)
        assert (result.text, result.evidence[0].tool) == ("After the crash.", "search_knowledge_base")
        assert len(b.model.asked) == asked + 1
        async with b.store.read() as tx:
            spend = await tx.ledger.spend(THREAD.id)
        assert spend.reserved == 0


async def test_cache_reads_do_not_count_against_the_token_limit(tmp_path: Path) -> None:
    cached = replace(says("Fine."), usage=Usage(input=10, output=10, cache_read=90_000))
    async with bench(tmp_path, ScriptedModel([replace(FOUND, usage=cached.usage), cached])) as b:
        result = await b.agent.run(b.with_limits(limit("100"), tokens=100_000))
        assert result.outcome is Outcome.ANSWERED
        async with b.store.read() as tx:
            assert (await tx.ledger.spend(THREAD.id)).usage.counted == 40


def test_the_journal_keeps_replies_whole() -> None:
    adapter = TypeAdapter(ModelReply)
    reply = says("Ünïcode ✓", SOURCE)
    assert adapter.validate_json(adapter.dump_json(reply)) == reply
    assert json.loads(adapter.dump_json(reply))["stop_reason"] == "end_turn"
