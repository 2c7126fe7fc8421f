"""What can be wrong with a tool before anybody calls it: asked by `deskhand tools check` and by the tests.

The schema must be one that the vendor's strict mode takes; the description must direct, because it is all the model
knows; an example must validate, because whoever changes the arguments forgets it first.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.base import AnyTool, ToolError

SHORTEST, LONGEST = 100, 800
"""Characters of a description: enough to direct, and cheap, since it stands in every prompt."""
_NAME = re.compile(r"[a-z][a-z0-9_]{2,63}", re.ASCII)
_DIRECTS = re.compile(r"\b(use|call|not for|only when|only where)\b", re.IGNORECASE)
_TELLS = re.compile(r"\b(returns?|results?)\b", re.IGNORECASE)
_UNSUPPORTED = frozenset(
    {"maxLength", "minLength", "maximum", "minimum", "maxItems", "minItems", "pattern", "default", "oneOf", "allOf"}
)
_REFERENCE = re.compile(r'"#/\$defs/([^"]+)"')
CHARS_PER_TOKEN = 4


def tokens(tool: AnyTool) -> int:
    """About how many tokens the tool takes in every prompt."""
    spec = tool.spec
    return (len(spec.name) + len(spec.description) + len(spec.schema)) // CHARS_PER_TOKEN


def faults(tool: AnyTool) -> list[str]:
    """One sentence each: what is wrong, and what to do. Empty when all is well."""
    return [*_about_words(tool), *_about_schema(json.loads(tool.spec.schema)), *_about_examples(tool)]


def _about_words(tool: AnyTool) -> Iterator[str]:
    size = len(tool.description)
    if not _NAME.fullmatch(tool.name):
        yield "the name must be 3 to 64 small letters, digits and _, and begin with a letter"
    if not SHORTEST <= size <= LONGEST:
        yield f"the description has {size} characters; say it in {SHORTEST} to {LONGEST}"
    if not _DIRECTS.search(tool.description):
        yield "the description does not direct; say when to use the tool (`Use it when …`) and when not"
    if not _TELLS.search(tool.description) and not tool.writes:
        yield "the description does not say what comes back; add `Returns …`"
    if not tool.words or not tool.words[0].isupper() or tool.words.endswith("."):
        yield "`words` is what the live line says, like `Looking up the account`: a capital first, no full stop"


def _about_schema(schema: dict[str, Any]) -> Iterator[str]:
    definitions = schema.get("$defs", {})
    for place, node in _nodes("arguments", {k: v for k, v in schema.items() if k != "$defs"}):
        if odd := sorted(_UNSUPPORTED & node.keys()):
            yield f"{place}: strict mode does not take `{odd[0]}`; say it in the field's description"
        if "properties" in node:
            yield from _about_fields(place, node, definitions)
    inside = {name: set(_REFERENCE.findall(json.dumps(definition))) for name, definition in definitions.items()}
    for name in definitions:
        if name in _within(name, inside):
            yield f"{name}: strict mode takes nothing that contains itself; make it flat"


def _within(name: str, inside: Mapping[str, set[str]]) -> set[str]:
    """All definitions that one contains, by way of whatever others."""
    found: set[str] = set()
    open_ends = [*inside[name]]
    while open_ends:
        one = open_ends.pop()
        if one not in found:
            found.add(one)
            open_ends += inside.get(one, ())
    return found


def _about_fields(place: str, node: dict[str, Any], definitions: dict[str, Any]) -> Iterator[str]:
    if node.get("additionalProperties") is not False or node.get("required") != sorted(node["properties"]):
        yield f"{place}: strict mode wants every field required and nothing additional; use tools.base.Arguments"
    for name, field in node["properties"].items():
        target = definitions.get(str(field.get("$ref", "")).rpartition("/")[2], field)
        if not (field.get("description") or target.get("description")):
            yield f"{place}.{name}: no description; say what belongs there, with an example"


def _nodes(place: str, node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a schema with the place where it stands."""
    if isinstance(node, list):
        for item in node:
            yield from _nodes(place, item)
    elif isinstance(node, dict):
        yield place, node
        for name, child in node.items():
            if name == "properties":
                for field, inner in child.items():
                    yield from _nodes(f"{place}.{field}", inner)
            elif name not in {"required", "enum"}:
                yield from _nodes(place, child)


def _about_examples(tool: AnyTool) -> Iterator[str]:
    if not tool.examples:
        yield "no example; give one of `arguments` as a model would write them"
    for number, example in enumerate(tool.examples, 1):
        try:
            tool.parse(example)
        except ToolError as error:
            yield f"example {number}: {error}"
