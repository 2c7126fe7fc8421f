"""What counts as a claim and what does not: sentences in seven languages (`claims.toml`)."""

import tomllib
from pathlib import Path

import pytest

from bot.agent.claims import claims_in
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


def test_every_claim_of_a_long_text_is_found_in_reasonable_time() -> None:
    """A hundred thousand characters, the worst a model can write; each claim once however often it is repeated."""
    text = "I have refunded you. " + "We will see your account and our team. " * 2_500 + "I have refunded you."
    assert [claim.kind for claim in claims_in(text)] == [Kind.REFUNDED]
