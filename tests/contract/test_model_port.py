"""Every Model keeps the port's promises."""

from collections.abc import AsyncIterator

import pytest

from bot.domain.exchange import ModelRequest, StopReason, Text, ToolResult, ToolSpec, UserMessage
from bot.model.claude import ClaudeModel
from bot.model.offline import OfflineModel
from bot.model.pricing import load_prices
from bot.ports.model import Model
from tests.fakes import messages_api as fake
from tools.base import strict_schema
from tools.knowledge_base.tool import SearchArguments

SEARCH = ToolSpec("search_knowledge_base", "Use this FIRST.", strict_schema(SearchArguments))
ASK = UserMessage((Text("<context>\nCustomer: Ana <a@b.example> (verified)\n</context>"), Text("How do boards work?")))


def think(seen: fake.Seen) -> fake.Move:
    """Search, then answer."""
    if seen.tool_results:
        return fake.text("A board holds lists.")
    return fake.tool("search_knowledge_base", {"query": "boards", "category": "any"})


@pytest.fixture(params=["claude", "offline"])
async def model(request: pytest.FixtureRequest) -> AsyncIterator[Model]:
    if request.param == "offline":
        yield OfflineModel()
        return
    async with fake.FakeMessagesApi(brain=think) as api:
        claude = ClaudeModel(api_key=api.key, base_url=api.url)
        yield claude
        await claude.close()
        assert api.refused == []


async def test_a_turn_is_a_tool_call_and_then_an_answer_each_with_a_price(model: Model) -> None:
    request = ModelRequest("claude-sonnet-5-5", "Be kind.", (ASK,), 500, (SEARCH,), effort="low")

    first = await model.answer(request)
    results = UserMessage(tuple(ToolResult(use.id, "A board holds lists.") for use in first.tool_uses))
    again = ModelRequest("claude-sonnet-5-5", "Be kind.", (ASK, first.as_message(), results), 500, (SEARCH,))
    second = await model.answer(again)

    assert first.stop_reason is StopReason.TOOL_USE
    SearchArguments.model_validate_json(first.tool_uses[0].arguments)
    assert second.stop_reason is StopReason.END_TURN
    assert second.text
    for reply in (first, second):
        assert reply.usage.prompt > 0
        assert reply.usage.output > 0
        assert load_prices().cost(reply.model, reply.usage) >= 0
