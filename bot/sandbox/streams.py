"""Streamed messages: chunks become text, task cards and blocks; length and life of a stream are limited."""

from typing import Any

from bot.sandbox import strict
from bot.sandbox.wire import Json, SlackError

TASK_TEXT_LIMIT = 256
BLOCK_LIMIT = 50
_TASK_STATES = ("pending", "in_progress", "complete", "error")


def is_live(message: Json) -> bool:
    """Whether the message is still being streamed."""
    return bool(message.get("streaming"))


class Stream:
    """One stream: what was appended so far, and the message content that makes of it."""

    def __init__(self, mode: str, byte_limit: int, ends_at: float) -> None:
        self._mode = mode
        self._byte_limit = byte_limit
        self._bytes = 0
        self._text = ""
        self._plan_title = ""
        self._tasks: dict[str, Json] = {}
        self._blocks: list[Json] = []
        self.ends_at = ends_at

    def append(self, markdown: str, chunks: Any) -> None:
        """Take one call's `markdown_text` or `chunks`; nothing is kept of a call that is refused."""
        if markdown and chunks:
            raise SlackError("markdown_text_conflict")
        strict.check_text(markdown, strict.MARKDOWN_LIMIT)
        ready = [{"type": "markdown_text", "text": markdown}] if markdown else self._checked(chunks)
        added = sum(_weight(chunk) for chunk in ready)
        if self._bytes + added > self._byte_limit:
            raise SlackError("msg_too_long")
        extra_blocks = sum(len(chunk["blocks"]) for chunk in ready if chunk["type"] == "blocks")
        if len(self._blocks) + extra_blocks > BLOCK_LIMIT:
            raise SlackError("msg_blocks_too_many")
        self._bytes += added
        for chunk in ready:
            self._take(chunk)

    def content(self, closing_blocks: list[Json] | None = None) -> Json:
        """The message as everyone sees it now."""
        blocks: list[Json] = []
        tasks = [dict(task) for task in self._tasks.values()]
        if tasks and self._mode == "plan":
            blocks.append({"type": "plan", "title": self._plan_title or "Working", "tasks": tasks})
        else:
            blocks.extend(tasks)
        if self._text:
            blocks.append({"type": "markdown", "text": self._text})
        return {"text": self._text, "blocks": [*blocks, *self._blocks, *(closing_blocks or [])]}

    def _checked(self, chunks: Any) -> list[Json]:
        if chunks is None:
            return []
        if not isinstance(chunks, list) or not all(_is_chunk(chunk) for chunk in chunks):
            raise SlackError("invalid_chunks")
        for chunk in chunks:
            if chunk["type"] == "blocks":
                strict.check_blocks(chunk["blocks"])
        return chunks

    def _take(self, chunk: Json) -> None:
        match chunk["type"]:
            case "markdown_text":
                self._text += chunk["text"]
            case "plan_update":
                self._plan_title = chunk["title"]
            case "blocks":
                self._blocks.extend(chunk["blocks"])
            case _:
                self._update_task(chunk)

    def _update_task(self, chunk: Json) -> None:
        task = self._tasks.setdefault(chunk["id"], {"type": "task_card", "task_id": chunk["id"]})
        task.update(title=chunk["title"], status=chunk["status"])
        if chunk.get("details"):
            task["details"] = _rich(_plain(task.get("details")) + chunk["details"])
        if chunk.get("output"):
            task["output"] = _rich(chunk["output"])
        if chunk.get("sources"):
            task["sources"] = chunk["sources"]


def _is_chunk(chunk: Any) -> bool:
    if not isinstance(chunk, dict):
        return False
    match chunk.get("type"):
        case "markdown_text":
            return isinstance(chunk.get("text"), str)
        case "plan_update":
            return isinstance(chunk.get("title"), str)
        case "blocks":
            return isinstance(chunk.get("blocks"), list)
        case "task_update":
            return _is_task(chunk)
        case _:
            return False


def _is_task(chunk: Json) -> bool:
    named = all(isinstance(chunk.get(name), str) and chunk[name] for name in ("id", "title"))
    texts = [chunk.get(name) or "" for name in ("title", "details", "output")]
    short = all(isinstance(text, str) and len(text) <= TASK_TEXT_LIMIT for text in texts)
    return named and short and chunk.get("status") in _TASK_STATES


def _weight(chunk: Json) -> int:
    return sum(len(str(chunk.get(name) or "").encode()) for name in ("text", "title", "details", "output"))


def _rich(text: str) -> Json:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}


def _plain(rich: Json | None) -> str:
    return "" if rich is None else str(rich["elements"][0]["elements"][0]["text"])
