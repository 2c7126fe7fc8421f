"""Blocks of every kind the page shows, as a bot would send them."""

from typing import Any

Json = dict[str, Any]


def plain(text: str) -> Json:
    """A plain_text object."""
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    """A mrkdwn object."""
    return {"type": "mrkdwn", "text": text}


def _option(text: str, value: str) -> Json:
    return {"text": plain(text), "value": value}


def _button(text: str, action_id: str, **more: Any) -> Json:
    return {"type": "button", "text": plain(text), "action_id": action_id, **more}


def _section(*elements: Json) -> Json:
    return {"type": "rich_text_section", "elements": list(elements)}


def _rich(*elements: Json) -> Json:
    return {"type": "rich_text", "elements": list(elements)}


def _text(text: str, **style: bool) -> Json:
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def _input(label: str, element: Json, **more: Any) -> Json:
    return {"type": "input", "block_id": element["action_id"], "label": plain(label), "element": element, **more}


_TEAMS = [_option("Billing", "billing"), _option("Engineering", "engineering")]
_CONFIRM = {
    "title": plain("Deny this?"),
    "text": mrkdwn("The customer is told *nothing*."),
    "confirm": plain("Deny"),
    "deny": plain("Cancel"),
    "style": "danger",
}
_MARKDOWN = """# Guests

You can **invite guests** with *two* clicks, not ~~three~~:

1. Open the board
2. Press **Share**
   - choose *Guest*
   - type `ana@cobalt-studio.example`

> Guests are free on the Team plan.

| Plan | Guests | Price |
|:-----|:------:|------:|
| Free | 2 | $0 |
| Team | 20 | $9 |

```python
print("<b>not markup</b>")
```

See [Sharing a board](https://help.fernway.example/sharing).
"""
_TASKS = [
    {
        "type": "task_card",
        "task_id": "1",
        "title": "Search the knowledge base",
        "status": "complete",
        "output": _rich(_section(_text("5 articles"))),
        "sources": [{"type": "url", "url": "https://help.fernway.example/guests", "text": "Guests"}],
    },
    {"type": "task_card", "task_id": "2", "title": "Look up the customer", "status": "in_progress"},
    {"type": "task_card", "task_id": "3", "title": "Write the answer", "status": "pending"},
]

EVERYTHING: dict[str, list[Json]] = {
    "card with buttons": [
        {"type": "header", "text": plain("Needs a person :bell:")},
        {
            "type": "section",
            "text": mrkdwn(
                "*Ana Ruiz* <@U0ANA> asks in <#C0SUPPORT> about `refunds`:\n> I was charged _twice_,\n> please help.\n"
                "• one\n• two ~three~\nSee <https://help.fernway.example/refunds|the article> &amp; decide."
            ),
            "accessory": {"type": "overflow", "action_id": "more", "options": [_option("View trace", "trace")]},
        },
        {"type": "section", "fields": [mrkdwn("*Team*\nbilling"), mrkdwn("*Cost so far*\n$0.021 of $2.00")]},
        {"type": "divider"},
        {
            "type": "actions",
            "elements": [
                _button("Approve", "approve", style="primary", value="e1"),
                _button("Deny", "deny", style="danger", value="e1", confirm=_CONFIRM),
                _button("Article", "article", url="https://help.fernway.example"),
                {"type": "static_select", "action_id": "team", "placeholder": plain("Team"), "options": _TEAMS},
            ],
        },
        {"type": "context", "elements": [mrkdwn("step 3/25 · 8.2k tokens · $0.021 of $2.00")]},
    ],
    "answer in Markdown": [
        {"type": "markdown", "text": _MARKDOWN},
        {
            "type": "context_actions",
            "elements": [
                {
                    "type": "feedback_buttons",
                    "action_id": "feedback",
                    "positive_button": {"text": plain("Good"), "value": "good"},
                    "negative_button": {"text": plain("Bad"), "value": "bad"},
                },
                {"type": "icon_button", "action_id": "delete", "icon": "trash", "text": plain("Delete")},
            ],
        },
    ],
    "alerts": [
        {"type": "alert", "level": level, "text": mrkdwn(f"Something of level *{level}*")}
        for level in ("default", "info", "success", "warning", "error")
    ],
    "rich text and table": [
        _rich(
            _section(
                _text("bold", bold=True), _text(" and "), _text("code", code=True), {"type": "user", "user_id": "U0SAM"}
            ),
            {"type": "rich_text_list", "style": "bullet", "elements": [_section(_text("one")), _section(_text("two"))]},
            {"type": "rich_text_quote", "elements": [_text("quoted")]},
            {"type": "rich_text_preformatted", "elements": [_text("x = 1")]},
        ),
        {
            "type": "table",
            "rows": [
                [{"type": "raw_text", "text": "Invoice"}, {"type": "raw_text", "text": "Amount"}],
                [{"type": "raw_text", "text": "INV-1"}, {"type": "raw_text", "text": "$90.00"}],
            ],
            "column_settings": [{"align": "left"}, {"align": "right"}],
        },
    ],
    "plan, card and picture": [
        {"type": "plan", "title": "Working on it", "tasks": _TASKS},
        {
            "type": "card",
            "title": mrkdwn("*Ticket 1042*"),
            "subtitle": plain("open · high"),
            "body": mrkdwn("Refund of a _double_ charge"),
            "actions": [_button("Open", "open_ticket")],
        },
        {"type": "image", "image_url": "https://help.fernway.example/chart.png", "alt_text": "a chart from elsewhere"},
    ],
}
"""Blocks by what they show; each entry is one message."""

UNKNOWN: list[Json] = [{"type": "hologram", "text": "beam me up"}]
"""A kind of block that no page knows."""

DIALOG: Json = {
    "type": "modal",
    "callback_id": "approve_form",
    "title": plain("Approve"),
    "submit": plain("Send"),
    "close": plain("Cancel"),
    "blocks": [
        _input(
            "Reply", {"type": "plain_text_input", "action_id": "reply", "multiline": True, "initial_value": "Sorry!"}
        ),
        _input("Team", {"type": "static_select", "action_id": "team", "options": _TEAMS}),
        _input("Limit", {"type": "number_input", "action_id": "limit", "is_decimal_allowed": True}, optional=True),
        _input(
            "Also", {"type": "checkboxes", "action_id": "also", "options": [_option("Close", "close")]}, optional=True
        ),
        _input(
            "Priority",
            {
                "type": "radio_buttons",
                "action_id": "priority",
                "options": [_option("Low", "low"), _option("High", "high")],
                "initial_option": _option("Low", "low"),
            },
        ),
    ],
}
"""A form with one of each input."""
