"""What Slack refuses in blocks, views and messages."""

from typing import Any

import pytest

from bot.sandbox import strict
from bot.sandbox.wire import Json, SlackError


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def button(**more: Any) -> Json:
    return {"type": "button", "action_id": "a", "text": plain("Go"), **more}


def actions(*elements: Json, **more: Any) -> Json:
    return {"type": "actions", "elements": list(elements), **more}


GOOD = [
    {"type": "header", "text": plain("x" * 150)},
    {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}, "accessory": button()},
    {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2000}] * 10},
    {"type": "divider"},
    actions(button(value="v" * 2000, style="danger", visible_to_user_ids=["U0SAM"])),
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 10},
    {"type": "markdown", "text": "**x**"},
    {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "f",
                "positive_button": {"text": plain("Good"), "value": "up"},
                "negative_button": {"text": plain("Bad"), "value": "down"},
            }
        ],
    },
    {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]},
    {"type": "task_card", "task_id": "t", "title": "Search", "status": "complete"},
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}]},
]

BAD: list[tuple[Any, str]] = [
    ({"type": "banner"}, "unsupported type: banner [json-pointer:/blocks/0/type]"),
    ({}, "missing required field: type [json-pointer:/blocks/0]"),
    (7, "missing required field: type [json-pointer:/blocks/0]"),
    ({"type": ["section"]}, "missing required field: type [json-pointer:/blocks/0]"),
    ({"type": "section"}, "missing required field: text [json-pointer:/blocks/0]"),
    ({"type": "section", "text": plain("")}, "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    ({"type": "section", "text": plain("x" * 3001)}, "must be less than 3001 characters"),
    ({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, "unsupported type: mrkdwn"),
    ({"type": "divider", "color": "red"}, "invalid additional property: color"),
    (actions(), "no fewer than 1 items allowed"),
    (actions(*[button(action_id=str(n)) for n in range(26)]), "no more than 25 items allowed"),
    (actions(button(value="v" * 2001)), "must be less than 2001 characters"),
    (actions(button(text=plain("x" * 76))), "must be less than 76 characters"),
    (actions(button(), button()), "`action_id` a already exists"),
    (actions(button(style="loud")), "must be one of: primary, danger"),
    ({"type": "context", "elements": [button()]}, "unsupported type: button"),
    ({"type": "section", "text": plain("x"), "block_id": "b" * 256}, "must be less than 256 characters"),
    ({"type": "table", "rows": [[{}]] * 101}, "no more than 100 items allowed"),
]


def test_good_blocks_have_no_problems() -> None:
    assert strict.block_problems(GOOD) == []


@pytest.mark.parametrize(("block", "words"), BAD)
def test_a_bad_block_is_named_with_its_place(block: Any, words: str) -> None:
    assert any(words in problem for problem in strict.block_problems([block])), strict.block_problems([block])


def test_a_block_id_stands_once() -> None:
    twice = [{"type": "divider", "block_id": "d"}, {"type": "divider", "block_id": "d"}]
    assert "already exists" in strict.block_problems(twice)[0]


def test_markdown_blocks_share_twelve_thousand_characters() -> None:
    with pytest.raises(SlackError, match="msg_blocks_too_long"):
        strict.check_blocks([{"type": "markdown", "text": "x" * 7_000}] * 2)


def modal(**more: Any) -> Json:
    element = {"type": "plain_text_input", "action_id": "r"}
    block = {"type": "input", "block_id": "b", "label": plain("Why"), "element": element}
    return {"type": "modal", "title": plain("Deny"), "submit": plain("Send"), "blocks": [block], **more}


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (modal(private_metadata="x" * 3001), "must be less than 3001 characters"),
        (modal(blocks=[{"type": "markdown", "text": "x"}]), "unsupported type: markdown"),
        (modal(blocks=[{"type": "divider"}] * 101), "no more than 100 items allowed"),
        ({"type": "modal", "title": plain("x"), "blocks": modal()["blocks"]}, "missing required field: submit"),
        (modal(colour="red"), "invalid additional property: colour"),
        ("modal", "must be an object"),
    ],
)
def test_a_bad_view_is_refused(view: Any, words: str) -> None:
    problems = strict.view_problems(view)
    assert any(words in problem for problem in problems), problems


def test_a_good_modal_passes_and_is_no_home_tab() -> None:
    strict.check_view(modal(), "modal")
    with pytest.raises(SlackError, match="invalid_arguments"):
        strict.check_view(modal(), "home")


def test_a_view_larger_than_slack_takes_is_refused() -> None:
    section = {"type": "section", "text": {"type": "plain_text", "text": "x" * 3000}}
    with pytest.raises(SlackError, match="view_too_large"):
        strict.check_view(modal(blocks=[section] * 99), "modal")
