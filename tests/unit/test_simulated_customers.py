"""Simulated customers: they read what comes back, and stop when they have it or enough."""

import json
from collections.abc import Sequence

import pytest

from bot.evals.cases import Case, End, Mood, Simulated, Turn
from bot.evals.playing import Said
from bot.evals.simulated import StateMachine, end_of
from bot.evals.simulated_model import Played, customers
from tests.fakes.models import ScriptedModel, busy, says

GOOD = "Open the board, choose **Share** and **Invite guest**."
BESIDE = "Prices are per person."
HANDED_OVER = "I have asked a colleague to look at this."


def someone(temper: Mood, *lines: str, most_turns: int = 6, knows: str = "") -> Case:
    wish = Simulated(
        goal="invite a guest", temper=temper, facts=("Invite guest|Gast",), knows=knows, most_turns=most_turns
    )
    return Case(id="c", turns=tuple(Turn(says=line) for line in lines), simulated=wish)


async def talk(case: Case, *answers: str) -> list[str]:
    """What the customer writes when the bot answers so, one after the other."""
    customer, said, written = StateMachine(case), list[Said](), list[str]()
    for answer in (*answers, answers[-1]):
        turn = await customer.next(said)
        if turn is None:
            return written
        written.append(turn.says)
        said += [Said("Ana", turn.says, is_bot=False), Said("Deskhand", answer, is_bot=True, kind="answer")]
    return written


@pytest.mark.parametrize(
    ("temper", "answers", "written"),
    [
        (Mood.PATIENT, (GOOD,), ["how?", "thanks, that's what I needed"]),
        (Mood.TERSE, (GOOD,), ["how?"]),
        (Mood.PATIENT, (BESIDE, GOOD), ["how?", "again: how?", "thanks, that's what I needed"]),
        (Mood.ANGRY, (BESIDE, HANDED_OVER), ["how?", "I want to talk to a human"]),
        (Mood.GIVES_UP, (BESIDE, GOOD), ["how?"]),
        (Mood.PATIENT, (HANDED_OVER,), ["how?"]),
        (Mood.VAGUE, ("Which board do you mean?", GOOD), ["how?", "the board Launch"]),
        (Mood.CHANGES_MIND, (GOOD, GOOD), ["how?", "again: how?", "thanks, that's what I needed"]),
    ],
)
async def test_a_customer_reacts_to_what_is_said(temper: Mood, answers: Sequence[str], written: list[str]) -> None:
    assert await talk(someone(temper, "how?", "again: how?", knows="the board Launch"), *answers) == written


async def test_nobody_talks_for_ever() -> None:
    case = someone(Mood.CHANGES_MIND, *(f"line {n}" for n in range(20)), most_turns=4)
    assert len(await talk(case, *[BESIDE] * 20)) == 4


@pytest.mark.parametrize(
    ("answer", "has_case", "lines", "end"),
    [
        (GOOD, False, 1, End.SATISFIED),
        (BESIDE, True, 1, End.HANDED_OVER),
        (BESIDE, False, 1, End.GAVE_UP),
        (BESIDE, False, 6, End.TURN_LIMIT),
    ],
)
def test_how_it_ended_is_read_off_the_thread(answer: str, has_case: bool, lines: int, end: End) -> None:
    said = [Said("Ana", "how?", is_bot=False)] * lines + [Said("Deskhand", answer, is_bot=True, kind="answer")]
    assert end_of(someone(Mood.PATIENT, "how?"), said, has_case=has_case) is end


async def test_a_model_plays_the_same_customer_when_there_is_one() -> None:
    model = ScriptedModel(summary=json.dumps({"is_done": False, "says": "and on one board only?"}))
    customer = Played(someone(Mood.PATIENT, "how?"), model, "m")
    said = [Said("Ana", "how?", is_bot=False), Said("Deskhand", BESIDE, is_bot=True, kind="answer")]
    assert await customer.next([]) == Turn(says="how?")
    assert await customer.next(said) == Turn(says="and on one board only?")
    model.summary = json.dumps({"is_done": True, "says": ""})
    assert await customer.next(said) is None
    model.summary = busy()
    assert await customer.next(said) is None


def test_who_plays_whom() -> None:
    assert isinstance(customers(None, "")(someone(Mood.TERSE, "how?")), StateMachine)
    assert isinstance(customers(ScriptedModel(script=[says("x")]), "m")(someone(Mood.TERSE, "how?")), Played)
