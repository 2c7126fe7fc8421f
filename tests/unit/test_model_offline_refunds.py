"""The offline model and money: it asks for a refund when one is named, and says what really became of it."""

import json

import pytest

from bot.domain.exchange import (
    AssistantMessage,
    ModelReply,
    ModelRequest,
    Purpose,
    Text,
    ToolResult,
    ToolSpec,
    UserMessage,
)
from bot.model.offline import OfflineModel
from tools.base import strict_schema
from tools.catalogue import ARGUMENTS

TOOLS = tuple(ToolSpec(name, name, strict_schema(model)) for name, model in ARGUMENTS.items())
MADE = "Refund RF-1001 of $30.00 to ana@cobalt-studio.example was issued, to the original payment method."
WAITS = "Not done: this needs a colleague's consent, and exactly this call was put before them."


def asked(words: str, note: str = "", *, tools: tuple[ToolSpec, ...] = TOOLS) -> ModelRequest:
    about = f"\nNote: {note}" if note else ""
    context = f"<context>\nCustomer: Ana Ruiz <ana@cobalt-studio.example> (verified){about}\n</context>"
    parts = (Text(context), Text(words)) if words else (Text(context),)
    return ModelRequest("offline", "You help.", (UserMessage(parts),), 1000, tools)


async def answered(request: ModelRequest, result: ToolResult | None = None) -> ModelReply:
    reply = await OfflineModel().answer(request)
    if result is None:
        return reply
    [use] = reply.tool_uses
    told = ToolResult(use.id, result.content, result.is_error, result.is_pending)
    messages = (*request.messages, AssistantMessage("", (use,)), UserMessage((told,)))
    return await OfflineModel().answer(ModelRequest("offline", "You help.", messages, 1000, TOOLS))


@pytest.mark.parametrize(
    ("words", "amount"),
    [
        ("Please refund me $30", 30.0),
        ("I want a refund of 30 dollars", 30.0),
        ("refund us USD 1,250.50 please", 1250.5),
        ("You charged me twice, refund me $126.00", 126.0),
        ("I want my money back: 54$", 54.0),
    ],
)
async def test_a_refund_of_a_named_amount_is_asked_for(words: str, amount: float) -> None:
    [use] = (await answered(asked(words))).tool_uses
    assert use.name == "issue_refund"
    given = json.loads(use.arguments)
    assert (given["amount_usd"], given["customer_email"]) == (amount, "ana@cobalt-studio.example")
    ARGUMENTS["issue_refund"].model_validate_json(use.arguments)


@pytest.mark.parametrize("words", ["I want a refund", "refund me $30 or $40", "How do I refund $30 to my customer?"])
async def test_without_one_clear_amount_nothing_is_refunded(words: str) -> None:
    assert not [use for use in (await answered(asked(words))).tool_uses if use.name == "issue_refund"]


async def test_where_the_tool_is_not_offered_people_are_asked() -> None:
    few = tuple(tool for tool in TOOLS if tool.name != "issue_refund")
    [use] = (await answered(asked("Please refund me $30", tools=few))).tool_uses
    assert use.name == "escalate_to_human"


async def test_the_answer_says_what_became_of_it() -> None:
    request = asked("Please refund me $30")
    assert (
        "I have refunded $30.00 to you. Its number is RF-1001." in (await answered(request, ToolResult("", MADE))).text
    )
    waiting = await answered(request, ToolResult("", WAITS, is_pending=True))
    assert "needs a colleague's approval" in waiting.text
    assert "Nothing has been refunded yet" in waiting.text
    [use] = (await answered(request, ToolResult("", "At most $5.00", is_error=True))).tool_uses
    assert use.name == "escalate_to_human"


async def test_after_an_approval_the_customer_reads_the_result() -> None:
    note = "A colleague (Sam) approved issue_refund with {}, and it was carried out, once. Its result: " + MADE
    assert "I have refunded $30.00 to you. Its number is RF-1001." in (await answered(asked("", note))).text
    note = "issue_refund was NOT carried out, although a colleague (Sam) approved it: the rules have changed."
    assert "could not be made" in (await answered(asked("", note))).text


async def test_after_a_denial_the_customer_reads_so_without_its_reason() -> None:
    note = "A colleague (Sam) decided against it (issue_refund {}, which was not done). Explain that. Reason: rude"
    told = (await answered(asked("", note))).text
    assert "decided against it, so nothing was done" in told
    assert "rude" not in told


@pytest.mark.parametrize(("result", "kept"), [(MADE, True), (WAITS, False), (None, False)])
async def test_its_judge_lets_i_have_refunded_pass_only_after_the_deed(result: str | None, kept: bool) -> None:
    tools = [{"tool": "issue_refund", "arguments": "{}", "result": result}] if result else []
    brief = {"question": "refund me $30.00", "tools": tools, "reply": "I have refunded $30.00 to you."}
    schema = json.dumps({"properties": {"promises_kept": {"type": "boolean"}}})
    request = ModelRequest(
        "offline", "", (UserMessage((Text(json.dumps(brief)),)),), 100, purpose=Purpose.JUDGE, output_schema=schema
    )
    assert json.loads((await OfflineModel().answer(request)).text)["promises_kept"] is kept
