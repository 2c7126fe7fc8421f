"""What a tool of an MCP server returned, as the model gets it: data, marked as such, and no more than agreed."""

import json
from dataclasses import dataclass
from typing import Any

from mcp import types

from tools.mcp.plain import plain

_LONGEST_NAME = 200
_LONGEST_ERROR = 600
_MOST_PARTS = 50
"""Texts and other things of one result that are looked at."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A result without the protocol around it."""

    texts: tuple[str, ...]
    structured: Any
    """JSON value; None: none."""
    left_out: tuple[str, ...]
    """Images and the like, which are only named."""
    is_error: bool = False

    def told(self, server: str, tool: str, most: int) -> str:
        """As JSON, in which nothing can be taken for anybody's words but the server's; `most` characters of content."""
        body: dict[str, Any] = {"from_outside": f"{server}: {plain(tool, _LONGEST_NAME)}"}
        room, texts = most, []
        structured = json.dumps(self.structured, ensure_ascii=False)
        if self.structured is not None:
            fits = len(structured) <= room
            body["structured"] = _seen(self.structured) if fits else plain(structured, room)
            room -= min(room, len(structured))
        for text in self.texts:
            if self.structured is not None and _same(text, self.structured):
                continue
            texts.append(plain(text, max(0, room)))
            room -= min(room, len(text))
        if texts:
            body["text"] = texts
        if self.left_out:
            body["not_shown"] = list(self.left_out)
        return json.dumps(body, ensure_ascii=False)

    @property
    def complaint(self) -> str:
        """What a tool that failed says of it, as JSON text."""
        return json.dumps(plain(" ".join(self.texts), _LONGEST_ERROR), ensure_ascii=False)


def answer_of(result: types.CallToolResult) -> Answer:
    """A result of the SDK as ours."""
    texts: list[str] = []
    left_out: list[str] = []
    for part in result.content[:_MOST_PARTS]:
        match part:
            case types.TextContent():
                texts.append(part.text)
            case types.EmbeddedResource(resource=types.TextResourceContents() as resource):
                texts.append(resource.text)
            case _:
                left_out.append(_named(part))
    if len(result.content) > _MOST_PARTS:
        left_out.append(f"{len(result.content) - _MOST_PARTS} more parts")
    return Answer(tuple(texts), result.structured_content, tuple(left_out), is_error=result.is_error)


def _named(part: object) -> str:
    match part:
        case types.ImageContent() | types.AudioContent():
            kind = "an image" if isinstance(part, types.ImageContent) else "a sound"
            return plain(f"{kind} ({part.mime_type}, {len(part.data) * 3 // 4:,} bytes)", _LONGEST_NAME)
        case types.ResourceLink():
            return plain(f"a link to {part.uri} ({part.name})", _LONGEST_NAME)
        case types.EmbeddedResource():
            return plain(f"a file ({part.resource.uri}, {part.resource.mime_type})", _LONGEST_NAME)
        case _:
            return "something of a kind that is not known here"


def _same(text: str, value: object) -> bool:
    """Servers repeat what is structured as text, for older clients."""
    try:
        return bool(json.loads(text) == value)
    except (ValueError, RecursionError):
        return False


def _seen(value: Any) -> Any:
    """Without hidden characters."""
    if isinstance(value, str):
        return plain(value, len(value))
    if isinstance(value, list):
        return [_seen(item) for item in value]
    return {plain(str(k), _LONGEST_NAME): _seen(v) for k, v in value.items()} if isinstance(value, dict) else value
