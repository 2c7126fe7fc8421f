"""Which ends of a run say that the articles found did not answer."""

from dataclasses import replace

import pytest

from bot.agent.toolbox import Evidence
from bot.desk.unsourced import cause_of, looked_up
from bot.domain.answer import Outcome
from bot.domain.escalation import Escalation, Origin, Proposal, State
from bot.domain.gaps import Gap, GapCause

FOUND = Evidence(
    "search_knowledge_base", '{"query": "Is there a dark mode?"}', "Themes (kb://themes)", has_articles=True
)
NOTHING = Evidence("search_knowledge_base", '{"query": "dark mode"}', "No article fits this question.")
ACCOUNT = Evidence("lookup_customer", '{"email": "ana@x.example"}', '{"plan": "Pro"}')
ASKED = Evidence("escalate_to_human", "{}", "A colleague has been asked.")
THEIRS = Evidence("crm__find", "{}", "2 letters.")


def case(proposal: Proposal | None) -> Escalation:
    return Escalation(
        "esc-1", "T1:C1:1.0", Origin.TOOL, "why", "what", None, proposal, "U1", "T1", State.OPEN, 0.0, "C0STAFF"
    )


@pytest.mark.parametrize(
    ("evidence", "questions"),
    [
        ((FOUND,), ("Is there a dark mode?",)),
        ((FOUND, ASKED), ("Is there a dark mode?",)),
        ((FOUND, FOUND, NOTHING), ("Is there a dark mode?",)),
        ((FOUND, replace(ACCOUNT, ok=False)), ("Is there a dark mode?",)),
        ((FOUND, ACCOUNT), ()),
        ((FOUND, THEIRS), ()),
        ((NOTHING,), ()),
        ((), ()),
        ((replace(FOUND, arguments='{"query": 7}'),), ()),
    ],
    ids=["found", "handed over", "twice", "no account", "account", "another tool", "nothing", "small talk", "odd"],
)
def test_only_what_articles_were_found_for_and_nothing_else_could_tell_counts(
    evidence: tuple[Evidence, ...], questions: tuple[str, ...]
) -> None:
    assert looked_up(evidence) == questions


def test_an_end_without_a_source_tells_something_of_the_articles_unless_it_has_another_reason() -> None:
    asked, consents = case(None), case(Proposal("Guests are free."))
    assert cause_of(Outcome.ANSWERED, None) is GapCause.UNSOURCED
    assert cause_of(Outcome.AWAITING_APPROVAL, None) is GapCause.HANDED_OVER, "not sure enough to be sent"
    assert cause_of(Outcome.ESCALATED, asked) is GapCause.HANDED_OVER
    assert cause_of(Outcome.AWAITING_APPROVAL, consents) is None
    for outcome in (Outcome.FAILED, Outcome.BUDGET_EXHAUSTED, Outcome.REFUSED, Outcome.STOPPED, Outcome.SUPERSEDED):
        assert cause_of(outcome, None) is None


def test_a_gap_says_why_it_is_one_the_most_telling_cause_first() -> None:
    assert Gap("?", 2, {GapCause.UNSURE: 2}, 0.0).why == "nothing certain"
    several = {GapCause.UNSURE: 2, GapCause.UNSOURCED: 1, GapCause.HANDED_OVER: 3, GapCause.NOTHING: 4}
    assert Gap("?", 10, several, 0.0).why == (
        "nothing found (4); found, yet handed over (3); found, yet answered without a source (1); nothing certain (2)"
    )
