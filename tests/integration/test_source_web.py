"""Websites as sources: what is read, what is left alone, and what is kept."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fakes.article_services.base import reading
from tests.fakes.article_services.website import Crawl, FakeSite, WebPage, page
from tools.http import http_session
from tools.knowledge_base.articles import Audience
from tools.knowledge_base.sources.base import SourceError

HTML = "text/html"


@pytest.fixture
async def site() -> AsyncIterator[FakeSite]:
    fake = FakeSite()
    async with fake.serving():
        yield fake


@pytest.fixture
async def crawl(site: FakeSite) -> AsyncIterator[Any]:
    """Reads the site; keyword arguments are settings."""
    of = Crawl(site)
    async with http_session() as session:

        async def read(start: str = "/help/", known: Any = None, **told: Any) -> Any:
            return await reading(of.source(session, start, **told), known)

        read.of = of  # type: ignore[attr-defined]  # for tests that look at the pauses
        yield read


async def test_links_are_followed_below_the_start_and_nowhere_else(site: FakeSite, crawl: Any) -> None:
    elsewhere = ("/about", "/helpless", "https://elsewhere.example/help/x", "mailto:a@b.example", "/help/logo.png")
    site.pages = {
        "/help/": page("Start", "a", "a#part", "/help/b?utm_source=x", *elsewhere),
        "/help/a": page("A", "../help/deep/c"),
        "/help/b": page("B", "/help/"),
        "/help/deep/c": page("C", text="Deep."),
    }
    told = await crawl(category="technical", categories={"/deep/": "billing"})
    assert [one.article.title for one in told.documents.values()] == ["Start", "A", "B", "C"]
    deep = told.documents[f"{site.host}/help/deep/c"].article
    assert (deep.body, deep.url, deep.category) == ("Deep.", f"{site.url}/help/deep/c", "billing")
    assert (deep.audience, deep.language) == (Audience.PUBLIC, "en")
    assert sorted(set(site.asked)) == ["/help/", "/help/a", "/help/b", "/help/deep/c", "/robots.txt"]
    assert site.agents == {"deskhand"}


async def test_robots_txt_is_obeyed(site: FakeSite, crawl: Any) -> None:
    rules = "User-agent: *\nDisallow: /help/private\nDisallow: /*?print=\nAllow: /help/private/open$\nCrawl-delay: 4\n"
    site.pages = {
        "/robots.txt": WebPage(rules, content_type="text/plain"),
        "/help/": page("Start", "private", "private/open", "a?print=1", "moved", "a"),
        "/help/private/open": page("Open"),
        "/help/moved": WebPage(status=302, headers={"Location": "/help/private"}),
        "/help/a": page("A"),
    }
    told = await crawl()
    assert sorted(one.article.title for one in told.documents.values()) == ["A", "Open", "Start"]
    assert "/help/private" not in site.asked
    assert "/help/a?print=1" not in site.asked
    assert told.skipped[f"{site.url}/help/moved"].why == "leads to a page that robots.txt keeps from us"
    assert crawl.of.slept.count(4.0) >= 3


@pytest.mark.parametrize(
    ("robots", "why"),
    [
        (WebPage("User-agent: deskhand\nDisallow: /"), "robots.txt keeps it from us"),
        (WebPage(status=503), "robots.txt cannot be read: HTTP 503"),
    ],
)
async def test_without_leave_nothing_is_read(site: FakeSite, crawl: Any, robots: WebPage, why: str) -> None:
    site.pages = {"/robots.txt": robots, "/help/": page("Start")}
    with pytest.raises(SourceError, match=why):
        await crawl()
    assert "/help/" not in site.asked


async def test_broken_pages_are_named_and_the_rest_is_read(site: FakeSite, crawl: Any) -> None:
    odd = {
        "gone": WebPage(status=404), "failing": WebPage(status=500), "forbidden": WebPage(status=403),
        "file": WebPage(b"%PDF", content_type="application/pdf"), "huge": WebPage("x" * 2_000_001),
        "deep": WebPage("<div>" * 500), "empty": WebPage("<title>T</title>"), "circle": _to("/help/circle2"),
        "circle2": _to("/help/circle"), "away": _to("https://elsewhere.example/"), "odd": _to("http://[broken"),
        "local": _to("file:///etc/passwd"), "hidden": page("H", head='<meta name="robots" content="noindex">'),
        "folder": _to("/other/"),
    }  # fmt: skip
    site.pages = {"/help/": page("Start", *odd), "/other/": page("Other")}
    site.pages |= {f"/help/{name}": one for name, one in odd.items()}
    told = await crawl()
    assert list(told.documents) == [f"{site.host}/help/"]
    why = {name.rpartition("/")[2]: one.why for name, one in told.skipped.items()}
    assert why == {
        "gone": "HTTP 404", "failing": "HTTP 500", "forbidden": "HTTP 403", "huge": "larger than 2 MB",
        "file": "is application/pdf, not a web page", "deep": "elements within one another more than 120 deep",
        "empty": "no text", "circle": "leads around in circles", "circle2": "leads around in circles",
        "away": "leads to elsewhere.example", "odd": "leads to an address that is none",
        "local": "leads to an address that is none", "hidden": "asks not to be indexed", "folder": "leads to /other/",
    }  # fmt: skip


def _to(place: str) -> WebPage:
    return WebPage(status=302, headers={"Location": place})


async def test_links_that_are_no_addresses_are_passed_over(site: FakeSite, crawl: Any) -> None:
    host = site.host.partition(":")[0]
    odd = [
        f"http://{host}:99999/help/", "http://[::1", "//", "http:///x", "http://%00/", "https://xn--/", "http://a b/",
        "http://\u2028/", f"http://me:pw@{site.host}/help/x", "?\x00", "http://.../", "\\\\evil\\x",
    ]  # fmt: skip
    markup = "".join(f'<a href="{one}">x</a>' for one in odd).encode("utf-8", "replace").decode()
    start = page("Start", head='<link rel="canonical" href="http://[::1"><base href="http://[x">').body
    site.pages = {"/help/": WebPage(str(start) + markup)}
    site.pages |= {f"/help/{n}": _to(one.encode("ascii", "replace").decode()) for n, one in enumerate(odd)}
    site.pages["/help/x"] = page("Secret")
    site.pages["/help/links"] = page("Links", *(str(n) for n in range(len(odd))))
    assert list((await crawl()).documents) == [f"{site.host}/help/"]
    assert list((await crawl("/help/links")).documents) == [f"{site.host}/help/links"]


async def test_a_page_with_several_addresses_is_one_article(site: FakeSite, crawl: Any) -> None:
    canonical = '<link rel="canonical" href="/help/a">'
    site.pages = {
        "/help/": page("Start", "a?tab=1", "a?tab=2", "old", "lying", head='<link rel="canonical" href="/help/">'),
        "/help/a?tab=1": page("A", head=canonical),
        "/help/a?tab=2": page("A", head=canonical),
        "/help/old": _to("/help/a?tab=1"),
        "/help/lying": page("Lying", head='<link rel="canonical" href="/help/">'),
    }
    told = await crawl()
    assert told.slugs == [f"{site.host}/help/{name}" for name in ("", "a", "lying")]


async def test_what_stayed_the_same_is_not_sent_again_and_is_not_lost(site: FakeSite, crawl: Any) -> None:
    site.pages = {
        "/help/": page("Start", "a", "b", "c", etag="1"),
        "/help/a": page("A", "deep", etag="2"),
        "/help/b": WebPage(page("B").body, headers={"Last-Modified": "Wed, 04 Mar 2026 10:00:00 GMT"}),
        "/help/c": page("C"),
        "/help/deep": page("Deep", etag="3"),
    }
    first = await crawl()
    site.pages["/help/deep"] = page("Deep", text="New.", etag="4")
    del site.pages["/help/b"]
    again = await crawl(known=first.known)
    assert again.unchanged == [f"{site.host}/help/{name}" for name in ("", "a")]
    assert [one.article.body for one in again.documents.values()] == ["Text.", "New."]
    assert again.slugs == [f"{site.host}/help/{name}" for name in ("", "a", "c", "deep")]


async def test_other_settings_make_everything_new(site: FakeSite, crawl: Any) -> None:
    site.pages = {"/help/": page("Start", etag="1")}
    first = await crawl()
    assert not (await crawl(known=first.known)).documents
    assert (await crawl(known=first.known, audience="internal")).documents


async def test_what_becomes_internal_does_not_stay_public_because_it_is_broken(site: FakeSite, crawl: Any) -> None:
    site.pages = {"/help/": page("Start", "a", "hub"), "/help/a": page("A"), "/help/hub": page("H", "b")}
    site.pages["/help/b"] = page("B")
    first = await crawl()
    site.pages |= {"/help/a": WebPage("<p>"), "/help/hub": WebPage(status=500), "/help/b": WebPage(status=500)}
    kept = await crawl(known=first.known)
    assert [one.slug for one in kept.skipped.values()] == [f"{site.host}/help/{name}" for name in ("a", "hub", "b")]
    closed = await crawl(known=first.known, audience="internal")
    assert [one.slug for one in closed.skipped.values()] == ["", "", ""]
    assert closed.slugs == [f"{site.host}/help/"]


async def test_after_a_gap_what_was_not_met_stays(site: FakeSite, crawl: Any) -> None:
    site.pages = {"/help/": page("Start", "hub"), "/help/hub": page("Hub", "a"), "/help/a": page("A")}
    first = await crawl(max_pages=10)
    site.pages["/help/hub"] = WebPage(status=502)
    site.pages["/help/a"] = WebPage(status=404)
    again = await crawl(known=first.known)
    assert again.slugs == [f"{site.host}/help/"]
    assert again.skipped[f"{site.url}/help/hub"].slug == f"{site.host}/help/hub", "stays as it was"
    assert again.skipped[f"{site.url}/help/a"].slug == "", "is gone"


async def test_a_page_that_never_comes_does_not_keep_what_must_go(site: FakeSite, crawl: Any) -> None:
    site.pages = {"/help/": page("Start", "broken", "left-out", "closed"), "/help/broken": WebPage(status=403)}
    site.pages |= {"/help/left-out": page("Left out"), "/help/closed": page("Closed")}
    first = await crawl()
    assert len(first.slugs) == 3
    site.pages["/robots.txt"] = WebPage("User-agent: *\nDisallow: /help/closed\n")
    assert (await crawl(known=first.known, exclude=["left-out"])).slugs == [f"{site.host}/help/"]


async def test_a_page_that_asks_for_a_name_now_is_not_kept(site: FakeSite, crawl: Any) -> None:
    site.pages = {"/help/": page("Start", "a"), "/help/a": page("A")}
    first = await crawl()
    site.pages["/help/a"] = WebPage(status=401)
    again = await crawl(known=first.known)
    assert (again.slugs, again.skipped[f"{site.url}/help/a"].slug) == ([f"{site.host}/help/"], "")


async def test_an_answer_may_ask_not_to_be_indexed_in_its_headers(site: FakeSite, crawl: Any) -> None:
    asking = WebPage(page("A", "b").body, headers={"X-Robots-Tag": "otherbot: nofollow, NOINDEX"})
    closed = WebPage(page("C", "d").body, headers={"X-Robots-Tag": "none"})
    site.pages = {"/help/": page("Start", "a", "c"), "/help/a": asking, "/help/b": page("B"), "/help/c": closed}
    site.pages["/help/d"] = page("D")
    told = await crawl()
    assert [one.article.title for one in told.documents.values()] == ["Start"]
    assert {one.why for one in told.skipped.values()} == {"asks not to be indexed"}


async def test_a_page_that_moved_is_not_taken_for_one_that_stayed(site: FakeSite, crawl: Any) -> None:
    old = {"Last-Modified": "Wed, 04 Mar 2026 10:00:00 GMT"}
    site.pages = {"/help/": page("Start", "a", "b"), "/help/a": WebPage(page("A").body, headers=old)}
    site.pages["/help/b"] = WebPage(page("B").body, headers=old)
    first = await crawl()
    site.pages["/help/a"] = _to("/help/b")
    assert (await crawl(known=first.known)).slugs == [f"{site.host}/help/", f"{site.host}/help/b"]


async def test_reading_again_and_again_does_not_go_deeper(site: FakeSite, crawl: Any) -> None:
    site.pages = {f"/help/{n or ''}": page(f"Page {n}", str(n + 1), etag=str(n)) for n in range(40)}
    told = await crawl(max_depth=3)
    for _ in range(2):
        site.pages["/help/3"] = page("Page 3", "4", text="New.", etag="new")
        told = await crawl(known=told.known, max_depth=3)
        assert [slug.rpartition("/")[2] for slug in told.slugs] == ["", "1", "2", "3"]


async def test_over_the_limit_it_is_the_new_pages_that_are_left_out(site: FakeSite, crawl: Any) -> None:
    site.pages = {"/robots.txt": WebPage(f"Sitemap: {site.url}/s.xml"), "/help/": page("Start", "old")}
    site.pages |= {f"/help/{name}": page(name) for name in ("old", "new1", "new2")}
    first = await crawl()
    site.pages["/s.xml"] = sitemap("/help/new1", "/help/new2")
    again = await crawl(known=first.known, max_pages=3)
    assert again.slugs == [f"{site.host}/help/{name}" for name in ("", "new1", "old")]


async def test_a_busy_site_is_waited_for(site: FakeSite, crawl: Any) -> None:
    busy = WebPage(status=429, headers={"Retry-After": "9"})
    site.pages = {"/help/": page("Start", "a"), "/help/a": [busy, busy, page("A")]}
    told = await crawl()
    assert len(told.documents) == 2
    assert crawl.of.slept.count(9.0) == 2


async def test_limits_end_a_reading_honestly(site: FakeSite, crawl: Any) -> None:
    site.pages = {f"/help/{n or ''}": page(f"Page {n}", str(n + 1)) for n in range(40)}
    told = await crawl(max_pages=5)
    assert len(told.documents) == 5
    assert told.skipped[f"{site.url}/help/5"].why == "and the pages after it: there are more than max_pages (5)"
    assert len((await crawl(max_depth=2)).documents) == 3
    with pytest.raises(SourceError, match="longer than max_seconds"):
        await crawl(max_seconds=1)


async def test_a_trap_of_links_ends(site: FakeSite, crawl: Any) -> None:
    site.pages = {"/help/": page("Start", "x/")}
    site.pages |= {"/help/" + "x/" * n: page(f"Trap {n}", "x/", "?" + "y" * 500) for n in range(1, 9)}
    assert len((await crawl(max_depth=20)).documents) == 4


async def test_a_site_that_stops_answering_ends_the_reading(site: FakeSite, crawl: Any) -> None:
    site.pages = {"/help/": page("Start", *(str(n) for n in range(30)))}
    site.pages |= {f"/help/{n}": WebPage(status=500) for n in range(30)}
    with pytest.raises(SourceError, match="the last 20 pages did not come"):
        await crawl()


@pytest.mark.parametrize("start", [WebPage(status=404), WebPage(status=500), _to("https://www.elsewhere.example/")])
async def test_a_start_that_is_no_page_changes_nothing(site: FakeSite, crawl: Any, start: WebPage) -> None:
    site.pages = {"/help/": start}
    with pytest.raises(SourceError, match=r"(HTTP \d+|leads to www.elsewhere.example)\. Nothing was changed"):
        await crawl()


# --- sitemaps ---


def sitemap(*places: str, tag: str = "urlset") -> WebPage:
    inner = "".join(f"<url><loc>\n {place} </loc><lastmod>2026-01-01</lastmod></url>" for place in places)
    return WebPage(f'<?xml version="1.0"?><{tag}>{inner}</{tag}>', content_type="application/xml")


async def test_a_sitemap_says_which_pages_there_are(site: FakeSite, crawl: Any) -> None:
    packed = gzip.compress(str(sitemap(f"{site.url}/b?x=1&amp;y=2", "<![CDATA[/c]]>").body).encode())
    index = sitemap("/one.xml", "/two.xml.gz", "https://elsewhere.example/s.xml", "/index.xml", tag="sitemapindex")
    site.pages = {
        "/index.xml": index,
        "/one.xml": sitemap("/a", "https://elsewhere.example/x", "/a"),
        "/two.xml.gz": WebPage(packed, content_type="application/gzip"),
        "/a": page("A", "/not-listed"), "/b?x=1&y=2": page("B"), "/c": page("C"), "/not-listed": page("D"),
    }  # fmt: skip
    told = await crawl("/index.xml")
    assert [one.article.title for one in told.documents.values()] == ["A", "B", "C"]
    site.pages["/one.xml"] = sitemap()
    assert len((await crawl("/index.xml", known=told.known)).slugs) == 2


async def test_pages_of_the_sitemaps_in_robots_txt_are_read_too(site: FakeSite, crawl: Any) -> None:
    site.pages = {
        "/robots.txt": WebPage(f"Sitemap: {site.url}/s.xml\nSitemap: {site.url}/broken.xml"),
        "/s.xml": sitemap("/help/unlinked", "/blog/post"),
        "/help/": page("Start"), "/help/unlinked": page("Unlinked"), "/blog/post": page("Post"),
    }  # fmt: skip
    told = await crawl()
    assert [one.article.title for one in told.documents.values()] == ["Start", "Unlinked"]
    assert told.skipped[f"{site.url}/broken.xml"].why == "HTTP 404"


async def test_what_a_sitemap_does_not_list_any_more_goes_even_when_another_page_is_broken(
    site: FakeSite, crawl: Any
) -> None:
    site.pages = {"/s.xml": sitemap("/a", "/b", "/broken"), "/a": page("A"), "/b": page("B")}
    site.pages["/broken"] = WebPage(status=403)
    first = await crawl("/s.xml")
    site.pages["/s.xml"] = sitemap("/a", "/broken")
    assert (await crawl("/s.xml", known=first.known)).slugs == [f"{site.host}/a"]


async def test_an_article_of_another_address_than_the_listed_one_stays_when_that_does_not_come(
    site: FakeSite, crawl: Any
) -> None:
    head = '<link rel="canonical" href="/a/">'
    site.pages = {"/s.xml": sitemap("/a", "/old", "/c"), "/a": page("A", head=head, etag="1"), "/old": _to("/new")}
    site.pages |= {"/new": page("New"), "/c": page("C")}
    first = await crawl("/s.xml")
    assert first.slugs == [f"{site.host}/{name}" for name in ("a/", "c", "new")]
    assert (await crawl("/s.xml", known=first.known)).slugs == first.slugs, "the first of them by its ETag"
    site.pages |= {"/a": WebPage(status=500), "/old": WebPage(status=500)}
    told = await crawl("/s.xml", known=first.known)
    assert [one.slug for one in told.skipped.values()] == [f"{site.host}/{name}" for name in ("a/", "new")]


async def test_endless_sitemaps_end_with_the_time_for_a_reading(site: FakeSite, crawl: Any) -> None:
    names = [f"/s{n}.xml" for n in range(150)]
    site.pages = {"/robots.txt": WebPage("\n".join(f"Sitemap: {site.url}{name}" for name in names))}
    site.pages |= {"/help/": page("Start")} | {name: sitemap(f"/help/x{name}") for name in names}
    with pytest.raises(SourceError, match="longer than max_seconds"):
        await crawl(max_seconds=2)
    assert len(site.asked) < 30


async def test_once_there_is_no_room_no_more_sitemaps_are_read(site: FakeSite, crawl: Any) -> None:
    names = [f"/s{n}.xml" for n in range(20)]
    site.pages = {"/index.xml": sitemap(*names, tag="sitemapindex")}
    site.pages |= {name: sitemap(f"/help{name[:-4]}", f"/other{name[:-4]}") for name in names}
    site.pages |= {f"/help/s{n}": page(f"Page {n}") for n in range(20)}
    told = await crawl("/index.xml", max_pages=5)
    assert len(told.documents) == 3
    assert any("max_pages (5)" in one.why for one in told.skipped.values())
    assert "/s3.xml" not in site.asked


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (WebPage(status=500), "HTTP 500"),
        (WebPage(gzip.compress(b"\0" * 30_000_000), content_type="application/gzip"), "larger than 20 MB"),
        (WebPage(b"\x1f\x8bbroken", content_type="application/gzip"), "is a broken gzip file"),
        (sitemap(), "not one page could be read"),
        (WebPage("<urlset><url><loc>/help/</loc></url>", content_type="text/xml"), "is no sitemap or feed, or one cut"),
        (WebPage(gzip.compress(b"x" * 999)[:-9], content_type="application/gzip"), "is a gzip file cut short"),
        (WebPage("<h1>Sorry</h1>"), "is text/html, not a sitemap or feed"),
    ],
)
async def test_a_broken_sitemap_changes_nothing(site: FakeSite, crawl: Any, answer: WebPage, why: str) -> None:
    site.pages = {"/s.xml": answer}
    with pytest.raises(SourceError, match=why):
        await crawl("/s.xml")
