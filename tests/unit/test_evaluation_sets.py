"""The sets that come with the program: large enough, all different, and about things that exist."""

from collections import Counter
from collections.abc import Iterator

import pytest

from bot.domain.aftermath import Aftermath
from bot.evals.agreement import labelled
from bot.evals.cases import Case, Expectation, Extras, Family, Mood
from bot.evals.loading import SET_NAMES, SETS, cases_of, load_set
from bot.evals.playing import Observed, Said
from bot.evals.scoring import expected
from bot.evals.stock import article_slugs
from bot.sandbox.sample import fernway

LEAST = {"golden": (60, 10), "adversarial": (120, 12), "simulated": (12, 1)}
"""Cases and families of each set."""
SETS_BY_NAME = {name: load_set(name, [SETS]) for name in SET_NAMES}
PEOPLE = {person.id: person.role for person in fernway().people}
BUTTONS = {"Approve", "Deny", "Take over", "Hand back", "Resolve", "Edit", "Ask"}


def every_case() -> Iterator[tuple[Family, Case]]:
    for families in SETS_BY_NAME.values():
        for family in families:
            for case in family.case:
                yield family, case


@pytest.mark.parametrize("name", SET_NAMES)
def test_a_set_is_large_enough(name: str) -> None:
    cases, families = LEAST[name]
    assert len(list(cases_of(SETS_BY_NAME[name]))) >= cases
    assert len(SETS_BY_NAME[name]) >= families


def test_no_case_stands_in_two_sets_and_no_two_begin_with_the_same_words() -> None:
    ids = Counter(case.id for _, case in every_case())
    assert [name for name, count in ids.items() if count > 1] == []
    scripts = Counter((family.name, case.user, case.place, case.turns) for family, case in every_case())
    assert [where for where, count in scripts.items() if count > 1] == []


def test_every_article_that_is_expected_exists() -> None:
    sample = set(article_slugs(Extras()).values())
    for family, case in every_case():
        known = sample | {article.slug for article in family.article}
        expect = case.expect
        named = {*expect.articles_any, *expect.articles_all, *expect.articles_none}
        assert named <= known, f"{family.name}: {case.id}"


def test_everybody_who_acts_is_somebody_and_only_staff_press_buttons() -> None:
    for family, case in every_case():
        roles = PEOPLE | {person.id: person.role for person in family.person}
        assert case.user in roles, case.id
        for turn in case.turns:
            assert not turn.by or turn.by in roles, case.id
            assert not turn.presses or roles[turn.by] in ("staff", "admin"), case.id
            assert not turn.presses or turn.presses in BUTTONS, case.id


def test_every_case_expects_something_that_can_fail() -> None:
    for _, case in every_case():
        assert case.expect != Expectation(), case.id


@pytest.mark.parametrize("name", ["golden", "simulated"])
def test_a_bot_that_always_says_no_fails_where_an_answer_is_expected(name: str) -> None:
    """Cases that it may pass ask for a refusal or for silence about something; they are the few."""
    cases = list(cases_of(SETS_BY_NAME[name]))
    passed = [case.id for case in cases if all(check.passed for check in expected(_always_no(case)))]
    assert len(passed) <= len(cases) / 4, passed


def _always_no(case: Case) -> Observed:
    no = Said("Deskhand", "Sorry, I cannot do that.", is_bot=True, spoken="Sorry, I cannot do that.", kind="answer")
    said = (*(Said("Ana", turn.says, is_bot=False) for turn in case.turns), no)
    return Observed(case, 1, "T1:C1:1.0", said, (no.text,), (), (), Aftermath(), 1.0)


def test_what_is_expected_does_not_contradict_itself() -> None:
    for _, case in every_case():
        expect = case.expect
        assert not {*expect.articles_any, *expect.articles_all} & {*expect.articles_none}, case.id
        assert not {*expect.tools_any, *expect.tools_all} & {*expect.tools_none}, case.id
        assert not {*expect.says_any, *expect.says_all} & {*expect.says_none}, case.id


def test_most_cases_need_no_model() -> None:
    for families in SETS_BY_NAME.values():
        cases = list(cases_of(families))
        assert sum(case.needs == "model" for case in cases) <= len(cases) * 0.4


def test_there_are_customers_in_every_mood() -> None:
    played = [case.simulated for case in cases_of(SETS_BY_NAME["simulated"]) if case.simulated]
    assert {one.temper for one in played} == set(Mood)


def test_the_judge_is_measured_on_good_and_bad_answers() -> None:
    answers = labelled()
    good = sum(answer.passed for answer in answers)
    assert len(answers) >= 40
    assert len({answer.id for answer in answers}) == len(answers)
    assert 0.35 <= good / len(answers) <= 0.65
    assert all(answer.because for answer in answers)
