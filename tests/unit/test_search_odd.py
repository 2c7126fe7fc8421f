"""The search when something is wrong with a question, a vector or the embedder; and how it keeps what it holds."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from tools.knowledge_base.articles import Article, Audience
from tools.knowledge_base.band import Band, Thresholds
from tools.knowledge_base.chunks import LONGEST, passages
from tools.knowledge_base.cutting import cut, texts_of
from tools.knowledge_base.dense import DenseIndex, stacked
from tools.knowledge_base.embedder import UNKNOWN, EmbedderUnavailableError, Vectors
from tools.knowledge_base.index import ArticleIndex
from tools.knowledge_base.packed import Packed
from tools.knowledge_base.product import PlainProduct, Product, product_of
from tools.knowledge_base.weights import weights_of
from tools.knowledge_base.words import LONGEST_QUERY

LIMITS = Thresholds(0.4, 0.5)
ARTICLES = tuple(
    Article(slug, title, "product", "", "", Audience.PUBLIC, body)
    for slug, title, body in (
        ("cards", "Cards", "Cards hold work. A card has a due date and somebody who does it."),
        ("refunds", "Refunds", "Refunds are paid within 30 days of the charge."),
        ("errors", "Error codes", "FW-1201 means that the bank said no."),
    )
)


class Letters:
    """An embedder that knows which letters there are; it answers questions as it is told."""

    name, dimensions = "letters", 26
    languages = frozenset[str]()
    bounds = UNKNOWN

    def __init__(self, answer: Callable[[str], Vectors] | None = None) -> None:
        self._answer = answer or self.vector

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self.vector(text) for text in texts])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return self._answer(text)

    def vector(self, text: str) -> Vectors:
        counts = np.array([text.lower().count(chr(97 + i)) + 0.01 for i in range(26)], np.float32)
        made: Vectors = counts / np.linalg.norm(counts)
        return made


def vectors_of(articles: Sequence[Article]) -> dict[str, NDArray[np.float16]]:
    texts = {digest: text for one in articles for digest, text in texts_of(one, cut(one))}
    return dict(zip(texts, Letters().embed(list(texts.values())).astype(np.float16), strict=True))


def index_of(embedder: Letters, *, limits: Thresholds | None = LIMITS) -> ArticleIndex:
    return ArticleIndex.build(ARTICLES, vectors_of(ARTICLES), embedder, thresholds=limits)


def broken(_: str) -> Vectors:
    raise RuntimeError("the runtime has lost its model")


def silent(_: str) -> Vectors:
    raise EmbedderUnavailableError("busy")


def nonsense(_: str) -> Vectors:
    return np.full(26, np.nan, np.float32)


def another_model(_: str) -> Vectors:
    return np.ones(8, np.float32)


@pytest.mark.parametrize("answer", [broken, silent, nonsense, another_model])
def test_whatever_the_embedder_gives_instead_of_a_vector_words_decide(answer: Callable[[str], Vectors]) -> None:
    alone = ArticleIndex.build(ARTICLES)
    for query in ("due date of a card", "What is the capital of France?", "FW-1201"):
        assert index_of(Letters(answer)).search(query, None, internal=False) == alone.search(
            query, None, internal=False
        )


@pytest.mark.parametrize("answer", [broken, silent, nonsense, another_model])
def test_bands_that_cannot_be_measured_leave_the_words(answer: Callable[[str], Vectors]) -> None:
    found = index_of(Letters(answer), limits=None).search("due date of a card", None, internal=False)
    assert [hit.article.slug for hit in found.hits] == ["cards"]


def test_an_article_that_has_no_vector_yet_is_judged_by_its_words() -> None:
    index = ArticleIndex.build(ARTICLES, {}, Letters(), thresholds=Thresholds(0.9, 0.95))
    found = index.search("Who does the work on a card before its due date?", None, internal=False)
    assert found.band is not Band.NONE
    assert found.hits[0].article.slug == "cards"
    assert index.search("Which vaccinations does my dog need?", None, internal=False).band is Band.NONE


def test_damaged_vectors_count_as_none() -> None:
    good = vectors_of(ARTICLES[:1])
    damaged = {
        digest: np.full(26, np.inf, np.float16) if place else np.ones(7, np.float16)
        for place, digest in enumerate(vectors_of(ARTICLES[1:]))
    }
    index = ArticleIndex.build(ARTICLES, good | damaged, Letters(), thresholds=LIMITS)
    hits = index.search("A card has a due date", None, internal=False).hits
    assert hits[0].article.slug == "cards"
    assert all(np.isfinite(hit.score) for hit in hits)


def test_thresholds_that_are_no_numbers_are_none() -> None:
    assert Thresholds.parse('{"weak": NaN, "strong": 0.5}') is None
    assert Thresholds.parse('{"weak": 0.4, "strong": Infinity}') is None


@pytest.mark.parametrize("product", [product_of, PlainProduct], ids=["here", "numpy"])
def test_a_matrix_of_bytes_gives_the_cosines_of_the_whole_vectors(product: Callable[..., Product]) -> None:
    numbers = np.random.default_rng(3)
    whole = numbers.standard_normal((1300, 384)).astype(np.float32)
    whole /= np.linalg.norm(whole, axis=1, keepdims=True)
    matrix = stacked(dict(zip(map(str, range(1300)), whole, strict=True)), [str(n) for n in range(1301)], 384)
    made = DenseIndex(product(matrix.numbers), matrix.factors, titles_at=1000, rows=1000, articles=301)
    passages, titles = made.cosines(whole[700])
    assert np.abs(passages - whole[:1000] @ whole[700]).max() < 0.004
    assert np.abs(titles[:300] - whole[1000:] @ whole[700]).max() < 0.004
    assert titles[300] == 0, "it has no vector"
    some = made.first(600, 2).cosines(whole[700])
    assert np.array_equal(some[0], passages[:600])
    assert np.array_equal(some[1], titles[:2])
    assert made.first(0, 0).nearest(whole[700]) == 0
    assert not made.cosines(np.zeros(384, np.float32))[0].any()


def test_largest_numbers_are_multiplied_exactly_and_the_callers_own_are_not_needed_any_more() -> None:
    rows = np.full((40, 384), 127, np.int8)
    rows[1::2] = -127
    product = product_of(rows)
    rows[:] = 0
    made = product(np.ones(384, np.float32))
    assert np.allclose(made[::2], 127 * 384)
    assert np.allclose(made[1::2], -127 * 384)
    assert product_of(np.zeros((0, 384), np.int8))(np.ones(384, np.float32)).shape == (0,)


def test_words_weigh_what_the_formula_says() -> None:
    chance = np.random.default_rng(5)
    rows = [chance.integers(0, 30, size).tolist() for size in (0, 1, 7, 40, 3, 12)]
    lengths, size = np.array([len(row) for row in rows], np.int32), len(rows)
    weights = weights_of(np.concatenate(rows).astype(np.int32), lengths, 31)
    for term in range(31):
        holders = sum(term in row for row in rows)
        rarity = np.log1p((size - holders + 0.5) / (holders + 0.5))
        wanted = {
            place: rarity * (tf := row.count(term)) / (tf + 1.2 * (0.25 + 0.75 * len(row) / lengths.mean()))
            for place, row in enumerate(rows)
            if term in row
        }
        found, adds = weights.of(term)
        assert dict(zip(found.tolist(), adds.tolist(), strict=True)) == pytest.approx(wanted, rel=1e-5)
        assert weights.has(term) == bool(holders)


def test_packed_texts_come_out_as_they_went_in() -> None:
    texts = ["", "plain", "Gebühr 請求書", "a lone \udc80 surrogate", "last"]
    packed = Packed(texts)
    assert packed.some(range(5)) == tuple(texts)
    assert packed.some([4, 0]) == ("last", "")


def test_an_error_code_counts_even_at_the_end_of_a_long_story() -> None:
    story = " ".join(f"word{letter}{other}" for letter in "abcdefghij" for other in "klmnopqrst")
    assert len(story.split()) > LONGEST_QUERY
    index = ArticleIndex.build(ARTICLES)
    assert index.everything is not None
    scored = index.everything.scored(f"{story} FW-1201", None)
    assert scored.articles[[a.slug for a in index.everything.layout.articles].index("errors")] > 0


def test_a_question_that_quotes_a_code_is_about_something_where_words_alone_are_searched_too() -> None:
    query = "My dog chewed the printer cable yesterday, and since then the screen shows FW-1201 in purple letters"
    found = ArticleIndex.build(ARTICLES).search(query, None, internal=False)
    assert found.band is Band.WEAK
    assert found.hits[0].article.slug == "errors"


@pytest.mark.parametrize(
    "query",
    [
        "x" * 100_000,
        "refund " * 15_000,
        "how do I " * 12_000,
        "請" * 100_000,
        "a1" * 50_000,
        "FW-1201 " * 12_000,
        "'" * 100_000,
        "\u0301" * 100_000,
        "the of and to",
        "",
        "\0\ud800\u202e",
    ],
    ids=lambda query: repr(query[:10]),
)
def test_no_length_and_no_script_of_a_question_breaks_the_search(query: str) -> None:
    found = index_of(Letters()).search(query, None, internal=True)
    assert (found.band is Band.NONE) == (not found.hits)


def test_one_article_alone_is_found_and_an_empty_index_finds_nothing() -> None:
    assert ArticleIndex.build([]).search("card", None, internal=True).hits == ()
    one = ArticleIndex.build(ARTICLES[:1], vectors_of(ARTICLES[:1]), Letters(), thresholds=LIMITS)
    assert [hit.article.slug for hit in one.search("A card and its due date", None, internal=False).hits] == ["cards"]
    assert one.search("card", "billing", internal=False).hits == ()


@pytest.mark.parametrize(
    "body",
    [
        "請求書は毎月一日に発行されます。" * 400,
        "\n\n".join(["請求書は毎月一日に発行されます。" * 3] * 200),
        "ใบแจ้งหนี้จะออกในวันแรกของเดือน" * 300,
        "x" * 200_000,
    ],
    ids=["one paragraph", "many paragraphs", "Thai", "one word"],
)
def test_text_without_blanks_is_cut_into_passages_that_can_be_quoted(body: str) -> None:
    article = Article("a", "請求書", "billing", "", "", Audience.PUBLIC, body, "ja")
    parts = passages(article)
    assert max(len(part.text) for part in parts) <= LONGEST * 10
    assert "".join("".join(part.text for part in parts).split()) == "".join(body.split())
