"""No page, however broken or malicious, makes the converter raise anything else, or work for long."""

import asyncio
import contextlib
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.knowledge_base.articles import BrokenArticleError
from tools.knowledge_base.html.page import fragment, read_page
from tools.knowledge_base.html.tree import LARGEST

PIECES = """
< > / ! - " ' = & ; # * ` | \\ a <p> </p> <div> </div> <b> </b> <a> </a> <ul> <ol> <li> </ul> <table> <tr> <td> </table>
<pre> </pre> <h1> </h1> <br> <img> <svg> </svg> <math> <select> <option> <dl> <dt> <dd> <blockquote> <details> <script>
</script> <style> <title> <textarea> <template> <form> <button> <main> <article> <nav> <!-- --> <![CDATA[ ]]> <?xml &#x
&#1114112; &lol; <html+lang= <meta+property= <p+hidden> <p+style=' <a+href='http://[ <ol+start=9> <td+colspan=99>
<link+rel=canonical+href= <script+type=application/ld+json> {"dateModified":[ <ac:link/> + \n \t \0 words
"""
TANGLES = st.lists(
    st.sampled_from([piece.replace("+", " ") for piece in PIECES.split()]) | st.text(max_size=5), max_size=60
).map("".join)


@settings(max_examples=150)
@given(TANGLES, st.booleans())
def test_any_tangle_becomes_text_or_is_refused(markup: str, xml: bool) -> None:
    with contextlib.suppress(BrokenArticleError):
        fragment(markup, "https://x.example/", xml=xml).encode()
    with contextlib.suppress(BrokenArticleError):
        read_page(markup).body.encode()


SIZE = 8_000
"""Characters of each of the pages below."""


def times(piece: str) -> str:
    return (piece * (SIZE // len(piece) + 1))[:SIZE]


HOSTILE: dict[str, str] = {
    "nested blocks": times("<div>"),
    "nested marks": times("<b>"),
    "nested lists": times("<ul><li>"),
    "nested tables": times("<table><tr><td>"),
    "nested quotations": "<blockquote>" * 100 + times("x<br>"),
    "a deep list with a long text": "<ul><li>" * 50 + times("x\n<br>"),
    "open options": "<select>" + times("<option>"),
    "open links": times("<a href=x>t"),
    "open paragraphs with marks": times("<p><b>"),
    "a tag of attributes": "<p " + times("a=b "),
    "attributes without values": "<p " + times("a/"),
    "one huge attribute": "<p title='" + times("x"),
    "tags that never end": times("<a "),
    "quotations that never end": times("<a b='"),
    "comments that never end": times("<!--"),
    "declarations that never end": times("<!a "),
    "CDATA that never ends": times("<![CDATA["),
    "scripts that never end": times("<script></"),
    "entities": times("&lol;"),
    "an endless number": "&#" + times("1"),
    "a bomb of entities": '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + times("&b;"),
    "brackets": times("<"),
    "end tags": times("</"),
    "wide rows": "<table><tr>" + times("<td colspan=99>a"),
    "short rows below a wide one": "<table><tr>" + "<td>" * 500 + times("<tr><td>b"),
    "ticks": "<pre>" + times("`"),
    "a style without end": '<p style="' + times("/*") + '">x',
    "line breaks": times("<br>"),
    "marks": times("*_`|#\n"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_work_grows_with_the_length_of_a_page_and_nothing_else(name: str) -> None:
    """Counted in calls of Python functions, which the load of the machine does not change."""
    for convert in (fragment, body_of):
        calls, length = counted(convert, HOSTILE[name])
        assert calls < 40 * SIZE
        assert length < 20 * SIZE


def body_of(markup: str) -> str:
    return read_page(markup, "https://x.example/").body


def counted(convert: Callable[[str], str], markup: str) -> tuple[int, int]:
    """Calls it took, and the length of what came out."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        return calls, len(convert(markup))
    except BrokenArticleError:
        return calls, 0
    finally:
        sys.setprofile(None)


def test_a_page_that_is_too_large_is_refused_by_name() -> None:
    with pytest.raises(BrokenArticleError, match="2 MB"):
        fragment("x" * (LARGEST + 1))


def test_a_page_of_more_elements_than_any_article_has_is_refused_by_name() -> None:
    with pytest.raises(BrokenArticleError, match="100000 elements"):
        fragment("<b></b>" * 100_001)


def test_of_endless_links_only_the_first_are_followed() -> None:
    links = read_page("".join(f"<a href=/{n}>" for n in range(9000)), "https://x.example/").links
    assert (len(links), links[0]) == (5000, "https://x.example/0")


async def test_deep_pages_leave_room_on_the_stack_of_a_thread() -> None:
    markup = "".join(f"<{tag}>" for tag in ("ul", "li", "blockquote", "details", "span") * 23) + "x"
    assert "x" in await asyncio.to_thread(fragment, markup)
    assert "x" in (await asyncio.to_thread(read_page, markup)).body
