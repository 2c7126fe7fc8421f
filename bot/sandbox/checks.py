"""Small checks that, put together, describe Block Kit; each adds Slack's sentences about what is wrong."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.wire import Json

Problems = list[str]
Check = Callable[[Any, str, Problems], None]
"""Looks at a value found at a JSON pointer and appends problems."""


def complain(problems: Problems, pointer: str, words: str) -> None:
    """Add one problem in Slack's own form."""
    problems.append(f"[ERROR] {words} [json-pointer:{pointer}]")


def anything(_value: Any, _pointer: str, _problems: Problems) -> None:
    """Accept every value (parts of Block Kit that this workspace does not look into)."""


def string(most: int, least: int = 1) -> Check:
    """A string of `least` to `most` characters."""

    def check(value: Any, pointer: str, problems: Problems) -> None:
        if not isinstance(value, str):
            complain(problems, pointer, "must provide a string")
        elif len(value) < least:
            complain(problems, pointer, f"must be more than {least - 1} characters")
        elif len(value) > most:
            complain(problems, pointer, f"must be less than {most + 1} characters")

    return check


def boolean(value: Any, pointer: str, problems: Problems) -> None:
    """True or false."""
    if not isinstance(value, bool):
        complain(problems, pointer, "must be a boolean")


def integer(value: Any, pointer: str, problems: Problems) -> None:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        complain(problems, pointer, "must be an integer")


def one_of(*allowed: str) -> Check:
    """One of these words."""

    def check(value: Any, pointer: str, problems: Problems) -> None:
        if value not in allowed:
            complain(problems, pointer, f"must be one of: {', '.join(allowed)}")

    return check


def array(item: Check, most: int, least: int = 1) -> Check:
    """A list of `least` to `most` items, each passing `item`."""

    def check(value: Any, pointer: str, problems: Problems) -> None:
        if not isinstance(value, list):
            complain(problems, pointer, "must be an array")
            return
        if len(value) < least:
            complain(problems, pointer, f"no fewer than {least} items allowed")
        if len(value) > most:
            complain(problems, pointer, f"no more than {most} items allowed")
        for index, entry in enumerate(value):
            item(entry, f"{pointer}/{index}", problems)

    return check


@dataclass(frozen=True)
class Shape:
    """An object with these fields and no others."""

    fields: Mapping[str, Check]
    required: frozenset[str] = frozenset()
    any_of: tuple[str, ...] = ()

    def __call__(self, value: Any, pointer: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            complain(problems, pointer, "must be an object")
            return
        for name in sorted(self.required - value.keys()):
            complain(problems, pointer, f"missing required field: {name}")
        if self.any_of and not any(value.get(name) for name in self.any_of):
            complain(problems, pointer, f"missing required field: {self.any_of[0]}")
        for name, entry in value.items():
            if name not in self.fields:
                complain(problems, pointer, f"invalid additional property: {name}")
            else:
                self.fields[name](entry, f"{pointer}/{name}", problems)


def shape(required: Iterable[str] = (), any_of: tuple[str, ...] = (), /, **fields: Check) -> Shape:
    """A `Shape` written with keyword arguments."""
    return Shape(fields, frozenset(required), any_of)


def typed(kinds: Mapping[str, Check], allowed: Iterable[str] | None = None) -> Check:
    """An object whose `type` picks its shape among `allowed` (default: all)."""
    names = frozenset(kinds if allowed is None else allowed)

    def check(value: Any, pointer: str, problems: Problems) -> None:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str):
            complain(problems, pointer, "missing required field: type")
        elif kind not in names:
            complain(problems, f"{pointer}/type", f"unsupported type: {kind}")
        else:
            kinds[kind](value, pointer, problems)

    return check


def text(most: int, *kinds: str, least: int = 1) -> Check:
    """A text object of those kinds (default: plain_text or mrkdwn)."""
    plain = shape(("text",), type=anything, text=string(most, least), emoji=boolean)
    mrkdwn = shape(("text",), type=anything, text=string(most, least), verbatim=boolean)
    return typed({"plain_text": plain, "mrkdwn": mrkdwn}, kinds or None)


def plain(most: int) -> Check:
    """A plain_text object."""
    return text(most, "plain_text")


def duplicates(blocks: list[Json], problems: Problems, pointer: str) -> None:
    """A `block_id` may stand once in a message or view, an `action_id` once in a block."""
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id") if isinstance(block, dict) else None
        if block_id is not None and block_id in seen:
            complain(problems, f"{pointer}/{index}/block_id", f"`block_id` {block_id} already exists")
        if block_id is not None:
            seen.add(block_id)
        _duplicate_actions(block, problems, f"{pointer}/{index}/elements")


def _duplicate_actions(block: Any, problems: Problems, pointer: str) -> None:
    elements = block.get("elements") if isinstance(block, dict) else None
    seen: set[str] = set()
    for index, element in enumerate(elements if isinstance(elements, list) else []):
        action_id = element.get("action_id") if isinstance(element, dict) else None
        if action_id is not None and action_id in seen:
            complain(problems, f"{pointer}/{index}/action_id", f"`action_id` {action_id} already exists")
        if action_id is not None:
            seen.add(action_id)
