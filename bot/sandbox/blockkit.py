"""Walking Block Kit: fill in the ids Slack fills in, find elements, read what a form holds."""

from collections.abc import Iterator
from typing import Any

from bot.sandbox.wire import Json, MakeId

_PASSIVE = {"image", "mrkdwn", "plain_text"}


def elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Every (block, element) pair that a person could act on."""
    for block in blocks:
        for element in _own(block):
            if element.get("type") not in _PASSIVE:
                yield block, element
        for name in ("child_blocks", "elements"):
            children = block.get(name)
            if name == "child_blocks" or block.get("type") == "carousel":
                yield from elements(children or [])


def _own(block: Json) -> list[Json]:
    match block.get("type"):
        case "section":
            return [block["accessory"]] if block.get("accessory") else []
        case "actions" | "context_actions":
            return list(block.get("elements", []))
        case "input":
            return [block["element"]] if block.get("element") else []
        case "card":
            return list(block.get("actions", []))
        case _:
            return []


def fill_ids(blocks: list[Json], make_id: MakeId) -> None:
    """Give every block a block_id and every element an action_id, as Slack does."""
    for block in blocks:
        block.setdefault("block_id", make_id("b"))
    for _, element in elements(blocks):
        element.setdefault("action_id", make_id("a"))


def all_blocks(message: Json) -> list[Json]:
    """The blocks of a message and of its attachments."""
    inner = [block for attachment in message.get("attachments") or [] for block in attachment.get("blocks") or []]
    return [*(message.get("blocks") or []), *inner]


def find(blocks: list[Json], action_id: str, value: str | None = None) -> tuple[Json, Json] | None:
    """The element with that action_id; `value` tells apart several with the same one."""
    found = [pair for pair in elements(blocks) if pair[1].get("action_id") == action_id]
    exact = [pair for pair in found if value is not None and pair[1].get("value") == value]
    return next(iter(exact or found), None)


def _option(element: Json, value: Any) -> Json | None:
    groups = [group["options"] for group in element.get("option_groups", [])]
    for option in [*element.get("options", []), *(option for group in groups for option in group)]:
        if option["value"] == value:
            return dict(option)
    return None


def _options(element: Json, values: Any) -> list[Json]:
    chosen = values if isinstance(values, list) else [values]
    return [option for value in chosen if (option := _option(element, value)) is not None]


_FIELD = {
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "multi_users_select": "selected_users",
    "multi_channels_select": "selected_channels",
    "multi_conversations_select": "selected_conversations",
    "rich_text_input": "rich_text_value",
}
_SINGLE = {"static_select", "external_select", "radio_buttons", "overflow"}
_MULTI = {"multi_static_select", "multi_external_select", "checkboxes"}


def state_value(element: Json, value: Any) -> Json:
    """What Slack puts into `state.values` (or an action) for this element when a person gave `value`."""
    kind = element["type"]
    if kind in _SINGLE:
        return {"type": kind, "selected_option": _option(element, value)}
    if kind in _MULTI:
        return {"type": kind, "selected_options": _options(element, value if value is not None else [])}
    return {"type": kind, _FIELD.get(kind, "value"): value}


def initial_value(element: Json) -> Any:
    """What the element holds before anybody touched it."""
    for name in (
        "initial_value",
        "initial_user",
        "initial_channel",
        "initial_conversation",
        "initial_date",
        "initial_time",
    ):
        if name in element:
            return element[name]
    if "initial_option" in element:
        return element["initial_option"]["value"]
    if "initial_options" in element:
        return [option["value"] for option in element["initial_options"]]
    plural = ("initial_users", "initial_channels", "initial_conversations", "initial_date_time")
    return next((element[name] for name in plural if name in element), None)
