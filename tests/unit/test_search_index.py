"""The hybrid index with the real model: what is found, in which band, and what nobody may find."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tools.backends import SAMPLE_ARTICLES
from tools.knowledge_base.articles import Article, ArticleCategory, Audience, read_article
from tools.knowledge_base.band import Band, Thresholds
from tools.knowledge_base.cutting import cut, texts_of
from tools.knowledge_base.embedder import EmbedderUnavailableError
from tools.knowledge_base.index import ArticleIndex, calibrated
from tools.knowledge_base.minilm import HERE, MiniLM

LIMITS = Thresholds(0.38, 0.5)


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM(workers=2)


def article(
    slug: str, title: str, body: str, *, category: ArticleCategory = "product", audience: Audience = Audience.PUBLIC,
    language: str = "",
) -> Article:  # fmt: skip
    return Article(slug, title, category, "", "", audience, body, language)


CARDS = article("cards", "Cards", "Cards hold work. A card has a due date and somebody who does it.")
REFUNDS = article("refunds", "Refund policy", "Refunds are paid within 30 days of the charge.", category="billing")
PASSWORD = article("password", "Reset your password", "Open the sign-in page and press Forgot.", category="account")
ERRORS = article("errors", "Error codes", "FW-1201 means that the bank said no.", category="technical")
SECRET = article("secret", "Refund exceptions", "Grace may refund after 90 days.", audience=Audience.INTERNAL)
ALL = (CARDS, REFUNDS, PASSWORD, ERRORS, SECRET)


def built(articles: Sequence[Article], minilm: MiniLM, *, limits: Thresholds | None = LIMITS) -> ArticleIndex:
    return ArticleIndex.build(articles, vectors_of(articles, minilm), minilm, thresholds=limits)


def vectors_of(articles: Sequence[Article], minilm: MiniLM) -> dict[str, NDArray[np.float16]]:
    texts = {digest: text for one in articles for digest, text in texts_of(one, cut(one))}
    return dict(zip(texts, minilm.embed(list(texts.values())).astype(np.float16), strict=True))


def slugs(
    index: ArticleIndex, query: str, *, category: ArticleCategory | None = None, internal: bool = False
) -> list[str]:
    return [hit.article.slug for hit in index.search(query, category, internal=internal).hits]


@pytest.fixture(scope="module")
def index(minilm: MiniLM) -> ArticleIndex:
    return built(ALL, minilm)


def test_a_text_has_the_same_vector_in_any_company(minilm: MiniLM) -> None:
    together = minilm.embed(["How do I pay?", "A much longer text " * 50, ""])
    assert np.array_equal(minilm.embed(["How do I pay?"])[0], together[0])
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert together.shape == (3, minilm.dimensions)
    assert minilm.embed([]).shape == (0, minilm.dimensions)


def test_what_means_the_same_lies_close(minilm: MiniLM) -> None:
    money, refund, cat = minilm.embed(["I want my money back", "How is a refund requested?", "My cat sleeps all day"])
    assert money @ refund > 0.4
    assert money @ cat < 0.2


def test_an_article_is_found_by_what_it_means_without_sharing_a_word(index: ArticleIndex) -> None:
    assert slugs(index, "I forgot how to log in to my account")[0] == "password"
    assert slugs(index, "Can I get my money back?")[0] == "refunds"


def test_only_articles_of_the_category_are_ranked(index: ArticleIndex) -> None:
    assert slugs(index, "I was refunded, but forgot my password", category="account") == ["password"]


def test_customers_never_find_what_is_internal_and_staff_do(index: ArticleIndex) -> None:
    for query in ("Refund exceptions", "Grace may refund after 90 days", "exceptions to the refund policy"):
        assert "secret" not in slugs(index, query)
        assert slugs(index, query, internal=True)[0] == "secret"


def test_internal_articles_do_not_even_move_the_scores_a_customer_gets(minilm: MiniLM, index: ArticleIndex) -> None:
    without = built(ALL[:-1], minilm)
    for query in ("refund", "Refund exceptions", "a card with a due date", "FW-1201"):
        assert index.search(query, None, internal=False) == without.search(query, None, internal=False)


def test_what_nothing_is_about_is_in_band_none(index: ArticleIndex) -> None:
    found = index.search("What is the capital of France?", None, internal=False)
    assert (found.band, found.hits) == (Band.NONE, ())


def test_what_is_answered_is_in_band_strong(index: ArticleIndex) -> None:
    assert index.search("How do I reset my password?", None, internal=False).band is Band.STRONG


def test_an_error_code_or_a_title_alone_is_never_in_band_none(minilm: MiniLM) -> None:
    strict = built(ALL, minilm, limits=Thresholds(0.99, 1.0))
    assert strict.search("got FW1201??", None, internal=False).band is Band.WEAK
    assert slugs(strict, "got FW1201??")[0] == "errors"
    assert strict.search("refund policy", None, internal=False).band is Band.WEAK
    assert strict.search("why?", None, internal=False).band is Band.NONE


def test_a_passage_without_a_vector_yet_is_found_by_its_words(minilm: MiniLM) -> None:
    index = ArticleIndex.build(ALL, {}, minilm, thresholds=Thresholds(-1, 1))
    assert slugs(index, "due date of a card")[0] == "cards"


def test_while_the_embedder_does_not_answer_words_decide(minilm: MiniLM) -> None:
    class Silent(MiniLM):
        def embed_query(self, text: str) -> NDArray[np.float32]:
            raise EmbedderUnavailableError("busy")

    index = ArticleIndex.build(ALL, vectors_of(ALL, minilm), Silent(), thresholds=LIMITS)
    assert slugs(index, "reset password") == ["password"]


def test_each_language_is_searched_with_its_own_stems(minilm: MiniLM) -> None:
    german = article("rechnung", "Rechnungen", "Ihre Rechnung finden Sie unter Abrechnung.", language="de")
    index = built([*ALL, german], minilm)
    assert slugs(index, "Wo finde ich meine Rechnungen?")[0] == "rechnung"
    assert index.search("Welche Impfungen braucht mein Hund?", None, internal=False).band is Band.NONE


def test_bands_are_laid_by_questions_about_something_else(minilm: MiniLM) -> None:
    articles = [read_article(path, path.stem) for path in sorted(SAMPLE_ARTICLES.glob("*.md"))[:8]]
    limits = calibrated(articles, {}, vectors_of(articles, minilm), minilm)
    low, high = minilm.bounds
    assert low[0] <= limits.weak <= low[1] < high[0] <= limits.strong <= high[1]


@pytest.mark.parametrize(
    ("name", "why"),
    [("minilm_int8.onnx", "damaged"), ("vocab.txt", "damaged"), ("vocab.txt", "No such file")],
)
def test_a_damaged_or_missing_model_says_so(tmp_path: Path, minilm: MiniLM, name: str, why: str) -> None:
    for file in ("minilm_int8.onnx", "vocab.txt"):
        if file != name:
            (tmp_path / file).symlink_to(HERE / file)
        elif why == "damaged":
            (tmp_path / file).write_bytes((HERE / file).read_bytes()[:100_000])
    with pytest.raises(EmbedderUnavailableError, match=why):
        MiniLM(tmp_path)


def test_articles_of_nothing_but_filler_words_break_nothing(minilm: MiniLM) -> None:
    the = article("the", "The", "The and of the.")
    for articles in ([the], [the, SECRET]):
        index = ArticleIndex.build(articles)
        assert slugs(index, "refund the") == []
    assert slugs(built([the, SECRET], minilm), "Grace may refund", internal=True)[0] == "secret"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80))
def test_no_question_breaks_the_search(index: ArticleIndex, question: str) -> None:
    found = index.search(question, None, internal=True)
    assert len(found.hits) <= 5
    assert (found.band is Band.NONE) == (not found.hits)
