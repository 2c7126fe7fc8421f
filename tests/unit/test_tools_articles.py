import asyncio
import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.knowledge_base.articles import (
    Article,
    ArticleCategory,
    Audience,
    BrokenArticleError,
    declared_audience,
    parse_article,
    read_article,
)
from tools.knowledge_base.chunks import LONGEST, passages
from tools.knowledge_base.index import ArticleIndex
from tools.knowledge_base.words import terms

HEAD = """---
title: Refunds
category: billing
url: https://help.example/refunds
updated: 2026-08-24
audience: public
---
"""

BOMB = "\n".join(["a0: &a0 {x: 1}", *(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 20))])
"""Some hundred bytes that hold 9 to the 19th values."""


def article(
    slug: str, title: str, body: str, *, category: ArticleCategory = "product", audience: Audience = Audience.PUBLIC
) -> Article:
    return Article(slug, title, category, "", "", audience, body)


def test_an_article_is_its_front_matter_and_its_text() -> None:
    it = parse_article(HEAD + "\nYou can get it back.\n", "billing/refunds")
    assert it == Article(
        "billing/refunds", "Refunds", "billing", "https://help.example/refunds", "2026-08-24", Audience.PUBLIC,
        "You can get it back.",
    )  # fmt: skip
    assert it.source == "https://help.example/refunds"


def test_without_front_matter_the_first_heading_is_the_title() -> None:
    it = parse_article("# How to pay\n\nBy card.", "how to/pay")
    assert (it.title, it.category, it.audience) == ("How to pay", "product", Audience.PUBLIC)
    assert it.source == "kb://how%20to/pay"


def test_authors_may_write_values_loosely() -> None:
    it = parse_article("---\ntitle: 1984\ncategory: Billing\nAudience: Internal\n1: one\n---\nx", "a")
    assert (it.title, it.category, it.audience) == ("1984", "billing", Audience.INTERNAL)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no title"),
        (HEAD, "no text"),
        ("just words", "no title"),
        ("---\ntitle: [a\n---\nx", "front matter"),
        ("---\ntitle: a\nbody without an end", "does not end"),
        (HEAD.replace("billing\n", "money\n") + "x", "category"),
        (HEAD.replace("audience: public", "audience: intrenal") + "x", "audience"),
        (HEAD.replace("https://help", "javascript:help") + "x", "url"),
        ("---\n- audience: internal\n---\n# T\n\nx", "front matter is no list of names and values"),
        ("---\naudience internal\n---\n# T\n\nx", "front matter is no list of names and values"),
        ("---\n# T\n---\n# T\n\nx", "front matter is no list of names and values"),
        ("---\naudience: internal\naudience: public\n---\n# T\n\nx", "audience: written twice"),
        ("---\naudiance: internal\n---\n# T\n\nx", "audiance: is audience meant"),
        ('+++\naudience = "internal"\n+++\n# T\n\nx', "YAML between lines of ---"),
        ('{\n"audience": "internal"\n}\n# T\n\nx', "YAML between lines of ---"),
        ("<!-- ours -->\n---\naudience: internal\n---\n# T\n\nx", "outside of the front matter"),
        ("---\ntitle: {a: b}\n---\nx", "title"),
        ("---\ntitle: !!int ''\n---\nx", "not YAML"),
        ("---\ntitle: !!bool x\n---\nx", "not YAML"),
        ("---\ntitle: !!timestamp x\n---\nx", "not YAML"),
        (f"---\n{BOMB}\n---\n# T\n\nx", "refers to parts of itself"),
        (f"\n\n---\ntitle: {'x' * 30_000}\n---\nx", "too long"),
    ],
)
def test_what_is_no_article_says_why(text: str, why: str) -> None:
    with pytest.raises(BrokenArticleError, match=why):
        parse_article(text, "a")


@pytest.mark.parametrize(
    ("text", "audience"),
    [
        ("---\naudience: internal\ncategory: none\n---\nx", "internal"),
        ("---\n Audience = 'internal'\nx", "internal"),
        ("---\naudience internal\n---\nx", "internal"),
        ("---\naudiance: staff\n---\nx", "internal"),
        ("---\naudience: Public\ncategory: none\n---\nx", "public"),
        ("---\naudience: 'public'\n---\nx", "public"),
        ("---\ntitle: [\n---\nAudit logs\nAudio: on\nAudience members see them.", "public"),
        ("", "public"),
    ],
)
def test_a_broken_file_tells_for_whom_it_is(text: str, audience: str) -> None:
    assert declared_audience(text.encode()) == audience


def test_a_file_that_is_no_text_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"# T\n\n\xff\xfe")
    with pytest.raises(BrokenArticleError, match="UTF-8"):
        read_article(tmp_path / "a.md", "a")
    (tmp_path / "b.md").write_text("# T\n\n" + "x" * 1_000_001)
    with pytest.raises(BrokenArticleError, match="1 MB"):
        read_article(tmp_path / "b.md", "b")


@given(st.text(max_size=400))
def test_no_text_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(BrokenArticleError):
        passages(parse_article(text, "a"))


def test_short_sections_share_a_passage_with_their_headings() -> None:
    body = "Intro.\n\n## Limits\n\nTen.\n\n### Per plan\n\nTwenty.\n\n## Then\n\nMore."
    (only,) = passages(article("a", "T", body))
    assert only.text == (
        "Intro.\n\n## Limits\n\nTen.\n\n## Limits \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} Per plan"
        "\n\nTwenty.\n\n## Then\n\nMore."
    )


