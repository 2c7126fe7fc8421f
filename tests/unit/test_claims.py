"""What counts as a claim and what does not: sentences in seven languages (`claims.toml`)."""

import tomllib
from pathlib import Path

import pytest

from bot.agent.claims import MOST_QUOTED, claims_in
from bot.agent.tongues.tongue import Kind

SENTENCES = tomllib.loads(Path(__file__).with_name("claims.toml").read_text(encoding="utf-8"))
BY_KIND = [(Kind[name], sentence) for name, sentences in SENTENCES["claims"].items() for sentence in sentences]


@pytest.mark.parametrize(("kind", "sentence"), BY_KIND)
def test_a_claim_is_found(kind: Kind, sentence: str) -> None:
    assert kind in {claim.kind for claim in claims_in(sentence)}


@pytest.mark.parametrize("sentence", SENTENCES["other_claims"])
def test_a_claim_in_other_words_is_found(sentence: str) -> None:
    assert claims_in(sentence) != ()


@pytest.mark.parametrize("sentence", SENTENCES["nothing"])
def test_what_claims_nothing_is_let_through(sentence: str) -> None:
    assert claims_in(sentence) == ()


def test_every_claim_of_a_long_text_is_found_once() -> None:
    """A hundred thousand characters, the worst a model can write; each claim once however often it is repeated."""
    text = "I have refunded you. " + "We will see your account and our team. " * 2_500 + "I have refunded you."
    assert [claim.kind for claim in claims_in(text)] == [Kind.REFUNDED]


@pytest.mark.parametrize(
    "noise",
    ["a ", "la ", "le te ", "je vous l'", "¿", "\n", "\n>", "and" + "!" * 6, "just already ", "x" * 50, '"x', "-1"],
)
def test_no_text_keeps_the_search_busy(noise: str) -> None:
    """Patterns that try the same words in many ways would take hours here, and the whole process with them."""
    text = noise * (50_000 // len(noise)) + " so we will refund you\n\nI have refunded you."
    assert (claims_in(text)[-1].kind, claims_in(text)[-1].manner) == (Kind.REFUNDED, "did")


@pytest.mark.parametrize("before", [100, 590, 600, 790, 800, 810, 5_000])
def test_a_claim_is_found_wherever_it_stands_in_a_sentence_without_end(before: int) -> None:
    words = "and there is more to say " * 400
    text = f"{words[:before]} because I have already refunded the last invoice of $40 to you {words}"
    refunds = [claim for claim in claims_in(text) if claim.kind is Kind.REFUNDED]
    assert refunds
    assert all("$40" in claim.words and len(claim.words) <= MOST_QUOTED for claim in refunds)


@pytest.mark.parametrize("quote", ["> Refunds take 5 days.", "  > Can you refund me?", "¿Y eso?", "```\ncode\n```"])
def test_what_follows_a_quote_is_looked_at(quote: str) -> None:
    assert [c.kind for c in claims_in(f"Our article says:\n\n{quote}\n\nI have refunded you $30.")] == [Kind.REFUNDED]
    assert claims_in(f"It says:\n{quote}") == ()


@pytest.mark.parametrize(
    "sentence",
    [
        "I have issued a $49.90 refund.",
        "I've processed your 1,200.50 dollar refund.",
        "Ich habe Ihnen 49,90 $ erstattet.",
        "Wir haben Ihnen 1.200,50 € zurück überwiesen.",
        "Ik heb u 49,90 euro terugbetaald.",
        "Hemos procesado para usted 49,90 euros de reembolso.",
    ],
)
def test_an_amount_inside_a_claim_hides_nothing(sentence: str) -> None:
    assert [claim.kind for claim in claims_in(sentence)] == [Kind.REFUNDED]


def test_signs_that_nobody_sees_hide_nothing() -> None:
    assert claims_in("I have re\u200bfun\u00added you.") != ()
