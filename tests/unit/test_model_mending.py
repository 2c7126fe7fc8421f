"""What a model said is sent back; one odd block must not make the vendor refuse the whole conversation."""

import json
from typing import Any

import pytest

from bot.domain.exchange import AssistantMessage, ModelRequest, Text, ToolResult, UserMessage
from bot.model.mending import mended
from bot.model.reply import from_wire
from bot.model.wire import to_wire, tool_use_ids
from tests.fakes.messages_rules import check_request

THINKING = {"type": "thinking", "thinking": "é", "signature": "EqQB/+=="}


def call(tool_id: Any, name: Any = "lookup_customer", arguments: Any = None) -> dict[str, Any]:
    return {"type": "tool_use", "id": tool_id, "name": name, "input": {"a": 1} if arguments is None else arguments}


def reply(*blocks: dict[str, Any], taken: frozenset[str] = frozenset()) -> Any:
    body = {
        "model": "m",
        "content": blocks,
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    return from_wire(json.dumps(body), requested="m", taken=taken)


def test_what_is_right_is_left_as_it_came() -> None:
    blocks = [
        THINKING,
        {"type": "text", "text": "So: "},
        call("toolu_1"),
        call("toolu_2"),
        {"type": "hologram", "id": 7},
    ]
    assert mended(blocks, frozenset({"toolu_0"})) == (blocks, [])


def test_the_same_call_twice_is_made_once() -> None:
    told = reply(call("t1"), call("t1"))
    assert [use.id for use in told.tool_uses] == ["t1"]
    assert told.notes == ("the same tool call twice",)


def test_two_calls_under_one_id_are_both_made() -> None:
    told = reply(call("t1", arguments={"a": 1}), call("t1", arguments={"a": 2}), call("t1", arguments={"a": 3}))
    assert [(use.id, use.arguments) for use in told.tool_uses] == [
        ("t1", '{"a": 1}'), ("t1_2", '{"a": 2}'), ("t1_3", '{"a": 3}'),
    ]  # fmt: skip


def test_an_id_of_an_earlier_step_is_not_used_again() -> None:
    earlier = AssistantMessage("", reply(call("t1")).tool_uses)
    assert [use.id for use in reply(call("t1"), taken=tool_use_ids((earlier,))).tool_uses] == ["t1_2"]


@pytest.mark.parametrize(
    "odd",
    [
        call(""), call(None), call("a b/c"), call("x" * 500), call("t", ""), call("t", "é!"), call("t", "n" * 300),
        call("t", arguments=[1]), call("t", arguments="half {"), {"type": "tool_use"}, {"type": "text", "text": " \n"},
    ],
)  # fmt: skip
def test_whatever_comes_can_be_sent_back(odd: dict[str, Any]) -> None:
    told = reply(THINKING, odd, odd, call("other"))
    results = UserMessage(tuple(ToolResult(use.id, "done") for use in told.tool_uses))
    asked = UserMessage((Text("Hello"),))

    check_request(to_wire(ModelRequest("m", "S", (asked, told.as_message(), results), 100)), paused=set())
    assert told.notes
