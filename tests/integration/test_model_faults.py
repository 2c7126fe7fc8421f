"""What happens to a call when Claude misbehaves: how often it is tried, what it is charged, who answers instead.

Real HTTP, the real ledger; the pauses between attempts are not slept.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from bot.agent.breakers import ModelBreakers
from bot.agent.calls import BREAKER_OPEN, ModelCalls
from bot.agent.loop import Agent, Halt, RunResult
from bot.config import Settings
from bot.domain.answer import Outcome
from bot.domain.errors import ModelBusyError, ModelDownError
from bot.domain.exchange import ModelRequest
from bot.domain.trace import TraceEvent
from bot.model.claude import COUNT_SECONDS, ClaudeModel, share_of_deadline
from bot.ports.model import Model
from bot.workspaces.office import Offices
from bot.workspaces.plan import Plan
from tests.fakes import messages_api as fake
from tests.fakes.agents import THREAD, Bench, bench
from tests.fakes.messages_api import FakeMessagesApi
from tests.fakes.messages_script import Json
from tests.fakes.models import FlatPrices, ScriptedModel, busy, says
from tests.fakes.tools import HeldClock
from tools.noticeboard import Noticeboard

SEARCH = "search_knowledge_base"
ENDLESS = (fake.stalled_body(), fake.dripping_body(), fake.hang())


@dataclass
class Ward:
    """A run whose models misbehave."""

    bench: Bench
    clock: HeldClock
    model: Model
    runs: int = 0

    def breakers(self) -> ModelBreakers:
        """Those of one more process."""
        shared = Noticeboard(self.bench.store.breakers, clock=self.clock, wall=self.clock)
        return ModelBreakers(shared, self.clock)

    async def run(self, breakers: ModelBreakers) -> RunResult:
        """One more turn."""
        self.runs += 1

        async def sleep(seconds: float) -> None:
            self.bench.slept.append(seconds)

        calls = ModelCalls(self.model, FlatPrices(), self.bench.store, lambda: 1000.0, breakers=breakers, sleep=sleep)
        return await Agent(calls).run(replace(self.bench.job, prefix=f"m{self.runs}:"))

    async def traced(self) -> list[TraceEvent]:
        async with self.bench.store.read() as tx:
            return await tx.traces.of_conversation(THREAD.id)

    async def paid(self, model: str) -> dict[str, int]:
        """How many calls of a model were charged at their worst case, charged as told, or not charged."""
        query = "select case when state = 'released' then 'free' when input = 0 then 'worst' else 'exact' end as kind,"
        query += " count(*) as n from ledger where model = :model group by kind"
        async with self.bench.store.read() as tx:
            rows = await tx.connection.execute(sa.text(query), {"model": model})
            return {row.kind: row.n for row in rows}


@asynccontextmanager
async def ward(folder: Path, model: Model) -> AsyncIterator[Ward]:
    async with bench(folder, ScriptedModel()) as b:
        yield Ward(b, HeldClock(), model)


@asynccontextmanager
async def ward_on_http(folder: Path, move: fake.Move) -> AsyncIterator[tuple[Ward, FakeMessagesApi]]:
    """The first model always answers with `move`; the second is well."""

    def brain(seen: fake.Seen) -> fake.Move:
        return move if seen.body["model"] == "first" else fake.text("From the second.")

    total, idle = (3.0, 1.0) if move in ENDLESS else (120.0, 60.0)  # only what never ends is worth little patience
    async with FakeMessagesApi(brain=brain) as api:
        model = ClaudeModel(api_key=api.key, base_url=api.url, total_deadline=total, idle_deadline=idle)
        async with ward(folder, model) as w:
            yield w, api
        await model.close()


@pytest.mark.parametrize(("max_tokens", "seconds"), [(1, 48), (400, 55), (1_000, 66), (2_048, 84), (8_192, 120)])
def test_the_less_there_is_to_write_the_sooner_a_call_is_given_up(max_tokens: int, seconds: int) -> None:
    request = ModelRequest("m", "S", (), max_tokens)
    assert round(120 * share_of_deadline(request)) == seconds


FREE, WORST = "free", "worst"
TABLE = [
    ("429", fake.rate_limited(), 3, FREE, "rate_limited"),
    ("429, Retry-After 0", fake.rate_limited("0"), 3, FREE, "rate_limited"),
    ("429, Retry-After 90", fake.rate_limited("90"), 1, FREE, "rate_limited"),
    ("429, spend cap", fake.spend_cap(), 1, FREE, "spend_cap"),
    ("400, own spending limit", fake.usage_limit(), 1, FREE, "spend_cap"),
    ("529", fake.overloaded(), 3, FREE, "overloaded"),
    ("500", fake.status(500), 3, WORST, "server_error"),
    ("503", fake.status(503), 3, WORST, "server_error"),
    ("504", fake.status(504, "timeout_error"), 3, WORST, "server_error"),
    ("413", fake.status(413, "request_too_large"), 1, FREE, "too_large"),
    ("400", fake.status(400, "invalid_request_error"), 1, FREE, "invalid_request"),
    ("401", fake.status(401, "authentication_error"), 1, FREE, "auth"),
    ("404", fake.status(404, "not_found_error"), 1, FREE, "not_found"),
    ("HTML with 200", fake.html(), 3, WORST, "malformed"),
    ("truncated JSON", fake.truncated_json(), 3, WORST, "malformed"),
    ("no usage", fake.text("").but(without=("usage",)), 3, WORST, "malformed"),
    ("cut body", fake.cut_body(), 3, WORST, "connection"),
    ("dropped", fake.dropped(), 3, WORST, "connection"),
    ("stalled body", fake.stalled_body(), 1, WORST, "timeout"),
    ("dripping body", fake.dripping_body(), 1, WORST, "timeout"),
    ("ten minutes of silence", fake.hang(), 1, WORST, "timeout"),
]


@pytest.mark.parametrize(("fault", "attempts", "charge", "kind"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE])
async def test_every_failure_has_its_attempts_its_charge_and_its_name(
    tmp_path: Path, fault: fake.Move, attempts: int, charge: str, kind: str
) -> None:
    async with ward_on_http(tmp_path, fault) as (w, api):
        result = await w.run(w.breakers())
        assert (result.outcome, result.text) == (Outcome.ANSWERED, "From the second.")
        assert [seen.body["model"] for seen in api.requests] == ["first"] * attempts + ["second"]
        assert await w.paid("first") == {charge: attempts}
        assert await w.paid("second") == {"exact": 1}
        assert [event.error for event in await w.traced()] == [kind] * attempts + [""]


@pytest.mark.parametrize(
    ("move", "outcome"),
    [
        (fake.no_stop_reason(), Outcome.FAILED),
        (fake.stopped("surprise"), Outcome.FAILED),
        (fake.stopped("model_context_window_exceeded"), Outcome.FAILED),
        (fake.refusal("general_harms"), Outcome.REFUSED),
        (fake.unknown_block(), Outcome.ANSWERED),
    ],
    ids=["no stop_reason", "unknown stop_reason", "context exceeded", "refusal", "unknown block"],
)
async def test_odd_answers_are_paid_exactly_and_end_as_designed(
    tmp_path: Path, move: fake.Move, outcome: Outcome
) -> None:
    async with ward_on_http(tmp_path, move) as (w, api):
        assert (await w.run(w.breakers())).outcome is outcome
        assert len(api.requests) == 1
        assert await w.paid("first") == {"exact": 1}


def two_calls(first: Json, second: Json, *, ids: tuple[str, str] = ("toolu_same", "toolu_same")) -> fake.Reply:
    uses = (
        {"type": "tool_use", "id": i, "name": SEARCH, "input": a} for i, a in zip(ids, (first, second), strict=True)
    )
    return fake.Reply(({"type": "thinking", "thinking": "Hm."}, *uses), "tool_use")


@pytest.mark.parametrize(
    ("reply", "searched"),
    [
        (two_calls({"query": "a"}, {"query": "b"}), ["a", "b"]),
        (two_calls({"query": "a"}, {"query": "a"}), ["a"]),
        (two_calls({"query": "a"}, {"query": "b"}, ids=("", "")), ["a", "b"]),
    ],
    ids=["two calls, one id", "one call twice", "no ids"],
)
async def test_tool_calls_that_share_an_id_do_not_end_the_run(
    tmp_path: Path, reply: fake.Reply, searched: list[str]
) -> None:
    async with ward_on_http(tmp_path, fake.text("")) as (w, api):
        api.script([reply, fake.text("Found.")])
        result = await w.run(w.breakers())
        assert (result.outcome, result.text) == (Outcome.ANSWERED, "Found.")
        assert [f'"{word}"' in found.arguments for word, found in zip(searched, result.evidence, strict=True)]
        assert api.refused == []


async def test_an_id_that_comes_again_in_a_later_step_is_another_call(tmp_path: Path) -> None:
    def again(words: str) -> fake.Reply:
        return fake.Reply(
            ({"type": "tool_use", "id": "toolu_1", "name": SEARCH, "input": {"query": words}},), "tool_use"
        )

    async with ward_on_http(tmp_path, fake.text("")) as (w, api):
        api.script([again("a"), again("b"), fake.text("Found.")])
        result = await w.run(w.breakers())
        assert [e.arguments for e in result.evidence] == ['{"query": "a"}', '{"query": "b"}']
        used = [b["id"] for m in api.requests[-1].messages for b in m["content"] if b["type"] == "tool_use"]
        assert len(set(used)) == 2


async def test_in_an_outage_the_second_model_is_asked_at_once(tmp_path: Path) -> None:
    async with ward_on_http(tmp_path, fake.overloaded()) as (w, api):
        breakers = w.breakers()
        await w.run(breakers)
        await w.run(breakers)
        before = len(api.requests)
        w.bench.slept.clear()
        result = await w.run(breakers)
        assert result.text == "From the second."
        assert [seen.body["model"] for seen in api.requests[before:]] == ["second"]
        assert w.bench.slept == []
        assert breakers.left_alone() == {"first": "overloaded"}
        assert [(e.name, e.error) for e in (await w.traced())[-2:]] == [("first", BREAKER_OPEN), ("second", "")]


async def test_five_failures_are_enough_for_everybody(tmp_path: Path) -> None:
    async with ward_on_http(tmp_path, fake.status(500)) as (w, api):
        breakers = w.breakers()
        for _ in range(4):
            await w.run(breakers)
        assert [seen.body["model"] for seen in api.requests].count("first") == 5
        assert await w.paid("first") == {WORST: 5}, "calls that are not made cost nothing"


async def test_an_outage_one_process_finds_is_known_to_the_others(tmp_path: Path) -> None:
    async with ward_on_http(tmp_path, fake.overloaded()) as (w, api):
        one, other = w.breakers(), w.breakers()
        await w.run(one)
        await w.run(one)
        before = len(api.requests)
        await w.run(other)
        assert [seen.body["model"] for seen in api.requests[before:]] == ["second"]


async def test_it_closes_by_itself_with_the_first_call_that_works(tmp_path: Path) -> None:
    async with ward_on_http(tmp_path, fake.overloaded()) as (w, api):
        breakers = w.breakers()
        await w.run(breakers)
        await w.run(breakers)
        api.brain = lambda seen: fake.text(f"Well again, says the {seen.body['model']}.")
        assert (await w.run(breakers)).text == "Well again, says the second."
        w.clock.now += 31.0
        assert (await w.run(breakers)).text == "Well again, says the first."
        assert breakers.left_alone() == {}


async def test_the_trial_is_one_attempt_of_one_customer(tmp_path: Path) -> None:
    async with ward_on_http(tmp_path, fake.overloaded()) as (w, api):
        breakers = w.breakers()
        await w.run(breakers)
        await w.run(breakers)
        w.clock.now += 31.0
        before = len(api.requests)
        await w.run(breakers)
        await w.run(breakers)
        assert [seen.body["model"] for seen in api.requests[before:]] == ["first", "second", "second"]


async def test_a_trial_that_takes_as_long_as_the_longest_call_is_not_overtaken_by_another_process(
    tmp_path: Path,
) -> None:
    async with ward(tmp_path, ScriptedModel()) as w:
        boards = [Noticeboard(w.bench.store.breakers, clock=w.clock, wall=w.clock) for _ in range(2)]
        one, other = (ModelBreakers(board, w.clock, longest_call=240.0) for board in boards)
        await refused(one)
        w.clock.now += 61.0
        permit = await one.enter("first")
        assert permit is not None
        w.clock.now += 240.0 + 2 * COUNT_SECONDS
        assert await other.enter("first") is None, "it may have been counted twice and then taken all its time"
        async with one.weighing("first", permit):
            pass
        w.clock.now += 1.0
        assert await other.enter("first") is not None


async def test_the_operators_own_limit_of_a_call_is_that_of_its_trial(tmp_path: Path) -> None:
    settings, nothing = Settings.model_validate({"MODEL_SECONDS": "240"}), cast("Any", None)
    async with ward(tmp_path, ScriptedModel()) as w:
        store = w.bench.store
        offices = Offices(store, Plan.check(settings), w.model, nothing, nothing, settings, nothing)
        await refused(offices.breakers)
        await store.breakers.make_due()
        before = time.time()
        assert await offices.breakers.enter("first") is not None
        [mark] = (await store.breakers.marks()).values()
        assert mark.until is not None
        assert mark.until - before >= 240.0 + 2 * COUNT_SECONDS


async def refused(breakers: ModelBreakers) -> None:
    """The breaker opens at once."""
    permit = await breakers.enter("first")
    assert permit is not None
    with pytest.raises(ModelDownError):
        async with breakers.weighing("first", permit):
            raise ModelDownError("refused", kind="auth")


async def test_a_used_up_spending_limit_is_told_in_words_and_asked_again_after_a_quarter_of_an_hour(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with ward_on_http(tmp_path, fake.usage_limit()) as (w, api):
        breakers = w.breakers()
        await w.run(breakers)
        w.clock.now += 890.0
        await w.run(breakers)
        w.clock.now += 11.0
        await w.run(breakers)
        assert [seen.body["model"] for seen in api.requests] == ["first", "second", "second", "first", "second"]
    [told, _] = [r for r in caplog.records if r.getMessage() == "model.refuses"]
    assert "raise it in the Console" in str(told.__dict__["fields"])


async def test_a_wish_to_wait_for_long_is_granted_by_all(tmp_path: Path) -> None:
    async with ward_on_http(tmp_path, fake.rate_limited("90")) as (w, api):
        breakers = w.breakers()
        await w.run(breakers)
        w.clock.now += 89.0
        await w.run(breakers)
        assert [seen.body["model"] for seen in api.requests] == ["first", "second", "second"]


async def test_a_burst_is_no_outage(tmp_path: Path) -> None:
    async with ward_on_http(tmp_path, fake.rate_limited("2")) as (w, api):
        breakers = w.breakers()
        await w.run(breakers)
        await w.run(breakers)
        assert breakers.left_alone() == {"first": "rate_limited"}
        w.clock.now += 2.0
        api.brain = lambda seen: fake.text(f"From the {seen.body['model']}.")
        assert (await w.run(breakers)).text == "From the first."


async def test_a_call_that_hangs_after_another_failure_is_the_last_of_its_model(tmp_path: Path) -> None:
    hung = ModelBusyError("no answer", kind="timeout", maybe_billed=True)
    model = ScriptedModel([busy(), hung, says("From the second.")])
    async with ward(tmp_path, model) as w:
        await w.run(w.breakers())
        assert [request.model for request in model.agent_calls()] == ["first", "first", "second"]


async def test_a_request_refused_as_such_says_that_the_model_is_there(tmp_path: Path) -> None:
    async with ward_on_http(tmp_path, fake.status(400, "invalid_request_error")) as (w, _):
        breakers = w.breakers()
        for _n in range(7):
            await w.run(breakers)
        assert breakers.left_alone() == {}


async def test_when_all_models_are_left_alone_the_run_ends_at_once(tmp_path: Path) -> None:
    model = ScriptedModel([busy()])
    async with ward(tmp_path, model) as w:
        breakers = w.breakers()
        for _ in range(3):
            await w.run(breakers)
        asked = len(model.asked)
        w.bench.slept.clear()
        result = await w.run(breakers)
        assert (result.outcome, result.halt) == (Outcome.FAILED, Halt.MODELS)
        assert (len(model.asked), w.bench.slept) == (asked, [])


async def test_without_the_database_of_the_board_calls_go_on(tmp_path: Path) -> None:
    async with ward_on_http(tmp_path, fake.text("Fine.")) as (w, _):
        breakers = w.breakers()
        async with w.bench.store.write() as tx:
            await tx.connection.execute(sa.text("drop table breakers"))
        assert (await w.run(breakers)).text == "Fine."
