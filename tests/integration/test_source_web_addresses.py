"""Which addresses a website as a source may lead to: public ones of the web, and nothing else."""

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fakes.article_services.base import reading
from tests.fakes.article_services.website import Crawl, FakeSite, page
from tools.http import http_session
from tools.knowledge_base.sources.base import SourceError
from tools.knowledge_base.sources.web import WebSettings, Website


@pytest.fixture
async def site() -> AsyncIterator[FakeSite]:
    fake = FakeSite()
    async with fake.serving():
        yield fake


PRIVATE = (
    "127.0.0.1", "127.1", "0", "000.0.0.0", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "10.0.0.1",
    "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[fe80::1]", "[fc00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]", "224.0.0.1", "198.18.0.1",
)  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
async def test_private_addresses_are_never_connected_to(host: str, site: FakeSite) -> None:
    port = site.url.rpartition(":")[2]
    settings = WebSettings.model_validate({"kind": "web", "url": f"http://{host}:{port}/help/"})
    site.pages = {"/help/": page("Secret")}
    async with http_session(public_only=True) as session:
        with pytest.raises(SourceError, match=r"not at a public address|cannot be reached|did not come"):
            await reading(Website(session, settings, sleep=Crawl(site).sleep))
    assert not site.asked


async def test_a_name_that_moves_to_a_private_address_is_not_followed(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: whatever was looked up before, what counts is the address that is connected to."""
    asked: list[str] = []

    def resolve(host: str, port: int, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    port = site.url.rpartition(":")[2]
    settings = WebSettings.model_validate({"kind": "web", "url": f"http://help.fernway.example:{port}/help/"})
    async with http_session(public_only=True) as session:
        with pytest.raises(SourceError, match=r"not at a public address.* import that folder"):
            await reading(Website(session, settings, sleep=Crawl(site).sleep))
    assert asked
    assert not site.asked


@pytest.mark.parametrize(
    "url", ["", "help.example", "ftp://help.example/", "https://", "https://me:pw@help.example/", "https://h:99999/",
     "https://a b/"],
)  # fmt: skip
def test_only_web_addresses_are_taken(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        WebSettings.model_validate({"kind": "web", "url": url})
