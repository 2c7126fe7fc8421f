"""What a card says of how long a case may still wait."""

import json
from dataclasses import replace

from bot.domain.escalation import CardView, Deadline, State
from bot.slack import names
from bot.slack.render.card import card
from bot.slack.render.lines import staff_reply
from tests.fakes.cases import open_case, view_of

DUE = 1_764_003_600.0


def with_deadline(used: float, responder: str = "", *, urgent: bool = False) -> CardView:
    return replace(view_of(open_case()), deadline=Deadline(DUE, used, responder, is_urgent=urgent))


def words(view: CardView) -> str:
    return json.dumps(card(view), ensure_ascii=False)


def test_a_card_says_when_the_first_answer_is_due_and_whose_turn_it_is() -> None:
    said = words(with_deadline(0.5, "U0SAM"))
    assert "⏱ First answer due <!date^1764003600^{date_short_pretty} {time}|2025-11-24 17:00 UTC> · 50 % used" in said
    assert "with <@U0SAM>" in said
    assert "urgent" in words(with_deadline(0.1, urgent=True))


def test_a_card_says_that_the_time_is_over() -> None:
    said = words(with_deadline(1.2, "S0ONCALL"))
    assert "🔴 *Overdue:*" in said
    assert "120 %" not in said
    assert "with <!subteam^S0ONCALL>" in said


def test_without_a_clock_or_when_it_is_decided_nothing_is_said() -> None:
    assert "First answer" not in words(view_of(open_case()))
    done = with_deadline(0.5)
    assert "First answer" not in words(replace(done, escalation=replace(done.escalation, state=State.APPROVED)))


def test_an_offered_case_has_a_button_for_colleagues() -> None:
    owned = replace(open_case(), state=State.CLAIMED, decided_by="U0SAM", decided_at=DUE)
    assert names.RECLAIM not in words(view_of(owned))
    said = words(view_of(replace(owned, offered_at=DUE)))
    assert "Offered to everybody" in said
    assert "<@U0SAM> has not answered" in said
    assert names.RECLAIM in said


def test_only_ids_of_our_own_settings_ping() -> None:
    [shown] = staff_reply("Wake <!channel> or <!subteam^S0OTHER>", "", ("U0SAM", "S0ONCALL", "<!here>"))
    said = json.dumps(shown["blocks"])
    assert "<@U0SAM> <!subteam^S0ONCALL> " in said
    assert "<!channel>" not in said
    assert "S0OTHER" not in said
    assert "<!here>" not in said
