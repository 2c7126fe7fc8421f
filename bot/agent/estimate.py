"""How many tokens a prompt can have at most, without asking anybody: what the budget reserves before a call.

A byte-level tokenizer never makes more tokens than there are UTF-8 bytes, so bytes are a true bound; the constants
cover what the vendor adds around our text.
"""

import math
from collections.abc import Iterable

from bot.domain.exchange import (
    AssistantMessage,
    Document,
    Image,
    Message,
    ModelRequest,
    SearchResult,
    Text,
    ToolResult,
    UserMessage,
)

TOOLS_OVERHEAD = 700
"""The vendor's own prompt about tools (290 to 675 tokens, by model)."""
FORMAT_OVERHEAD = 700
"""The vendor's own prompt about structured output or citations; the latter comes with the first search result."""
FRAME = 16
"""Around each message and each block."""
PDF_PAGE = 8_000
"""Text and picture of one page, as people write them; the vendor's count tells of others."""
IMAGE_CAP = 4_784
_PATCH = 28
"""Pixels along one side of the square an image token stands for."""


def prompt_upper_bound(request: ModelRequest) -> int:
    """Tokens the prompt of this request has at most."""
    prefix = FRAME + _bytes(request.system) + FORMAT_OVERHEAD
    if request.tools:
        prefix += TOOLS_OVERHEAD
        prefix += sum(FRAME + _bytes(t.name) + _bytes(t.description) + _bytes(t.schema) for t in request.tools)
    if request.output_schema is not None:
        prefix += _bytes(request.output_schema)
    return prefix + sum(map(_message, request.messages))


def tightened(request: ModelRequest, known_prefix_tokens: int, known_prefix_messages: int) -> int:
    """The bound, given what an earlier call with the same system, tools and first messages was counted at.

    `known_prefix_tokens`: prompt tokens of that call; `known_prefix_messages`: how many messages it had.
    """
    added = sum(map(_message, request.messages[known_prefix_messages:])) + FORMAT_OVERHEAD
    if holds_document(request.messages[:known_prefix_messages]):
        return known_prefix_tokens + added
    return min(known_prefix_tokens + added, prompt_upper_bound(request))


def holds_document(messages: Iterable[Message]) -> bool:
    """Whether there is a PDF among them: a page may hold more text than `PDF_PAGE` allows for."""
    return any(isinstance(part, Document) for m in messages if isinstance(m, UserMessage) for part in m.content)


def _message(message: Message) -> int:
    if isinstance(message, UserMessage):
        return FRAME + sum(map(_part, message.content))
    return FRAME + _assistant(message)


def _assistant(message: AssistantMessage) -> int:
    if message.verbatim is not None:
        return FRAME + _bytes(message.verbatim)
    uses = sum(FRAME + _bytes(use.id) + _bytes(use.name) + _bytes(use.arguments) for use in message.tool_uses)
    return FRAME + _bytes(message.text) + uses


def _part(part: Text | Image | Document | ToolResult) -> int:
    match part:
        case Text(text=text):
            return FRAME + _bytes(text)
        case Image(width=width, height=height):
            return FRAME + min(IMAGE_CAP, math.ceil(width / _PATCH) * math.ceil(height / _PATCH))
        case Document():
            return FRAME + _bytes(part.title) + PDF_PAGE * max(1, part.pages)
        case ToolResult(tool_use_id=tool_use_id, content=content):
            inner = _bytes(content) if isinstance(content, str) else sum(map(_search_result, content))
            return 2 * FRAME + _bytes(tool_use_id) + inner


def _search_result(result: SearchResult) -> int:
    passages = sum(FRAME + _bytes(passage) for passage in result.passages)
    about = FRAME + _bytes(result.about) + 2 if result.about else 0
    return 2 * FRAME + _bytes(result.source) + _bytes(result.title) + passages + about


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
