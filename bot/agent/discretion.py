"""The last look at what a model is sent.

What came in since there is redaction has been through it already; this finds what is older (a transcript, a summary) or
came another way (a name, a note). The run's own replies are replayed untouched, as the vendor wants it.
"""

from dataclasses import replace
from functools import lru_cache

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
from bot.domain.redaction import Redactor

_REMEMBERED = 256
"""Texts; a run sends most of them again with every step."""


class Discretion:
    """Hides in requests what has no place there; addresses stay, for the model is told whose it works for."""

    def __init__(self, redactor: Redactor | None = None) -> None:
        hiding = (redactor or Redactor()).without_contacts()
        self._hide = lru_cache(_REMEMBERED)(hiding.redact)

    def fit(self, request: ModelRequest) -> ModelRequest:
        """The request as it may leave; always the same for the same."""
        return replace(request, messages=tuple(self._message(message) for message in request.messages))

    def _message(self, message: Message) -> Message:
        if isinstance(message, UserMessage):
            return UserMessage(tuple(self._part(part) for part in message.content))
        if isinstance(message, AssistantMessage) and message.verbatim is None and not message.tool_uses:
            return replace(message, text=self._hide(message.text))
        return message

    def _part(self, part: Text | Image | Document | ToolResult) -> Text | Image | Document | ToolResult:
        match part:
            case Text():
                return replace(part, text=self._hide(part.text))
            case Document():
                return replace(part, title=self._hide(part.title))
            case ToolResult(content=str() as words):
                return replace(part, content=self._hide(words))
            case ToolResult(content=tuple() as found):
                return replace(part, content=tuple(self._found(one) for one in found))
            case _:
                return part

    def _found(self, one: SearchResult) -> SearchResult:
        passages = tuple(self._hide(passage) for passage in one.passages)
        return replace(one, title=self._hide(one.title), passages=passages)
