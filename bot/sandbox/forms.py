"""What a person fills into a modal: the state Slack sends, and what Slack's own client refuses before sending."""

from typing import Any

from bot.sandbox import blockkit
from bot.sandbox.wire import Json

_EMPTY: tuple[Any, ...] = (None, "", [])


def fill(view: Json, values: Json) -> dict[str, str]:
    """Put `values` (by action_id, or block_id) into `view.state`; returns complaints by block_id."""
    state: dict[str, Json] = {}
    complaints: dict[str, str] = {}
    for block, element in blockkit.elements(view["blocks"]):
        if block["type"] != "input" and element["type"] == "button":
            continue
        action_id, block_id = element["action_id"], block["block_id"]
        value = _given(values, action_id, block_id, element)
        entry = blockkit.state_value(element, value)
        state.setdefault(block_id, {})[action_id] = entry
        problem = _problem(block, element, entry) if block["type"] == "input" else ""
        if problem:
            complaints[block_id] = problem
    view["state"] = {"values": state}
    return complaints


def _given(values: Json, action_id: str, block_id: str, element: Json) -> Any:
    for name in (action_id, block_id):
        if name in values:
            value = values[name]
            return None if value == "" else value
    return blockkit.initial_value(element)


def _problem(block: Json, element: Json, entry: Json) -> str:
    content = next((value for name, value in entry.items() if name != "type"), None)
    if content in _EMPTY:
        return "" if block.get("optional") else "Please complete this required field."
    if isinstance(content, str):
        return _length_problem(element, content)
    return ""


def _length_problem(element: Json, content: str) -> str:
    least, most = element.get("min_length"), element.get("max_length")
    if least is not None and len(content) < least:
        return f"Please enter at least {least} characters."
    if most is not None and len(content) > most:
        return f"Please enter no more than {most} characters."
    if element["type"] == "number_input" and not _is_number(content, decimals=bool(element.get("is_decimal_allowed"))):
        return "Please enter a number."
    if element["type"] == "email_text_input" and "@" not in content:
        return "Please enter a valid email address."
    return ""


def _is_number(content: str, *, decimals: bool) -> bool:
    try:
        if decimals:
            float(content)
        else:
            int(content)
    except ValueError:
        return False
    return True
