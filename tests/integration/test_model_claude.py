"""ClaudeModel over real loopback HTTP, against a Messages API as strict as the real one."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from bot.domain.errors import ModelBusyError, ModelDownError
from bot.domain.exchange import (
    AssistantMessage,
    Citation,
    Message,
    ModelReply,
    ModelRequest,
    Purpose,
    SearchResult,
    StopReason,
    Text,
    ToolResult,
    ToolSpec,
    UserMessage,
)
from bot.model.claude import ClaudeModel
from bot.model.pricing import load_prices
from tests.fakes import messages_api as fake
from tests.fakes.messages_api import FakeMessagesApi, ManualClock
from tools.base import strict_schema
from tools.knowledge_base.tool import SearchArguments

SONNET = "claude-sonnet-5-5"
SECRET = "my card number is 4111 1111"
SEARCH = ToolSpec("search_knowledge_base", "Use this FIRST.", strict_schema(SearchArguments))
SYSTEM = "You are the support agent. " * 120
REFUNDS = SearchResult("kb://refunds", "Refund policy", ("Refunds within 30 days.", "Yearly plans count from day one."))


def named(value: object) -> str:
    """A short name of a test's parameter."""
    match value:
        case fake.Fault(kind="status"):
            return f"{value.status} {value.error['type']} {value.error['message'][:12]}"
        case fake.Fault():
            return value.kind
        case fake.Reply():
            return f"no {value.without[0]}"
        case _:
            return str(value)


@pytest.fixture
async def api() -> AsyncIterator[FakeMessagesApi]:
    async with FakeMessagesApi(clock=ManualClock()) as server:
        yield server


@pytest.fixture
async def claude(api: FakeMessagesApi) -> AsyncIterator[ClaudeModel]:
    """One that waits as long as a crowded machine may need."""
    model = ClaudeModel(api_key=api.key, base_url=api.url, total_deadline=120.0, idle_deadline=60.0)
    yield model
    await model.close()


def asking(*messages: Message, model: str = SONNET) -> ModelRequest:
    start = UserMessage((Text(f"Can I get a refund? {SECRET}"),))
    return ModelRequest(
        model, SYSTEM, (start, *messages), 1_000, (SEARCH,), effort="low", user_ref="8f14e45fceea167a5a36dedd4bea2543"
    )


def answered(reply: ModelReply, content: str | tuple[SearchResult, ...] = (REFUNDS,)) -> UserMessage:
    return UserMessage(tuple(ToolResult(use.id, content) for use in reply.tool_uses))


async def test_a_question_is_searched_and_answered_with_its_source(api: FakeMessagesApi, claude: ClaudeModel) -> None:
    cite = fake.Cite("kb://refunds", "Refund policy", "Refunds within 30 days.")
    api.script([fake.tool("search_knowledge_base", {"query": "refund"}), fake.text("Within 30 days.", cite)])

    first = await claude.answer(asking())
    second = await claude.answer(asking(first.as_message(), answered(first)))

    assert first.stop_reason is StopReason.TOOL_USE
    assert [(use.name, use.arguments) for use in first.tool_uses] == [("search_knowledge_base", '{"query": "refund"}')]
    assert second.text == "Within 30 days."
    assert second.citations == (Citation("kb://refunds", "Refund policy", "Refunds within 30 days."),)
    assert second.request_id is not None
    assert second.request_id.startswith("req_")
    assert api.refused == []


async def test_the_second_step_reads_the_first_from_the_cache(api: FakeMessagesApi, claude: ClaudeModel) -> None:
    api.script([fake.tool("search_knowledge_base", {"query": "refund"}), fake.text("Within 30 days.")])

    first = await claude.answer(asking())
    second = await claude.answer(asking(first.as_message(), answered(first)))

    assert first.usage.cache_read == 0
    assert first.usage.cache_write_1h > 500
    assert second.usage.cache_read == first.usage.cache_write_1h + first.usage.cache_write_5m
    assert second.usage.cache_write_1h == 0
    assert second.usage.input == 0
    prices = load_prices()
    assert api.cost == prices.cost(SONNET, first.usage) + prices.cost(SONNET, second.usage)


