"""What other programs are told of a day at the desk: one trace a turn, figures that add up, and no word of anybody."""

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.fakes.desk import Desk, open_desk
from tests.fakes.desk_claude import Claude, answer_from_source, at_once, escalate, lookup, search, ticket
from tests.fakes.desk_people import Thread
from tests.fakes.messages_api import Reply, Seen, overloaded, text, tool, tools
from tests.fakes.otlp import Collector, Received, collecting

QUESTION = "Zanzibar chandelier: how do I invite a guest to my board?"
NAMES = ("Ana Ruiz", "Cobalt Studio", "Ruiz", "cobalt-studio")
WORDS = re.compile(r"[^\W\d_]{4,}")
E_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[a-z]+")
TOKENS = re.compile(r"xox[a-z]-|xapp-|sk-ant-|sandbox-signing-secret|hunter2")


@asynccontextmanager
async def watched(
    folder: Path, template: Path, claude: Claude, collector: Collector, **more: str
) -> AsyncIterator[Desk]:
    """A desk that tells a collector and Prometheus."""
    sends = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer hunter2",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test",
        "METRICS": "True",
    }
    async with open_desk(folder, claude=claude, template=template, **sends, **more) as desk:
        desk.expects_errors = True
        yield desk


def leaks(told: str, said: Iterable[str]) -> list[str]:
    """Three words in a row of what somebody said, a name, an address or a token, in what was told."""
    found = [name for name in NAMES if name in told]
    found += [*E_MAIL.findall(told), *TOKENS.findall(told)]
    heard = " ".join(WORDS.findall(told.lower()))
    for words in (WORDS.findall(one.lower()) for one in said):
        phrases = {" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))} if words else set()
        found += sorted(phrase for phrase in phrases if len(phrase) > 12 and phrase in heard)
    return found


async def a_bad_day(desk: Desk) -> tuple[list[str], Thread]:
    """Everything that can happen; all that was said in it, and the thread where it began."""
    ana, claude = desk.customer(), desk.claude
    claude.will(
        at_once(overloaded()),
        lookup("ana@cobalt-studio.example"),
        tools(("search_knowledge_base", {"query": "invite a guest", "category": "any"}), ("Ana Ruiz secret tool", {})),
        answer_from_source("Zanzibar: press *Share*, then *Invite guest*."),
    )
    first = await ana.asks(QUESTION)
    await first.answer()
    claude.will(ticket(subject="The mahogany export fails"), text("I opened a ticket about the mahogany export."))
    second = await ana.asks("My mahogany export stops at half of the cards, card 4111 1111 1111 1111")
    await second.answer()
    refund = {"customer_email": "ana@cobalt-studio.example", "amount_usd": 252, "reason": "The walrus charged me twice"}
    claude.will(tool("issue_refund", refund), text("A colleague has to approve the walrus refund first."))
    third = await ana.asks("The walrus charged me twice, refund me please")
    await third.answer()
    claude.will(text("The walrus refund was issued."))
    await desk.staff("U0LEO", "C0BILLING").presses("Approve", await desk.card("C0BILLING"))
    await third.says("walrus refund was issued")
    await desk.settled()
    desk.jam("escalations")  # from here on a tool crashes with the whole case in its exception
    await desk.driver.call("fault", method="chat.update", kind="error", error="invalid_blocks")
    await desk.driver.call("fault", method="chat.postMessage", kind="ratelimited", retry_after=0)
    claude.will(ticket(priority="periwinkle"), escalate("Periwinkle for everybody"), text("Please write to us again."))
    fourth = await ana.asks("Periwinkle trouble with my password hunter2, help")
    await fourth.answer()
    await desk.settled()
    replies = [m.everything for channel in ("C0SUPPORT", "C0STAFF", "C0BILLING") for m in desk.channel(channel)]
    planned = ["Periwinkle for everybody", "The mahogany export fails", "The walrus charged me twice", "secret tool"]
    return [*desk.said, *planned, *_of_customers(replies)], first


def _of_customers(replies: list[str]) -> list[str]:
    return [reply for reply in replies if any(w in reply.lower() for w in ("zanzibar", "mahogany", "walrus", "periw"))]


async def _page(desk: Desk) -> str:
    address = desk.bot.address  # type: ignore[union-attr]  # the bot of this story runs in this process
    assert address is not None
    async with ClientSession() as session, session.get(f"{address.url}/metrics") as answer:
        assert answer.status == 200
        return await answer.text()


async def test_a_bad_day_is_told_in_traces_and_figures_without_a_word_of_anybody(
    tmp_path: Path, template: Path, claude: Claude
) -> None:
    async with collecting() as collector:
        async with watched(tmp_path, template, claude, collector) as desk:
            said, _ = await a_bad_day(desk)
            page = await _page(desk)
            log = desk.logs.getvalue()
        assert_a_turn_is_one_trace(collector, [line for line in desk.log_lines() if line["event"] == "trace.step"])
        assert_the_figures_add_up(collector, page)
        told = {"log": log, "collector": collector.everything(), "page": page}
        for where, what in told.items():
            assert leaks(what, said) == [], where
        # and this would have found them
        for planted in (said[0], "write to ana@cobalt-studio.example", "Ana Ruiz", "xoxb-1", "hunter2"):
            assert leaks(f"{log}\n{planted}", said) != [], planted
        assert collector.resource["deployment.environment"] == "test"


def assert_a_turn_is_one_trace(collector: Collector, steps_told: list[dict[str, Any]]) -> None:
    turns = collector.named("turn")
    assert len({turn.trace for turn in turns}) == len(turns) == 5  # four questions, and what followed the approval
    by_outcome = {turn["deskhand.outcome"] for turn in turns}
    assert by_outcome == {"answered", "awaiting_approval"}
    turn = turns[0]
    assert {line["trace_id"] for line in steps_told if line["run"] == turn["deskhand.run.id"]} == {turn.trace}
    assert turn.parent == ""
    assert {"invoke_agent support", "deliver live", "deliver answer"} == set(collector.children(turn))
    [run] = [span for span in collector.named("invoke_agent support") if span.trace == turn.trace]
    assert collector.children(run)[:3] == ["step", "step", "step"]
    steps = sorted((s for s in collector.named("step") if s.parent == run.id), key=lambda span: span.start)
    assert collector.children(steps[0]) == [
        "chat claude-sonnet-5-5", "chat claude-sonnet-5-5", "execute_tool lookup_customer",
    ]  # fmt: skip
    failed, reply = chats(collector, steps[0])
    assert (failed.failed, failed["error.type"]) == (True, "overloaded")
    assert reply["gen_ai.usage.input_tokens"] > 0
    assert reply["gen_ai.response.finish_reasons"] == ["tool_use"]
    assert turn.start <= run.start <= steps[0].start
    assert steps[-1].end <= run.end <= turn.end
    assert {s["error.type"] for s in collector.named("execute_tool create_ticket") if s.failed} == {"tool_error"}
    assert [s["error.type"] for s in collector.named("execute_tool escalate_to_human")] == ["IntegrityError"]
    ids = {(span.trace, span.id) for span in collector.spans}
    assert len(ids) == len(collector.spans)
    assert {span.parent for span in collector.spans} - {""} <= {span_id for _, span_id in ids}


def chats(collector: Collector, step: Received) -> list[Received]:
    found = (span for span in collector.spans if span.parent == step.id and span.name.startswith("chat"))
    return sorted(found, key=lambda span: span.start)


def assert_the_figures_add_up(collector: Collector, page: str) -> None:
    assert collector.value("deskhand.runs") == 5
    assert collector.value("deskhand.runs", outcome="answered") >= 2
    assert collector.value("deskhand.tool.calls", tool="search_knowledge_base", result="ok") == 1
    assert collector.value("deskhand.tool.calls", tool="unknown", result="error") == 1
    assert collector.value("deskhand.tool.calls", tool="issue_refund", result="pending") == 1
    assert collector.value("deskhand.first_sign.duration") >= 4
    assert collector.value("deskhand.answer.duration") >= 4
    assert collector.value("deskhand.cost.usd", profile="support") > 0
    assert collector.value("gen_ai.client.token.usage", **{"gen_ai.token.type": "input"}) > 0
    assert collector.value("gen_ai.client.operation.duration", **{"error.type": "overloaded"}) == 1
    assert collector.value("deskhand.retries", of="model") == 1
    for line in (
        'deskhand_runs_total{outcome="answered",profile="support"}', "deskhand_escalations_open",
        'deskhand_approvals_waiting', 'deskhand_breaker_state{breaker="claude-sonnet-5-5"} 0.0',
        "deskhand_database_up 1.0", "deskhand_search_duration_seconds_bucket", "gen_ai_client_token_usage_bucket",
        "deskhand_queue_waiting", "deskhand_outbox_waiting", "deskhand_knowledge_articles",
    ):  # fmt: skip
        assert line in page, line


async def test_a_turn_that_is_interrupted_by_a_restart_is_one_trace(
    tmp_path: Path, template: Path, claude: Claude, monkeypatch: pytest.MonkeyPatch
) -> None:
    def search_and_hold(_: Seen) -> Reply:
        claude.hold()
        return search()

    monkeypatch.setattr("bot.app.DRAIN_SECONDS", 0.05)  # a stop does not wait for runs
    asks = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"}
    async with collecting() as collector, watched(tmp_path, template, claude, collector, **asks) as desk:
        claude.will(search_and_hold)
        thread = await desk.customer().asks("How do I invite a guest to a board?")
        await claude.is_asked(2)
        await desk.bot.stop()
        assert collector.named("execute_tool search_knowledge_base") != []
        assert collector.named("turn") == []
        claude.will(answer_from_source("Press *Share*, then *Invite guest*."))
        claude.let_go()
        await desk.bot.start()
        await thread.answer()
        await desk.settled()
        await desk.bot.stop()
        [turn] = collector.named("turn")
        assert {span.trace for span in collector.spans} == {turn.trace}
        assert len({span.attributes["deskhand.step"] for span in collector.named("step")}) == 2
        ids = [span.id for span in collector.spans]
        assert len(set(ids)) == len(ids)
        assert {span.parent for span in collector.spans} <= {"", *ids}
        [found] = collector.named("execute_tool search_knowledge_base")  # with words, for once: they were asked for
        assert "invite a guest" in found["gen_ai.tool.call.arguments"]
        assert "guests" in found["gen_ai.tool.call.result"]
        assert "invite a guest" not in desk.logs.getvalue()
