"""Arguments whose shape a JSON schema tells instead of a class: checked here before anybody is asked or called.

The schema comes from outside, so checking must not become an attack: patterns (which can take for ever) are left to
the server, dialects and names that it claims count for nothing, nothing is fetched, and of a schema that refers to
itself or unfolds into too much only the top level is checked. The server checks again anyway.
"""

import json
import math
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, ClassVar

from jsonschema import SchemaError
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import Draft202012Validator
from pydantic import ConfigDict, model_validator
from referencing import Registry

from tools.base import Arguments
from tools.mcp.definition import NOT_OURS, Definition

Json = dict[str, Any]

MOST_PARTS = 3_000
"""Of a schema, references unfolded."""
MOST_DEPTH = 24
"""Of the arguments."""
LARGEST = 20_000
"""Characters of the arguments of one call."""
_FAULTS_TOLD = 3
_FAULT_CHARS = 200
_LEFT_OUT = frozenset({"pattern", "patternProperties", "propertyNames", "format", *NOT_OURS})


class BadSchemaError(Exception):
    """This is no schema; the tool cannot be used."""


class Shape:
    """A schema, ready to check arguments with."""

    def __init__(self, schema: Json) -> None:
        safe = _harmless(schema)
        self.properties: Mapping[str, Any] = _own(schema)
        self._validator = _validator(_top_of(safe) if _is_heavy(safe) else safe)

    def fitted(self, value: object) -> Json:
        """The arguments as they would be sent; ValueError says what does not fit, for the model to mend."""
        if not isinstance(value, dict):
            raise ValueError("give one JSON object")  # noqa: TRY004 - pydantic takes only ValueErrors
        _check_size(value)
        given = {name: self._read(name, _storable(one)) for name, one in value.items()}
        faults = self._faults(given)
        if faults and None in given.values():
            given = {name: one for name, one in given.items() if one is not None}
            faults = self._faults(given)
        if faults:
            raise ValueError("; ".join(faults))
        return given

    def _read(self, name: str, value: object) -> object:
        """A list, number or object that was written as text (by a form, or by a model) is read, where text is wrong."""
        node = self.properties.get(name)
        kinds = node.get("type") if isinstance(node, dict) else None
        if not isinstance(value, str) or not kinds or "string" in ([kinds] if isinstance(kinds, str) else kinds):
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value

    def _faults(self, given: Json) -> list[str]:
        try:
            errors: Iterable[ValidationError] = islice(self._validator.iter_errors(given), _FAULTS_TOLD)
            return [f"{'.'.join(map(str, e.path)) or 'arguments'}: {e.message[:_FAULT_CHARS]}" for e in errors]
        except Exception as error:  # noqa: BLE001 - whatever a strange schema does to the library: the server decides
            return [] if isinstance(error, RecursionError) else ["arguments: they cannot be checked against the schema"]


class OpenArguments(Arguments):
    """Base of the arguments of tools from outside."""

    model_config = ConfigDict(extra="allow", str_strip_whitespace=False)
    is_strict: ClassVar[bool] = False
    shape: ClassVar[Shape]
    shown: ClassVar[str]
    """The schema as the model sees it."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(cls.shape.properties)

    @classmethod
    def wire_schema(cls) -> str:
        return cls.shown

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: object) -> object:
        return cls.shape.fitted(value)


def arguments_of(definition: Definition) -> type[OpenArguments]:
    """The arguments that a tool takes; BadSchemaError when its schema is none."""
    fields = {"shape": Shape(json.loads(definition.schema)), "shown": definition.shown_schema()}
    return type("ArgumentsFromOutside", (OpenArguments,), {"__module__": __name__, "__doc__": None, **fields})


def _validator(schema: Json) -> Validator:
    try:
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError) as error:
        raise BadSchemaError("its arguments are described by something that is no JSON schema") from error
    return Draft202012Validator(schema, registry=Registry())


def _own(schema: Json) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def _harmless(node: Any, *, names: bool = False) -> Any:
    if isinstance(node, list):
        return [_harmless(item) for item in node]
    if not isinstance(node, dict):
        return node
    loose = not names and "patternProperties" in node  # what a pattern allowed would be refused without it
    return {
        key: _harmless(value, names=not names and key in ("properties", "$defs", "definitions"))
        for key, value in node.items()
        if names or not (key in _LEFT_OUT or (loose and key in ("additionalProperties", "unevaluatedProperties")))
    }


def _top_of(schema: Json) -> Json:
    """Which arguments there must and may be, whatever is in them."""
    top: Json = {"properties": dict.fromkeys(_own(schema), True)}
    if isinstance(schema.get("required"), list):
        top["required"] = schema["required"]
    return top | {"additionalProperties": False} if schema.get("additionalProperties") is False else top


def _is_heavy(schema: Json) -> bool:
    try:
        return _weight(schema, schema, frozenset()) > MOST_PARTS
    except RecursionError:
        return True


def _weight(node: Any, root: Json, above: frozenset[str]) -> float:
    """Parts of the schema with references unfolded; endless when it refers to itself."""
    if isinstance(node, list):
        return _sum(node, root, above)
    if not isinstance(node, dict):
        return 1
    if "$dynamicRef" in node or "$recursiveRef" in node:
        return math.inf
    total, target = 1 + _sum(node.values(), root, above), node.get("$ref")
    if not isinstance(target, str):
        return total
    found = None if target in above else _follow(target, root)
    return math.inf if found is None else total + _weight(found, root, above | {target})


def _sum(nodes: Iterable[Any], root: Json, above: frozenset[str]) -> float:
    total = 0.0
    for node in nodes:
        total += _weight(node, root, above)
        if total > MOST_PARTS:
            return math.inf
    return total


def _follow(target: str, root: Json) -> Any:
    """Where a reference inside the schema points; None: nowhere we know."""
    node: Any = root
    for part in target.removeprefix("#").strip("/").split("/"):
        if part:
            node = node.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
    return node if isinstance(node, dict | bool) else None


def _check_size(value: Json) -> None:
    try:
        text = json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        raise ValueError("give numbers as JSON knows them, without NaN or Infinity") from None
    if len(text) > LARGEST:
        raise ValueError(f"the arguments of one call may have {LARGEST:,} characters at most")
    if _depth(value) > MOST_DEPTH:
        raise ValueError("the arguments are nested too deeply")


def _depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


def _storable(value: object) -> object:
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [_storable(item) for item in value]
    return {_storable(k): _storable(v) for k, v in value.items()} if isinstance(value, dict) else value
