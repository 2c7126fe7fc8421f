"""What the addresses of the lists ask for, and how steps lie on their axis."""

from dataclasses import replace
from datetime import UTC
from decimal import Decimal

import pytest

from bot.domain.answer import Outcome
from bot.domain.browsing import (
    CaseRow,
    ConversationFilter,
    ConversationRecord,
    ConversationRow,
    Position,
    PromptText,
    RunRow,
)
from bot.domain.conversation import Conversation, Line, Speaker, Standing, Surface, ThreadKey
from bot.domain.escalation import Escalation, Origin, State
from bot.domain.reports import TalkState
from bot.domain.service import Service
from bot.domain.trace import Action, TraceEvent
from bot.web.dashboard import asked
from bot.web.dashboard.pages.escalations import waiting
from bot.web.dashboard.pages.prompts import difference
from bot.web.dashboard.steps import messages, timelines

THREAD = ThreadKey("T1", "C1", "1700000000.000100")
TALK = Conversation(THREAD, Surface.CHANNEL, Standing.BOT, None, 1, "support", "v1", "U1", 100.0)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ('invoice "not paid" a', ConversationFilter(words=("invoice", "not paid"))),
        ("U0ANA1", ConversationFilter(user="U0ANA1")),
        ("<@U0ANA1>", ConversationFilter(user="U0ANA1")),
        ("USELESS", ConversationFilter(words=("USELESS",))),
        (THREAD.id, ConversationFilter(conversation_id=THREAD.id)),
        ("https://x.slack.com/archives/C1/p1700000000000100", ConversationFilter(conversation_id=THREAD.id)),
        (
            "https://x.slack.com/archives/C1/p1700000009000100?thread_ts=1700000000.000100&cid=C1",
            ConversationFilter(conversation_id=THREAD.id),
        ),
        ("", ConversationFilter()),
    ],
)
def test_one_box_takes_words_people_ids_and_links(typed: str, found: ConversationFilter) -> None:
    assert asked.conversation_filter({"q": typed}, "T1", UTC) == found


def test_nonsense_in_an_address_counts_as_nothing() -> None:
    nonsense = {"from": "yesterday", "to": "9999-99-99", "cost": "NaN", "escalated": "perhaps", "after": "inf~x"}
    assert asked.conversation_filter(nonsense, "T1", UTC) == ConversationFilter()
    assert asked.position(nonsense) is None
    assert asked.number({"days": "-4"}, "days", 30, 365) == 30


def test_days_are_whole_and_money_may_have_its_sign() -> None:
    wanted = asked.conversation_filter({"from": "2026-03-01", "to": "2026-03-01", "cost": "$0.50"}, "T1", UTC)
    assert wanted.since is not None
    assert wanted.until == wanted.since + 86_400
    assert wanted.cost_over == Decimal("0.50")


def test_a_position_survives_its_way_through_an_address() -> None:
    place = Position(1_800_000_000.123456, THREAD.id)
    assert asked.position({"after": asked.after(place)}) == place
    assert asked.address("/x", {"q": "a&b", "state": ""}, after="1~2") == "/x?q=a%26b&after=1~2"


def event(action: Action, at: float, ms: int = 0, **more: object) -> TraceEvent:
    return TraceEvent(THREAD.id, "R1", 1, action, "x", at, duration_ms=ms, **more)  # type: ignore[arg-type]


def record(*events: TraceEvent) -> ConversationRecord:
    said = (
        Line(Speaker.CUSTOMER, "Ana", "?", 99.0),
        Line(Speaker.BOT, "", "!", 110.1),
        Line(Speaker.BOT, "", "?", 111),
    )
    row = ConversationRow(TALK, TalkState.BOT, "Ana", "?")
    runs = (RunRow("R1", "U1", 100.0, Outcome.ANSWERED, is_paused=False),)
    return ConversationRecord(row, said, runs, events, (), (), ())


def test_steps_lie_between_the_beginning_and_the_end_of_their_run() -> None:
    call = event(Action.TOOL_CALL, 104.0, 2_000, ref="t:1:a", given="{}")
    result = event(Action.TOOL_RESULT, 106.0, ref="t:1:a", got="five articles")
    model = event(Action.LLM_CALL, 100.0, 4_000, cost=Decimal("0.02"))
    end = event(Action.DECISION, 108.0, 8_000)
    shown = event(Action.DELIVERY, 110.0, 2_000)
    [line] = timelines(record(model, call, result, end, shown))
    assert [(one.kind, one.left, one.width) for one in line.steps] == [
        ("model", 0, 40), ("tool", 40, 20), ("decision", 80, 0.6), ("delivery", 80, 20)
    ]  # fmt: skip
    assert (line.seconds, line.cost, line.steps[1].result) == (10, Decimal("0.02"), "five articles")


def test_the_first_sign_stands_with_its_run_and_what_comes_later_by_itself() -> None:
    live = replace(event(Action.DELIVERY, 99.0, 500), run_id="")
    taken, card = replace(event(Action.DECISION, 130.0), run_id=""), replace(event(Action.DELIVERY, 131.0), run_id="")
    run, after = timelines(record(live, event(Action.LLM_CALL, 100.0, 1_000), taken, card))
    assert [one.kind for one in run.steps] == ["delivery", "model"]
    assert replace(run.steps[0], event=replace(live, name="live")).title == "first sign"
    assert replace(run.steps[1], event=replace(run.steps[1].event, name="a_model")).title == "a_model"
    assert (run.began, after.run, [one.kind for one in after.steps]) == (98.5, None, ["decision", "delivery"])


def test_what_a_customer_thinks_of_an_answer_later_does_not_make_its_run_longer() -> None:
    press = replace(event(Action.DECISION, 5_000.0), name="thumbs_up")
    run, later = timelines(record(event(Action.LLM_CALL, 100.0, 1_000), press))
    assert (run.seconds, [one.title for one in later.steps]) == (1.0, ["customer: helpful"])


def test_each_run_is_priced_beside_the_first_answer_it_wrote() -> None:
    whole = record(event(Action.LLM_CALL, 100.0, 1_000, cost=Decimal("0.02")))
    priced = [one.timeline.cost if one.timeline else None for one in messages(whole, timelines(whole))]
    assert priced == [None, Decimal("0.02"), None]


def case(number: int, state: State, opened_at: float) -> CaseRow:
    found = Escalation(
        str(number), THREAD.id, Origin.TOOL, "", "", None, None, "U1", "T1", state, opened_at, "C9", "U9"
    )
    return CaseRow(found, "Ana")


def test_overdue_cases_come_first_and_those_somebody_has_last() -> None:
    rows = [case(1, State.CLAIMED, 0.0), case(2, State.OPEN, 9_000.0), case(3, State.OPEN, 1_000.0)]
    live = waiting(rows, Service(), now=10_000.0)
    assert [(one.row.case.id, one.is_overdue, one.whose) for one in live] == [
        ("3", True, ""), ("2", False, ""), ("1", False, "U9")
    ]  # fmt: skip


def test_a_difference_shows_what_came_and_what_went() -> None:
    old, new = PromptText("1", "Be kind.\nBe short.", ()), PromptText("2", "Be kind.\nBe brief.", ())
    assert [(one.kind, one.text) for one in difference(old, new)] == [
        ("gap", "…"), ("same", "Be kind."), ("removed", "Be short."), ("added", "Be brief.")
    ]  # fmt: skip
    assert list(difference(old, old)) == []
