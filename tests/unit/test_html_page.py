"""Pages as sites build them: what is taken for the article, and what they say of themselves."""

import pytest

from tools.knowledge_base.articles import BrokenArticleError
from tools.knowledge_base.html.encoding import decoded
from tools.knowledge_base.html.page import read_page

HELP_CENTER = """<!doctype html><html lang="en-US"><head><title>Reset your password &ndash; Fernway Help</title>
<link rel="canonical" href="/hc/en-us/articles/1"><meta property="article:modified_time" content="2026-03-04T10:00:00Z">
</head><body><header><nav><a href="/">Home</a> <a href="/pricing">Pricing</a></nav></header>
<div class="cookie-banner">We use cookies. Accept</div>
<div class="sidebar"><ul><li><a href="/a">Getting started</a></li><li><a href="/b">Billing</a></li></ul></div>
<main role="main"><ol class="breadcrumbs"><li><a href="/">Fernway</a></li></ol>
<article class="article"><h1>Reset your password</h1><p>Open <a href="/login">the login page</a>.</p>
<h2>Limits</h2><table><tr><th>Plan</th><th>Attempts</th></tr><tr><td>Free</td><td>3</td></tr></table>
<button>Copy</button></article>
<div class="article-votes">Was this article helpful? Yes No</div>
<aside>Related articles <a href="/x" rel="nofollow">X</a></aside></main>
<footer>© 2026 Fernway. Privacy Terms</footer></body></html>"""

UNMARKED = """<html lang=de><head><title>Rechnungen | Fernway</title><meta name=last-modified content=2026-02-03></head>
<body><div id=top><a href=/>Start</a><a href=/p>Preise</a><a href=/k>Kontakt</a></div>
<div id=text><div><h1>Rechnungen</h1></div><div>Ihre Rechnung finden Sie unter <i>Konto</i>.</div>
<div>Mehr unter <a href=/x>Steuern</a>.</div>
<h2>Siehe auch</h2><ul><li><a href=/y>Konto</a><li><a href=/z>Preise</a></ul></div>
<div id=foot><a href=/i>Impressum</a> <a href=/d>Datenschutz</a></div></body></html>"""


def test_a_help_centre_is_read_without_its_furniture() -> None:
    page = read_page(HELP_CENTER, "https://help.example/hc/en-us/articles/1?from=search")
    assert page.body == (
        "Open [the login page](https://help.example/login).\n\n## Limits\n\n"
        "| Plan | Attempts |\n| --- | --- |\n| Free | 3 |"
    )
    assert (page.title, page.language, page.updated) == ("Reset your password", "en", "2026-03-04")
    assert page.url == "https://help.example/hc/en-us/articles/1"
    assert "https://help.example/pricing" in page.links
    assert "https://help.example/x" not in page.links


def test_a_page_without_marks_loses_its_menus_only() -> None:
    page = read_page(UNMARKED, "https://help.example/r")
    assert page.body == (
        "Ihre Rechnung finden Sie unter *Konto*.\n\nMehr unter [Steuern](https://help.example/x).\n\n"
        "## Siehe auch\n\n- [Konto](https://help.example/y)\n- [Preise](https://help.example/z)"
    )
    assert (page.title, page.language, page.updated) == ("Rechnungen", "de", "2026-02-03")


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("<title>Webhooks | Fernway</title>", "Webhooks"),
        ("<title>Fernway</title><meta property='og:title' content='Web  hooks'>", "Web hooks"),
        ("<title>Sign-in with SSO - Fernway &amp; Co</title>", "Sign-in with SSO"),
        ("", "A second heading"),
    ],
)
def test_without_a_first_heading_the_page_is_called_what_it_calls_itself(head: str, title: str) -> None:
    assert read_page(f"{head}<body><p>Text.</p><h2>A second heading</h2></body>").title == title


def test_what_holds_most_of_the_text_is_no_furniture_whatever_it_is_called() -> None:
    assert read_page("<body><div class='page share'><h1>T</h1><p>All of the text is here.</div>").body


def test_a_teaser_is_not_taken_for_the_page() -> None:
    teasers = "".join(f"<article><h3>News {n}</h3><p>Short.</p></article>" for n in range(9))
    page = read_page(f"<main><h1>All news</h1><p>Our news.</p>{teasers}</main>")
    assert "News 8" in page.body
    assert "Our news." in page.body


@pytest.mark.parametrize(
    ("selector", "text"), [("#b", "second"), (".c", "third"), ("section", "fourth"), ("#none", "")]
)
def test_a_selector_names_the_text(selector: str, text: str) -> None:
    markup = "<main>first</main><div id=b>second</div><div class='x c'>third</div><section>fourth</section>"
    assert read_page(markup, selector=selector).body == text


@pytest.mark.parametrize(
    ("told", "day"),
    [
        ('{"@type": "Article", "dateModified": "2026-05-06T01:02:03Z", "datePublished": "2020-01-01"}', "2026-05-06"),
        ('{"@graph": [{"@type": "WebSite"}, {"datePublished": "2025-04-03"}]}', "2025-04-03"),
        ('[1, {"dateModified": ["2026-01-01"]}]', ""),
        ("{" * 5000, ""),
        ('{"dateModified": "soon"}', ""),
    ],
)
def test_dates_are_read_from_linked_data(told: str, day: str) -> None:
    assert read_page(f'<script type="application/ld+json">{told}</script><h1>T</h1><p>x').updated == day


@pytest.mark.parametrize(
    ("content", "asked"), [
        ("noindex", {"noindex"}), ("NOFOLLOW, noindex", {"noindex", "nofollow"}), ("none", {"noindex", "nofollow"})
    ],
)  # fmt: skip
def test_what_a_page_asks_of_robots_is_known(content: str, asked: set[str]) -> None:
    assert read_page(f"<meta name=robots content='{content}'><p>x").robots == asked


@pytest.mark.parametrize(("markup", "why"), [("<title>T</title>", "no text"), ("<p>x", "no title")])
def test_a_page_that_is_no_article_says_why(markup: str, why: str) -> None:
    with pytest.raises(BrokenArticleError, match=why):
        read_page(markup).article_text()


@pytest.mark.parametrize(
    ("body", "told", "text"),
    [
        ("Grüße".encode(), "", "Grüße"),
        (b"\xef\xbb\xbf" + "Grüße".encode(), "iso-8859-1", "Grüße"),
        ("Grüße".encode("latin-1"), "ISO-8859-1", "Grüße"),
        (b"\x93q\x94", "iso-8859-1", "\u201cq\u201d"),
        (b'<meta charset="shift_jis">' + "日本".encode("shift_jis"), "", '<meta charset="shift_jis">日本'),
        (b"a\xffb", "utf-8", "a\ufffdb"),
        (b"abc", "no-such-charset", "abc"),
        (b"abc", "punycode", "abc"),
        (b"abc", "zlib", "abc"),
        (b"abc", "undefined", "abc"),
        (b"a\\x41", "unicode_escape", "a\\x41"),
        (b"a\\u0041", "raw_unicode_escape", "a\\u0041"),
    ],
)
def test_a_page_is_read_in_the_charset_it_names(body: bytes, told: str, text: str) -> None:
    assert decoded(body, told) == text