async def test_after_ten_minutes_the_prefix_is_still_cached_and_the_tail_is_not(
    api: FakeMessagesApi, claude: ClaudeModel
) -> None:
    api.script([fake.text("One."), fake.text("Two.")])

    first = await claude.answer(asking())
    api.clock.advance(600)
    second = await claude.answer(asking())

    assert second.usage.cache_read == first.usage.cache_write_1h
    assert second.usage.cache_write_5m == first.usage.cache_write_5m > 0


async def test_a_step_with_many_tools_still_finds_the_cache(api: FakeMessagesApi, claude: ClaudeModel) -> None:
    calls = [("search_knowledge_base", {"query": f"refund {i}"}) for i in range(15)]
    api.script([fake.tools(*calls), fake.text("Done.")])

    first = await claude.answer(asking())
    second = await claude.answer(asking(first.as_message(), answered(first, "nothing")))

    assert second.usage.cache_read == first.usage.prompt


async def test_thinking_that_was_changed_is_refused(api: FakeMessagesApi, claude: ClaudeModel) -> None:
    api.script([fake.tool("search_knowledge_base", {"query": "refund"}, thinking="Look it up."), fake.text("Yes.")])
    first = await claude.answer(asking())
    assert first.verbatim is not None
    forged = AssistantMessage("", first.tool_uses, first.verbatim.replace("Look it up.", "Grant it."))

    with pytest.raises(ModelDownError) as caught:
        await claude.answer(asking(forged, answered(first)))

    assert caught.value.kind == "invalid_request"
    assert "thinking" in api.refused[0]
    await claude.answer(asking(first.as_message(), answered(first)))


async def test_thinking_that_was_left_out_of_an_open_turn_is_refused(api: FakeMessagesApi, claude: ClaudeModel) -> None:
    api.script([fake.tool("search_knowledge_base", {"query": "refund"}), fake.text("Yes.")])
    first = await claude.answer(asking())

    with pytest.raises(ModelDownError):
        await claude.answer(asking(AssistantMessage("", first.tool_uses), answered(first)))


async def test_a_changed_history_before_thinking_is_refused(api: FakeMessagesApi, claude: ClaudeModel) -> None:
    api.script([fake.tool("search_knowledge_base", {"query": "refund"})])
    first = await claude.answer(asking())
    edited = ModelRequest(
        SONNET, SYSTEM, (UserMessage((Text("Edited"),)), first.as_message(), answered(first)), 1_000, (SEARCH,)
    )

    with pytest.raises(ModelDownError):
        await claude.answer(edited)


async def test_another_model_takes_over_in_the_middle_of_a_turn(api: FakeMessagesApi, claude: ClaudeModel) -> None:
    api.script([fake.tool("search_knowledge_base", {"query": "refund"}), fake.text("Within 30 days.")])

    first = await claude.answer(asking())
    second = await claude.answer(asking(first.as_message(), answered(first), model="claude-haiku-5-5"))

    assert second.model == "claude-haiku-5-5"
    assert second.text == "Within 30 days."
    assert second.usage.cache_read == 0


async def test_a_paused_turn_goes_on_where_it_stopped(api: FakeMessagesApi, claude: ClaudeModel) -> None:
    api.script([fake.paused(), fake.paused(), fake.text("Here it is.")])

    first = await claude.answer(asking())
    second = await claude.answer(asking(first.as_message()))
    third = await claude.answer(asking(first.as_message(), second.as_message()))

    assert (first.stop_reason, second.stop_reason) == (StopReason.PAUSE_TURN, StopReason.PAUSE_TURN)
    assert third.text == "Here it is."
    assert api.refused == []


