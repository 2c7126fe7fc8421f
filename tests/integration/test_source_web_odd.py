"""What no well-behaved server sends, and what a site may do to whoever reads it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from yarl import URL

from bot.store.engine import create_engine
from tests.fakes.tools import HeldClock
from tools.database import create_tables
from tools.http import http_session
from tools.knowledge_base.importer import Importer
from tools.knowledge_base.sources.base import SourceError
from tools.knowledge_base.sources.frontier import Frontier
from tools.knowledge_base.sources.site import Site
from tools.knowledge_base.sources.web import WebSettings, Website
from tools.knowledge_base.store import ArticleStore

PAGE = b"<h1>Title</h1><p>Text."


@asynccontextmanager
async def answering(head: bytes) -> AsyncIterator[str]:
    """A server that answers with these bytes before its page, whatever they are; its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        is_page = b"robots.txt" not in asked.split(b"\r\n")[0]
        body = head + b"Content-Length: %d\r\n\r\n" % len(PAGE) + PAGE if is_page else b"Content-Length: 0\r\n\r\n"
        writer.write((b"HTTP/1.1 200 OK\r\n" if is_page else b"HTTP/1.1 404 No\r\n") + b"Connection: close\r\n" + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def nothing(_: float) -> None:
    await asyncio.sleep(0)


async def test_a_header_in_no_encoding_costs_nothing_but_a_second_look(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/kb.db")
    await create_tables(engine)
    importer = Importer(ArticleStore(engine, HeldClock()))
    async with answering(b'Content-Type: text/html\r\nETag: "caf\xe9"\r\n') as url, http_session() as session:
        source = Website(session, WebSettings(kind="web", url=url), sleep=nothing)
        reports = [await importer.run(source) for _ in range(2)]
    assert [(len(one.imported), len(one.unchanged)) for one in reports] == [(1, 0), (0, 1)]
    await engine.dispose()


async def test_a_content_type_is_repeated_without_what_a_terminal_obeys(tmp_path: Path) -> None:
    async with answering(b"Content-Type: text/\x1b]0;\xe9x\r\n") as url, http_session() as session:
        with pytest.raises(SourceError) as failure:
            await Website(session, WebSettings(kind="web", url=url), sleep=nothing).check()
    assert str(failure.value).isprintable()


def test_an_address_is_looked_at_once_and_met_ones_not_again() -> None:
    """A page names the same two hundred others that each page of its site names, and robots.txt may be long."""
    looked: list[str] = []

    class Watched(Site):
        def is_allowed(self, url: URL) -> bool:
            looked.append(url.path)
            return True

    start = URL("https://help.example/help/")
    frontier = Frontier(Watched(None, start, page_bytes=1, page_seconds=1), start, most=9, deepest=9, exclude=())  # type: ignore[arg-type]  # fetches nothing
    links = [start.join(URL(name)) for name in ("a", "a", "b#part", "b", "/elsewhere")]
    for _ in range(3):
        frontier.add(frontier.fresh(links), depth=1)
    assert looked == ["/help/a", "/help/b"]


@pytest.mark.parametrize(
    ("start", "inside", "outside"),
    [
        ("/docs/v1.2", "/docs/v1.2/a", "/docs/v1.1/a"),
        ("/help/index.html", "/help/a", "/about"),
        ("/help", "/help/a", "/helpless"),
    ],
)
def test_what_lies_below_a_start(start: str, inside: str, outside: str) -> None:
    base = URL("https://help.example")
    site = Site(None, base, page_bytes=1, page_seconds=1)  # type: ignore[arg-type]  # fetches nothing
    frontier = Frontier(site, base.join(URL(start)), most=9, deepest=9, exclude=())
    assert [url.path for url in frontier.fresh([base.join(URL(inside)), base.join(URL(outside))])] == [inside]
