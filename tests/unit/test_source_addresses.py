"""Links, redirects and sitemaps hold whatever somebody wrote into them."""

import contextlib

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from tools.knowledge_base.sources.frontier import Frontier, normal
from tools.knowledge_base.sources.site import PageError, Site, clean, unpacked

START = URL("https://help.example/help/")
PIECES = st.sampled_from(
    ["http://", "https://", "//", "/", "\\", "@", ":", "[", "]", "::1", "%", "%00", "?", "#", "&", "=", "xn--", ".",
     "..", "help.example", "help", "99999", "443", "\ud800", "\u2028", "é", "file:", "javascript:", " ", "\n", "utm_a"]
)  # fmt: skip
ADDRESSES = st.lists(PIECES | st.text(max_size=3), max_size=8).map("".join)


@pytest.fixture(scope="module")
def site() -> Site:
    """One that fetches nothing."""
    nobody: aiohttp.ClientSession = None  # type: ignore[assignment]
    return Site(nobody, START, page_bytes=1, page_seconds=1)


@given(text=ADDRESSES)
def test_whatever_is_taken_lies_on_the_host_below_the_start(site: Site, text: str) -> None:
    url = clean(text, START)
    if url is None:
        return
    frontier = Frontier(site, START, most=9, deepest=9, exclude=())
    frontier.add(frontier.fresh([url]), depth=1)
    for task in frontier.next(9):
        assert (task.url.host, task.url.user, task.url.port) == ("help.example", None, task.url.port)
        assert task.url.scheme in {"http", "https"}
        assert task.url.path == "/help" or task.url.path.startswith("/help/")
        assert str(task.url).encode()


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("https://help.example", "https://help.example/"),
        ("https://help.example?a=1", "https://help.example/?a=1"),
        ("/a?utm_source=x&b=2&fbclid=y", "https://help.example/a?b=2"),
        ("b#part", "https://help.example/help/b"),
        ("https://HELP.example:443/a/../b", "https://help.example/b"),
    ],
)
def test_one_page_has_one_address(text: str, same: str) -> None:
    url = clean(text, START)
    assert url is not None
    assert str(normal(url)) == same


@given(st.binary(max_size=200))
def test_no_bytes_make_the_unpacking_fail_otherwise(body: bytes) -> None:
    for content in (body, b"\x1f\x8b" + body, b"\x1f\x8b\x08\x00" + body):
        with contextlib.suppress(PageError):
            assert len(unpacked(content, 1000)) <= max(1000, len(body))