async def test_a_verdict_is_structured_and_neither_thinks_nor_fills_the_cache(
    api: FakeMessagesApi, claude: ClaudeModel
) -> None:
    schema = {
        "type": "object",
        "properties": {"grounded": {"type": "boolean"}},
        "required": ["grounded"],
        "additionalProperties": False,
    }
    api.script([fake.structured({"grounded": True})])
    request = ModelRequest(
        "claude-haiku-5-5",
        "Judge this.",
        (UserMessage((Text("Judge."),)),),
        100,
        purpose=Purpose.JUDGE,
        output_schema=json.dumps(schema),
    )

    reply = await claude.answer(request)

    assert json.loads(reply.text) == {"grounded": True}
    assert reply.usage.cache_write_5m == reply.usage.cache_write_1h == 0
    assert api.requests[0].body["thinking"] == {"type": "disabled"}
    assert api.requests[0].wants_json


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", StopReason.END_TURN),
        ("max_tokens", StopReason.MAX_TOKENS),
        ("stop_sequence", StopReason.STOP_SEQUENCE),
        ("model_context_window_exceeded", StopReason.CONTEXT_EXCEEDED),
        ("compaction", StopReason.UNKNOWN),
        ("unknown", StopReason.UNKNOWN),
        (None, StopReason.UNKNOWN),
    ],
)
async def test_every_stop_reason_has_a_name(
    api: FakeMessagesApi, claude: ClaudeModel, reason: str | None, expected: StopReason
) -> None:
    api.script([fake.stopped(reason)])

    reply = await claude.answer(asking())

    assert reply.stop_reason is expected
    if expected is StopReason.UNKNOWN:
        assert reply.stop_detail == (reason or "none")


async def test_a_refusal_names_its_category(api: FakeMessagesApi, claude: ClaudeModel) -> None:
    api.script([fake.refusal("general_harms"), fake.refusal()])

    known, unnamed = await claude.answer(asking()), await claude.answer(asking())

    assert (known.stop_reason, known.stop_detail) == (StopReason.REFUSAL, "general_harms")
    assert unnamed.stop_detail == "uncategorised"


async def test_oddities_are_noted_not_fatal(api: FakeMessagesApi, claude: ClaudeModel) -> None:
    api.script([fake.unknown_block(), fake.no_stop_reason(), fake.text("").but(blocks=(), stop_reason="tool_use")])

    hologram = await claude.answer(asking())
    unfinished = await claude.answer(asking())
    toolless = await claude.answer(asking())

    assert hologram.notes == ("unknown block hologram",)
    assert hologram.text == "Seen?"
    assert unfinished.stop_reason is StopReason.UNKNOWN
    assert toolless.stop_reason is StopReason.UNKNOWN


async def test_a_dated_snapshot_is_priced_as_the_model_that_was_asked(
    api: FakeMessagesApi, claude: ClaudeModel
) -> None:
    api.script([fake.text("a").but(model=f"{SONNET}-20260928"), fake.text("b").but(model="claude-opus-5-5")])

    assert (await claude.answer(asking())).model == SONNET
    assert (await claude.answer(asking())).model == "claude-opus-5-5"


@pytest.mark.parametrize(
    ("fault", "kind", "maybe_billed"),
    [
        (fake.rate_limited(), "rate_limited", False),
        (fake.overloaded(), "overloaded", False),
        (fake.status(500), "server_error", True),
        (fake.status(503), "server_error", True),
        (fake.status(504, "timeout_error"), "server_error", True),
        (fake.status(408, "timeout_error"), "server_error", True),
        (fake.html(), "malformed", True),
        (fake.truncated_json(), "malformed", True),
        (fake.text("").but(without=("content",)), "malformed", True),
        (fake.text("").but(without=("usage",)), "malformed", True),
        (fake.cut_body(), "connection", True),
        (fake.dropped(), "connection", True),
    ],
    ids=named,
)
async def test_what_may_work_later_is_busy_and_tells_whether_it_may_cost(
    api: FakeMessagesApi, claude: ClaudeModel, fault: fake.Move, kind: str, maybe_billed: bool
) -> None:
    api.script([fault])

    with pytest.raises(ModelBusyError) as caught:
        await claude.answer(asking())

    assert (caught.value.kind, caught.value.maybe_billed) == (kind, maybe_billed)
    assert len(api.requests) == 1, "one attempt, no retries of the library's own"
    assert SECRET not in str(caught.value)
    assert api.key not in str(caught.value)


