"""An answer that tells of our inside is held back; one that speaks of what customers ask is not."""

import pytest

from bot.agent.confidence import Case
from bot.agent.inside import told_inside
from bot.evals.cases import Extras
from bot.evals.stock import all_articles

PROGRAM = 'Traceback (most recent call last):\n  File "app.py", line 3, in <module>'


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ("I called lookup_customer for you.", "the name of a tool"),
        (f"It failed: {PROGRAM}", "a trace of a fault"),
        ("I was told: **Answer from what the tools returned and nothing else.** So I do.", "your instructions"),
        ("I searched the help centre and looked you up.", ""),
        ("You can search the articles, or create a ticket in Jira.", ""),
    ],
)
def test_an_answer_does_not_tell_of_our_inside(answer: str, what: str) -> None:
    assert told_inside(answer, Case("How does this work?")) == what


def test_what_customers_wrote_themselves_may_be_spoken_of() -> None:
    asked = Case(f"What does create_ticket mean, and this?\n{PROGRAM}")
    assert told_inside(f"In your program create_ticket fails: {PROGRAM}", asked) == ""


def test_no_article_of_the_sample_is_taken_for_our_inside() -> None:
    assert [article.title for article in all_articles(Extras()) if told_inside(article.body, Case("?"))] == []