def test_a_long_section_is_cut_at_its_paragraphs_each_part_under_the_heading() -> None:
    paragraph = "word " * 70
    parts = passages(article("a", "T", "\n\n".join(["## Long", *[paragraph] * 3])))
    assert [part.position for part in parts] == [0, 1]
    assert all(part.text.startswith("## Long\n\n") for part in parts)


def test_a_hash_in_a_code_block_is_no_heading() -> None:
    (only,) = passages(article("a", "T", "## Do it\n\n```\n# a comment\nrun\n```\n\nDone."))
    assert "## Do it\n\n```\n# a comment" in only.text


@pytest.mark.parametrize(
    ("before", "is_heading"),
    [
        ("````\n```\n# comment", False),
        ("~~~\n```\n# comment", False),
        ("```sh\n~~~\n# comment", False),
        ("```sh\nrun\n```\n", True),
        ("```inline``` code\n", True),
        ("~~~\nrun\n~~~~ \n", True),
    ],
)
def test_a_block_of_code_ends_with_the_fence_that_it_began_with(before: str, is_heading: bool) -> None:
    (only,) = passages(article("a", "T", f"# Top\n\n{before}\n## Part\n\nText."))
    assert ("\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} Part" in only.text) is is_heading


@given(
    st.lists(st.sampled_from(["word", "\n", "\n\n", "# h\n", "```\n", "|a|b|\n", "x" * 50]), max_size=700).map(" ".join)
)
def test_passages_are_short_and_lose_no_word(body: str) -> None:
    parts = passages(article("a", "T", body))
    assert all(len(part.text.split()) <= LONGEST for part in parts)
    assert sum(part.text.count("word") for part in parts) == body.count("word")


def test_greetings_and_grammar_are_no_search_terms() -> None:
    assert terms("Hello! Could you please help me, how do I cancel subscriptions?") == ["cancel", "subscript"]
    assert terms("I can't log in. FW-1201") == ["fw+1201", "log", "fw", "1201"]
    assert terms("Wh\u2019at's up?") == ["wh"]


CARDS = article("cards", "Cards", "Cards hold work. A card has a due date.")
REFUNDS = article("refunds", "Refund policy", "Refunds are paid within 30 days of the charge.", category="billing")
SECRET = article("secret", "Refund exceptions", "Refunds above the limit need Grace.", audience=Audience.INTERNAL)


def found(
    index: ArticleIndex, query: str, *, category: ArticleCategory | None = None, internal: bool = False
) -> list[str]:
    hits = index.search(query, category, internal=internal).hits
    return [hit.article.slug for hit in hits]


def test_the_article_about_it_is_found() -> None:
    index = ArticleIndex.build([CARDS, REFUNDS])
    assert found(index, "How do I get a refund?")[0] == "refunds"
    assert found(index, "due dates of a card")[0] == "cards"


def test_only_articles_of_the_category_are_found() -> None:
    index = ArticleIndex.build([CARDS, REFUNDS])
    assert found(index, "refund", category="billing") == ["refunds"]
    assert found(index, "refund", category="product") == []


def test_customers_never_find_what_is_internal_and_staff_do() -> None:
    index = ArticleIndex.build([CARDS, REFUNDS, SECRET])
    for query in ("Refund exceptions", "Grace", "refunds above the limit", "secret"):
        assert "secret" not in found(index, query)
    assert found(index, "refund exceptions", internal=True)[0] == "secret"


def test_internal_articles_do_not_even_move_the_scores_a_customer_gets() -> None:
    with_secret = ArticleIndex.build(
        [CARDS, REFUNDS, *[article(f"s{i}", "Refund", "refund", audience=Audience.INTERNAL) for i in range(9)]]
    )
    without = ArticleIndex.build([CARDS, REFUNDS])
    assert with_secret.search("refund card", None, internal=False) == without.search(
        "refund card", None, internal=False
    )


@pytest.mark.parametrize(
    "query", ["", "hello", "how can I do this?", "What is the capital of France?", "!!!", "\U0001f600", "的"]
)
def test_nothing_fits_what_no_article_is_about(query: str) -> None:
    assert found(ArticleIndex.build([CARDS, REFUNDS]), query) == []


def test_a_word_in_passing_is_not_enough() -> None:
    assert (
        found(
            ArticleIndex.build([CARDS, REFUNDS]), "Which vaccinations does my dog need before the charge of elephants?"
        )
        == []
    )


def test_an_empty_knowledge_base_finds_nothing() -> None:
    assert found(ArticleIndex(), "refund") == []
    assert found(ArticleIndex.build([SECRET]), "refund") == []


def test_at_most_five_articles_come_back_in_a_stable_order() -> None:
    index = ArticleIndex.build([article(f"a{i}", "Refund", "Refund.") for i in reversed(range(9))])
    assert found(index, "refund") == ["a0", "a1", "a2", "a3", "a4"]
    assert index.search("refund", None, internal=False) == index.search("refund", None, internal=False)


def test_the_best_passage_comes_with_its_neighbours_in_reading_order() -> None:
    filler = "word " * 120
    body = "\n\n".join(f"## Part {i}\n\n{filler}{'needle' if i == 3 else ''}" for i in range(6))
    (hit,) = ArticleIndex.build([article("a", "T", body), CARDS]).search("needle", None, internal=False).hits
    assert [text.split("\n")[0] for text in hit.passages] == ["## Part 2", "## Part 3", "## Part 4"]


async def test_many_threads_may_search_one_index() -> None:
    index = ArticleIndex.build([CARDS, REFUNDS])
    expected = found(index, "refunds of a card charge")
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.to_thread(found, index, "refunds of a card charge")) for _ in range(50)]
    assert all(task.result() == expected for task in tasks)