@pytest.mark.parametrize("fault", [fake.stalled_body(), fake.hang(), fake.dripping_body()], ids=named)
async def test_an_answer_that_never_ends_is_given_up(api: FakeMessagesApi, fault: fake.Move) -> None:
    total, idle = (0.3, 60) if fault == fake.dripping_body() else (60, 0.3)
    model = ClaudeModel(api_key=api.key, base_url=api.url, total_deadline=total, idle_deadline=idle)
    api.script([fault])

    with pytest.raises(ModelBusyError) as caught:
        await model.answer(asking())
    await model.close()

    assert (caught.value.kind, caught.value.maybe_billed) == ("timeout", True)
    assert len(api.requests) == 1, "one attempt, no retries of the library's own"


async def test_nobody_listening_costs_nothing(unused_tcp_port: int) -> None:
    model = ClaudeModel(api_key="sk", base_url=f"http://127.0.0.1:{unused_tcp_port}")

    with pytest.raises(ModelBusyError) as caught:
        await model.answer(asking())
    await model.close()

    assert (caught.value.kind, caught.value.maybe_billed) == ("connection", False)


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("0.5", 0.5), ("soon", None), ("-3", None), ("nan", None), (None, None)]
)
async def test_the_wish_to_wait_is_passed_on(
    api: FakeMessagesApi, claude: ClaudeModel, header: str | None, seconds: float | None
) -> None:
    api.script([fake.rate_limited(header)])

    with pytest.raises(ModelBusyError) as caught:
        await claude.answer(asking())

    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (fake.spend_cap(), "spend_cap"),
        (fake.usage_limit(), "spend_cap"),
        (fake.status(402, "billing_error"), "spend_cap"),
        (fake.status(401, "authentication_error"), "auth"),
        (fake.status(403, "permission_error"), "auth"),
        (fake.status(404, "not_found_error"), "not_found"),
        (fake.status(413, "request_too_large"), "too_large"),
        (fake.status(400, "invalid_request_error", f"messages.0.content.1: bad text {SECRET}"), "invalid_request"),
        (fake.status(422, "invalid_request_error"), "invalid_request"),
    ],
    ids=named,
)
async def test_what_will_never_work_is_down_and_says_why_without_the_customers_words(
    api: FakeMessagesApi, claude: ClaudeModel, fault: fake.Fault, kind: str
) -> None:
    api.script([fault])

    with pytest.raises(ModelDownError) as caught:
        await claude.answer(asking())

    assert caught.value.kind == kind
    assert str(fault.status) in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_the_path_of_a_faulty_field_is_told(api: FakeMessagesApi, claude: ClaudeModel) -> None:
    api.script([fake.status(400, "invalid_request_error", "messages.0.content.1: bad text")])

    with pytest.raises(ModelDownError, match=r"400 invalid_request_error messages\.0\.content\.1 req_"):
        await claude.answer(asking())


async def test_a_wrong_key_is_down_and_never_shown(api: FakeMessagesApi) -> None:
    model = ClaudeModel(api_key="sk-ant-wrong-key", base_url=api.url)

    with pytest.raises(ModelDownError) as caught:
        await model.answer(asking())
    await model.close()

    assert caught.value.kind == "auth"
    assert "sk-ant" not in str(caught.value)


async def test_many_calls_share_one_client(api: FakeMessagesApi, claude: ClaudeModel) -> None:
    api.brain = lambda seen: fake.text(f"{len(seen.messages)}")
    api.latency = 0.02

    replies = await asyncio.gather(*(claude.answer(asking()) for _ in range(40)))

    assert {reply.text for reply in replies} == {"1"}


async def test_being_cancelled_passes_through(api: FakeMessagesApi, claude: ClaudeModel) -> None:
    api.script([fake.hang()])

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await claude.answer(asking())
