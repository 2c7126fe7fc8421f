import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.knowledge_base import fusion
from tools.knowledge_base.band import Band, Thresholds, by_words, off_topic_questions
from tools.knowledge_base.minilm import HERE
from tools.knowledge_base.wordpiece import WordPiece
from tools.knowledge_base.words import codes, terms


@pytest.fixture(scope="module")
def pieces() -> WordPiece:
    return WordPiece((HERE / "vocab.txt").read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        # what the reference tokenizer of the model gives
        ("hello world", [101, 7592, 2088, 102]),
        ("Don't stop!", [101, 2123, 1005, 1056, 2644, 999, 102]),
        ("unaffable", [101, 14477, 20961, 3468, 102]),
        ("Crème brûlée", [101, 13675, 21382, 7987, 9307, 2063, 102]),
        ("", [101, 102]),
    ],
)
def test_text_becomes_the_ids_the_model_was_trained_on(pieces: WordPiece, text: str, ids: list[int]) -> None:
    assert pieces.encode(text, 64) == ids


@given(st.text(max_size=200), st.integers(2, 40))
def test_any_text_becomes_no_more_ids_than_wanted(text: str, most: int) -> None:
    ids = WordPiece(["[UNK]", "[CLS]", "[SEP]", "a", "##b", "中"]).encode(text, most)
    assert len(ids) <= most
    assert (ids[0], ids[-1]) == (1, 2)


def test_a_word_of_a_thousand_letters_is_one_unknown(pieces: WordPiece) -> None:
    assert pieces.encode("x" * 1000, 64) == [101, 100, 102]


def test_every_language_has_its_own_stems_and_filler() -> None:
    assert terms("Wie kann ich meine Rechnungen herunterladen?", "de") == ["rechnung", "herunterlad"]
    assert terms("¿Cómo puedo cancelar mis suscripciones?", "es") == ["cancel", "suscripcion"]
    assert terms("zwrotu, zwroty", "pl") == ["zwrot", "zwrot"]
    assert terms("Comment annuler l'abonnement ?", "fr") == terms("annulé abonnements", "fr")


def test_accents_may_be_left_out() -> None:
    assert terms("Gebühr", "de") == terms("gebuhr", "de")


def test_japanese_is_cut_into_pairs_because_it_has_no_blanks() -> None:
    assert terms("請求書を送る", "ja") == ["請求", "求書", "書を", "を送", "送る"]
    assert terms("鍵", "ja") == ["鍵"]


@pytest.mark.parametrize("text", ["FW-1201", "fw1201", "I get (FW_1201)!"])
def test_an_error_code_is_one_term_however_it_is_written(text: str) -> None:
    assert codes(text) == ["fw+1201"]


def test_a_list_is_scaled_from_its_best_to_its_fiftieth() -> None:
    scores = np.arange(100, dtype=np.float32)
    made = fusion.scaled(scores)
    assert made[99] == 1.0
    assert made[50] == 0.0
    assert not made[:50].any()
    assert made[74] == pytest.approx(24 / 49)


def test_a_short_list_is_measured_from_zero_and_what_has_no_score_is_not_in_it() -> None:
    assert fusion.scaled(np.array([2.0, 0.0, 1.0, -3.0], np.float32)).tolist() == [1.0, 0.0, 0.5, 0.0]
    assert not fusion.scaled(np.zeros(3, np.float32)).any()


def test_equal_scores_keep_their_order() -> None:
    assert fusion.best(np.array([1, 3, 1, 3, 1, 0], np.float32), 4).tolist() == [1, 3, 0, 2]


def test_the_best_row_counts_for_an_article() -> None:
    rows = np.array([1, 5, 2, 4], np.float32)
    assert fusion.best_of_each(rows, np.array([0, 2, 3])).tolist() == [5, 2, 4]


def test_bands_begin_where_the_thresholds_say() -> None:
    limits = Thresholds(0.4, 0.5)
    assert [limits.band(x) for x in (0.39, 0.4, 0.49, 0.5)] == [Band.NONE, Band.WEAK, Band.WEAK, Band.STRONG]
    assert [by_words(x) for x in (0.29, 0.3, 0.6)] == [Band.NONE, Band.WEAK, Band.STRONG]


def test_thresholds_are_read_back_as_they_were_stored_and_nonsense_is_none() -> None:
    assert Thresholds.parse(Thresholds(0.4, 0.5).json()) == Thresholds(0.4, 0.5)
    assert [Thresholds.parse(text) for text in ("", "{}", "[]", '{"weak": "x", "strong": 1}')] == [None] * 4


def test_there_are_enough_off_topic_questions_each_once() -> None:
    questions = off_topic_questions()
    assert len(questions) >= 100
    assert len(set(questions)) == len(questions)
