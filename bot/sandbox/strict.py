"""Slack's validation of messages and views: what is refused, and with which error name."""

import json
from typing import Any

from bot.sandbox.checks import Problems, anything, boolean, complain, duplicates, one_of, plain, shape, string
from bot.sandbox.schema import MESSAGE_CHECK, VIEW_CHECK
from bot.sandbox.wire import Json, SlackError

POST_TEXT_LIMIT = 40_000
UPDATE_TEXT_LIMIT = 4_000
MARKDOWN_LIMIT = 12_000
METADATA_LIMIT = 16_000
ATTACHMENT_LIMIT = 100
VIEW_BYTES = 250_000


def block_problems(blocks: Any) -> Problems:
    """Everything wrong with the blocks of a message."""
    problems: Problems = []
    MESSAGE_CHECK(blocks, "/blocks", problems)
    if isinstance(blocks, list):
        duplicates(blocks, problems, "/blocks")
    return problems


def check_blocks(blocks: Any) -> None:
    """Refuse blocks of a message that Slack would refuse."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    problems = block_problems(blocks)
    if problems:
        raise SlackError("invalid_blocks", *problems, errors=[problem.removeprefix("[ERROR] ") for problem in problems])
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > MARKDOWN_LIMIT:
        raise SlackError("msg_blocks_too_long")


def check_text(text: str, limit: int) -> None:
    """Refuse text longer than the method takes."""
    if len(text) > limit:
        raise SlackError("msg_too_long")


def check_message(values: Json, limit: int = POST_TEXT_LIMIT) -> None:
    """Refuse the visible part of a message (text, markdown_text, blocks, attachments) that Slack would refuse."""
    text, markdown = values.get("text") or "", values.get("markdown_text") or ""
    blocks, attachments = values.get("blocks"), values.get("attachments")
    if not isinstance(text, str) or not isinstance(markdown, str):
        raise SlackError("invalid_arguments", "[ERROR] text must be a string")
    if markdown and (text or blocks):
        raise SlackError("markdown_text_conflict")
    if not (text.strip() or markdown.strip() or blocks or attachments):
        raise SlackError("no_text")
    check_text(text, limit)
    check_text(markdown, MARKDOWN_LIMIT)
    if blocks is not None:
        check_blocks(blocks)
    if attachments is not None:
        check_attachments(attachments)


def check_attachments(attachments: Any) -> None:
    """Refuse attachments that are no list, too many, or hold invalid blocks."""
    if not isinstance(attachments, list) or not all(isinstance(entry, dict) for entry in attachments):
        raise SlackError("invalid_attachments")
    if len(attachments) > ATTACHMENT_LIMIT:
        raise SlackError("too_many_attachments")
    for attachment in attachments:
        if attachment.get("blocks") is not None:
            check_blocks(attachment["blocks"])


def check_metadata(metadata: Any) -> None:
    """Refuse metadata that is not `{event_type, event_payload}` (or work-object entities), or too large."""
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    if "entities" in metadata and "event_type" not in metadata:
        return
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_schema")
    if len(json.dumps(metadata)) > METADATA_LIMIT:
        raise SlackError("metadata_too_large")


_VIEW = {
    "type": one_of("modal", "home"),
    "blocks": VIEW_CHECK,
    "private_metadata": string(3000, 0),
    "callback_id": string(255, 0),
    "external_id": string(255, 0),
}
_MODAL = shape(
    ("type", "title", "blocks"),
    **_VIEW,
    title=plain(24),
    submit=plain(24),
    close=plain(24),
    clear_on_close=boolean,
    notify_on_close=boolean,
    submit_disabled=boolean,
)
_HOME = shape(("type", "blocks"), **_VIEW, title=anything)


def view_problems(view: Any) -> Problems:
    """Everything wrong with a view."""
    problems: Problems = []
    if not isinstance(view, dict):
        complain(problems, "/view", "must be an object")
        return problems
    (_HOME if view.get("type") == "home" else _MODAL)(view, "/view", problems)
    blocks = view.get("blocks")
    if isinstance(blocks, list):
        duplicates(blocks, problems, "/view/blocks")
        if (
            any(isinstance(b, dict) and b.get("type") == "input" for b in blocks)
            and view.get("type") == "modal"
            and not view.get("submit")
        ):
            complain(problems, "/view/submit", "missing required field: submit")
    return problems


def check_view(view: Any, kind: str) -> None:
    """Refuse a view that Slack would refuse; `kind` is `modal` or `home`."""
    problems = view_problems(view)
    if not problems and view["type"] != kind:
        complain(problems, "/view/type", f"must be {kind}")
    if problems:
        raise SlackError("invalid_arguments", *problems)
    if len(json.dumps(view).encode()) > VIEW_BYTES:
        raise SlackError("view_too_large")
