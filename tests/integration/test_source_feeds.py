"""RSS and Atom feeds, where a sitemap may stand: their entries' pages are read, and what fell out of them stays."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fakes.article_services.base import reading
from tests.fakes.article_services.website import Crawl, FakeSite, WebPage, page
from tools.http import http_session
from tools.knowledge_base.sources.base import SourceError

RSS = """<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "/expanded"><!ENTITY b "&a;&a;&a;">]>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>News</title><link>/home</link>
<atom:link rel="self" href="/feed.xml"/><image><url>/i.png</url><link>/home</link></image>{}</channel></rss>"""
ATOM = '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><link href="/home"/>{}</feed>'


@pytest.fixture
async def site() -> AsyncIterator[FakeSite]:
    fake = FakeSite()
    async with fake.serving():
        fake.pages = {f"/{name}": page(name.upper(), "/home") for name in ("a", "b", "c", "d", "home", "help/x")}
        yield fake


@pytest.fixture
async def crawl(site: FakeSite) -> AsyncIterator[Any]:
    of = Crawl(site)
    async with http_session() as session:

        async def read(start: str, known: Any = None, **told: Any) -> Any:
            return await reading(of.source(session, start, **told), known)

        yield read


def rss(*places: str) -> WebPage:
    items = "".join(f"<item><title>T</title><link>{place}</link></item>" for place in places)
    return WebPage(RSS.format(items), content_type="application/rss+xml")


def atom(entries: str) -> WebPage:
    return WebPage(ATOM.format(entries), content_type="application/atom+xml")


@pytest.mark.parametrize("start", ["/feed.xml", "/feed", "/news.rss"])
async def test_the_pages_of_an_rss_feed_are_read_and_nothing_that_they_lead_to(
    site: FakeSite, crawl: Any, start: str
) -> None:
    site.pages[start] = rss(f" {site.url}/a?x=1&amp;y=2 ", "<![CDATA[/b]]>", "https://elsewhere.example/x", "&b;", "/b")
    site.pages["/a?x=1&y=2"] = page("A", "/home")
    told = await crawl(start)
    assert [one.article.title for one in told.documents.values()] == ["A", "B"]
    assert not {"/home", "/expanded", "/expanded/expanded/expanded"} & set(site.asked)


async def test_the_pages_of_an_atom_feed_are_those_of_its_alternate_links(site: FakeSite, crawl: Any) -> None:
    site.pages["/feed.atom"] = atom(
        '<entry><link rel="self" href="/c"/><link rel="replies" href="/c"/><link rel="alternate" href="a"/>'
        '<content type="xhtml"><div><p>See <link href="/d"/></p></div></content></entry>'
        '<entry xml:base="/help/"><link href="x"/><summary>&lt;entry&gt;&lt;link href="/d"/></summary></entry>'
        '<entry><content><![CDATA[<entry><link href="/d"/></entry>]]></content></entry>'
    )
    told = await crawl("/feed.atom")
    assert [one.article.title for one in told.documents.values()] == ["A", "HELP/X"]


async def test_an_entry_without_a_link_may_have_a_permanent_id(site: FakeSite, crawl: Any) -> None:
    items = "".join(
        (
            f"<item><guid>{site.url}/a</guid></item>",
            f"<item><guid isPermaLink='false'>{site.url}/b</guid></item>",
            "<item><guid>tag:1</guid></item>",
        )
    )
    site.pages["/feed.xml"] = WebPage(RSS.format(items), content_type="text/xml")
    assert (await crawl("/feed.xml")).slugs == [f"{site.host}/a"]


async def test_rss_1_is_read_too(site: FakeSite, crawl: Any) -> None:
    site.pages["/index.rdf"] = WebPage(
        '<rdf:RDF xmlns:rdf="r"><channel rdf:about="/"><link>/home</link><items/></channel>'
        '<item rdf:about="/a"><link>/a</link></item></rdf:RDF>',
        content_type="application/rdf+xml",
    )
    assert (await crawl("/index.rdf")).slugs == [f"{site.host}/a"]


async def test_what_fell_out_of_a_feed_stays_until_its_page_is_gone(site: FakeSite, crawl: Any) -> None:
    site.pages["/feed.xml"] = rss("/a", "/b", "/c")
    first = await crawl("/feed.xml")
    site.pages["/feed.xml"] = rss("/d")
    del site.pages["/a"]
    again = await crawl("/feed.xml", known=first.known, max_pages=3)
    assert again.slugs == [f"{site.host}/{name}" for name in ("b", "c")], (
        "over the limit it is the new that is left out"
    )
    assert (await crawl("/feed.xml", known=again.known)).slugs == [f"{site.host}/{name}" for name in ("b", "c", "d")]


async def test_a_feed_may_be_named_in_robots_txt_and_in_an_index_of_sitemaps(site: FakeSite, crawl: Any) -> None:
    packed = gzip.compress(str(rss("/help/x", "/a").body).encode())
    site.pages |= {
        "/robots.txt": WebPage(f"Sitemap: {site.url}/feed.gz"),
        "/feed.gz": WebPage(packed, content_type="application/gzip"),
        "/help/": page("Start"),
        "/index.xml": WebPage("<sitemapindex><sitemap><loc>/feed.gz</loc></sitemap></sitemapindex>",
                              content_type="text/xml"),
    }  # fmt: skip
    assert (await crawl("/help/")).slugs == [f"{site.host}/help/", f"{site.host}/help/x"]
    assert (await crawl("/index.xml")).slugs == [f"{site.host}/a", f"{site.host}/help/x"]


@pytest.mark.parametrize(
    ("feed", "why"),
    [
        (
            WebPage(RSS.format("<item><link>/a</link></item>").removesuffix("</rss>"), content_type="text/xml"),
            "cut short",
        ),
        (rss(), "not one page could be read"),
        (WebPage("<rss>" + "<x>" * 200 + "</rss>", content_type="text/xml"), "more than 120 deep"),
        (WebPage("<rss>" + " " * 2_000_001 + "</rss>", content_type="text/xml"), "larger than 2 MB"),
        (WebPage(gzip.compress(b"<rss>" + b" " * 2_000_001 + b"</rss>"), content_type="text/xml"), "larger than 2 MB"),
        (WebPage("<svg></svg>", content_type="application/xml"), "is no sitemap or feed"),
    ],
)
async def test_a_broken_feed_changes_nothing(site: FakeSite, crawl: Any, feed: WebPage, why: str) -> None:
    site.pages["/feed"] = feed
    with pytest.raises(SourceError, match=rf"{why}.*Nothing was changed"):
        await crawl("/feed")
