"""The text of a page of Notion.

By Notion's own rendering, which marks what it leaves out: what there was no room for, kinds of blocks that it does not
know, pages that are not shared with us. Each of those is asked for by itself, and what is not ours to read is left out.
Where there is no rendering (an older interface, a gateway) the page is read block by block.
"""

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any

from pydantic import BaseModel, ValidationError

from tools.http_answer import BackendRefusedError
from tools.knowledge_base.articles import LARGEST, BrokenArticleError
from tools.knowledge_base.html.markdown import markdown
from tools.knowledge_base.sources.converting import converted
from tools.knowledge_base.sources.notion_blocks import Block, html_of
from tools.knowledge_base.sources.notion_markdown import plain_markdown
from tools.knowledge_base.sources.service import Service, onward
from tools.paging import Page, PagingError, pages

NOT_THERE = frozenset({400, 404})
"""How Notion answers for what does not exist, or is not shared with us, and for addresses that it does not know."""
_PARTS = 50
"""Parts left out of one page that are asked for one by one; with more of them it is read block by block."""
_DEEPEST = 20
"""Blocks within one another."""
_MOST_BLOCKS = 20_000
"""Of one page; about as many as Notion renders."""
_MOST_LISTS = 1000
"""Requests for one page; each list holds a hundred blocks, and each block with others in it has one."""
_PER_LIST = 100
_ID = re.compile(r"[0-9a-fA-F-]{32,36}")


class _Rendered(BaseModel):
    markdown: str
    truncated: bool = False
    unknown_block_ids: list[str] = []


class _Listed(BaseModel):
    results: list[dict[str, Any]]
    has_more: bool
    next_cursor: str | None = None


class PageText:
    """Reads the texts of pages."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def of(self, number: str) -> str:
        """All of a page as plain Markdown. BrokenArticleError when it is too large or too deep; else the service's."""
        try:
            told = await self._rendered(number)
        except BackendRefusedError as error:
            if error.status not in NOT_THERE:
                raise
            return await self._by_blocks(number)
        if told.truncated and not told.unknown_block_ids:
            return await self._by_blocks(number)
        parts = await self._with_missing(number, told)
        return await self._by_blocks(number) if parts is None else _joined(parts)

    async def _rendered(self, number: str) -> _Rendered:
        told = await self._service.get(f"/v1/pages/{number}/markdown", _Rendered)
        if len(told.markdown.encode("utf-8", "replace")) > LARGEST:
            raise _too_large()
        return told

    async def _with_missing(self, number: str, told: _Rendered) -> list[str] | None:
        """A page, and behind it what was left out of it; None when that is too many parts."""
        parts = [await _plain(told)]
        waiting, seen = deque(told.unknown_block_ids), {number}
        while waiting:
            missing = waiting.popleft()
            if missing in seen or not _ID.fullmatch(missing):
                continue
            seen.add(missing)
            if len(seen) > _PARTS + 1:
                return None
            text, more = await self._part(missing)
            parts.append(text)
            waiting.extend(more)
            _check_size(parts)
        return parts

    async def _part(self, number: str) -> tuple[str, Sequence[str]]:
        """What was left out, and what was left out of that; nothing when it is not ours to read."""
        try:
            told = await self._rendered(number)
            missing = told.unknown_block_ids
            if number not in missing and (missing or not told.truncated):
                return await _plain(told), missing
        except BackendRefusedError as error:
            if error.status not in NOT_THERE:
                raise
        try:
            block = _block(await self._service.get(f"/v1/blocks/{number}", dict[str, Any]))
            whole = await _Walk(self._service).whole(block, ())
        except BackendRefusedError as error:
            if error.status not in NOT_THERE:
                raise
            return "", ()
        return await asyncio.to_thread(converted, partial(_text, (whole,))), ()

    async def _by_blocks(self, number: str) -> str:
        blocks = await _Walk(self._service).below(number, ())
        return await asyncio.to_thread(converted, partial(_text, blocks))


class _Walk:
    """Through the blocks of one page, within its limits."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lists = self._blocks = self._size = 0

    async def below(self, number: str, path: tuple[str, ...]) -> tuple[Block, ...]:
        """The blocks within a page or block, whole; `path`: those that it lies in."""
        if len(path) >= _DEEPEST:
            raise BrokenArticleError(f"blocks within one another more than {_DEEPEST} deep")
        try:
            listed = [one async for one in pages(partial(self._list, number), service="Notion", most=_MOST_LISTS)]
        except PagingError:
            raise BrokenArticleError("its list of blocks does not end") from None
        return tuple([await self.whole(one, (*path, number)) for one in listed])

    async def whole(self, block: Block, path: tuple[str, ...]) -> Block:
        """The block with those within it; one that lies in itself (by a copy of it) is not opened again."""
        within = block.opened_by
        if not within or within in path:
            return block
        try:
            return block.model_copy(update={"below": await self.below(within, path)})
        except BackendRefusedError as error:
            if error.status not in NOT_THERE:
                raise
            return block  # a copy of something that is not shared with us

    async def _list(self, number: str, cursor: str) -> Page[Block]:
        self._lists += 1
        if self._lists > _MOST_LISTS:
            raise BrokenArticleError(f"more than {_MOST_LISTS} lists of blocks")
        asked: dict[str, str | int] = {"page_size": _PER_LIST, **({"start_cursor": cursor} if cursor else {})}
        told = await self._service.get(f"/v1/blocks/{number}/children", _Listed, asked)
        blocks = [_block(one) for one in told.results]
        self._blocks += len(blocks)
        self._size += sum(one.size for one in blocks)
        if self._blocks > _MOST_BLOCKS:
            raise BrokenArticleError(f"more than {_MOST_BLOCKS} blocks")
        if self._size > LARGEST:
            raise _too_large()
        return Page(blocks, onward(told.next_cursor, has_more=told.has_more, service="Notion"))


async def _plain(told: _Rendered) -> str:
    return await asyncio.to_thread(converted, partial(plain_markdown, told.markdown))


def _block(told: dict[str, Any]) -> Block:
    try:
        return Block.model_validate(told)
    except ValidationError:
        raise BrokenArticleError("a block is not of the shape that Notion documents") from None


def _text(blocks: Sequence[Block]) -> str:
    return markdown(html_of(blocks))


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(part for part in parts if part)


def _check_size(parts: Sequence[str]) -> None:
    if sum(map(len, parts)) > LARGEST:
        raise _too_large()


def _too_large() -> BrokenArticleError:
    return BrokenArticleError(f"more than {LARGEST // 1_000_000} MB of text")
