"""Nobody answers: what people and the customer read while a case waits, on a clock that is moved by hand."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import prompts
from bot.desk.case_clocks import backup_key
from bot.desk.people import StaffRoom
from bot.desk.unsent import UnsentWords
from bot.domain.errors import PermanentError, TransientError
from bot.domain.escalation import Decision, State, Team
from bot.domain.gate import Mute
from bot.domain.service import Service
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, database, open_store
from tests.fakes.waiting import HOUR, MINUTE, MONDAY, WaitingOffice, berlin


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        yield opened


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncIterator[SqlStore]:
    """SQLite alone, for what is no matter of the database."""
    async with open_store(f"sqlite:///{tmp_path}/test.db") as opened:
        yield opened


@pytest.fixture
def office(store: SqlStore) -> WaitingOffice:
    return WaitingOffice(store)


async def test_a_case_goes_from_reminder_to_the_next_to_the_backup_and_wakes_somebody_once(
    office: WaitingOffice,
) -> None:
    await office.opens()
    await office.time_is(MONDAY + 29 * MINUTE)
    assert await office.under_card() == []
    for minutes in (30, 45, 60, 90, 91, 200):
        await office.time_is(MONDAY + minutes * MINUTE)
    told = await office.under_card()
    assert [calls for calls, _ in told] == [("U0SAM",), ("U0SAM",), ("U0LEO",), ("U0LEO",)]
    assert "50 % of the time" in told[0][1]
    assert "waiting for 30 minutes" in told[0][1]
    assert "75 % of the time" in told[1][1]
    assert "It is your turn now" in told[2][1]
    assert "I have raised the alarm" in told[3][1]
    [backup] = await office.notices("C0BACKUP")
    assert "Nobody has answered" in backup
    assert "1 h 30 min" in backup
    [sorry] = await office.notices("C1")
    assert "nobody on our team has answered yet" in sorry
    [alert] = office.pager.opened
    assert alert.summary == "Deskhand: a customer's case has waited 1 h 30 min and nobody has answered."
    assert not alert.is_urgent


async def test_whoever_takes_over_stops_the_clock_and_calls_the_pager_off(office: WaitingOffice) -> None:
    await office.opens(1)
    await office.opens(2)
    await office.time_is(MONDAY + 40 * MINUTE)
    await office.decides(Decision.TAKE_OVER, "U0SAM", "esc-1")
    await office.decides(Decision.APPROVE, "U0SAM", "esc-2")
    assert office.clocks.deadline(await office.case()) is None
    await office.owner_answers()
    await office.time_is(MONDAY + 5 * HOUR)
    assert len(await office.under_card()) == 2, "one reminder each, at 50 %"
    assert (office.pager.opened, office.pager.closed) == ([], [])
    await office.opens(3)
    await office.time_is(MONDAY + 6 * HOUR + 31 * MINUTE)
    assert [alert.key for alert in office.pager.opened] == ["deskhand-T1-esc-3"]
    for decision in (Decision.TAKE_OVER, Decision.HAND_BACK):
        await office.decides(decision, "U0SAM", "esc-3")
    await office.time_is(MONDAY + 6 * HOUR + 32 * MINUTE)
    assert office.pager.closed == ["deskhand-T1-esc-3"]


async def test_over_a_weekend_and_a_holiday_the_clock_stands_still(quick: SqlStore) -> None:
    office = WaitingOffice(quick)
    office.clock.now = berlin("2026-11-20 16:45")
    await office.opens(team=Team.BILLING)
    assert office.clocks.deadline(await office.case()).due_at == berlin("2026-11-23 12:45")  # type: ignore[union-attr]
    await office.time_is(berlin("2026-11-23 10:44"))
    assert await office.under_card() == []
    await office.time_is(berlin("2026-11-23 10:45"))
    [(calls, reminder)] = await office.under_card()
    assert calls == (), "billing has nobody on duty"
    assert "waiting for 2 hours" in reminder
    office.clock.now = berlin("2026-11-24 16:00")
    await office.opens(2)
    deadline = office.clocks.deadline(await office.case("esc-2"))
    assert deadline is not None
    assert deadline.due_at == berlin("2026-11-24 17:00")
    office.clock.now = berlin("2026-11-24 16:30")
    await office.opens(3)
    deadline = office.clocks.deadline(await office.case("esc-3"))
    assert deadline is not None
    assert deadline.due_at == berlin("2026-11-26 09:30"), "the 25th is a holiday"


async def test_urgent_cases_are_in_more_of_a_hurry(quick: SqlStore) -> None:
    office = WaitingOffice(quick)
    await office.opens(reason="A total outage since this morning")
    await office.time_is(MONDAY + 15 * MINUTE)
    [alert] = office.pager.opened
    assert alert.is_urgent
    deadline = office.clocks.deadline(await office.case())
    assert deadline is not None
    assert deadline.is_urgent
    assert deadline.used == 1.5


async def test_a_case_that_turns_out_to_be_urgent_is_in_a_hurry_from_then_on(quick: SqlStore) -> None:
    office = WaitingOffice(quick)
    await office.opens()
    await office.time_is(MONDAY + 20 * MINUTE)
    assert await office.under_card() == []
    await office.finds_out("It is an outage")
    await office.time_is(MONDAY + 21 * MINUTE)
    assert len(office.pager.opened) == 1


async def test_a_bot_that_slept_through_it_does_what_is_due_now_and_nothing_twice(quick: SqlStore) -> None:
    await WaitingOffice(quick).opens()
    later = WaitingOffice(quick)
    later.clock.now = MONDAY + 70 * MINUTE
    async with later.store.write() as tx:  # as every start does
        for case in await tx.escalations.all_live():
            await later.cases.redraw(tx, case)
    await later.time_is(MONDAY + 70 * MINUTE)
    assert [calls for calls, _ in await later.under_card()] == [("U0LEO",)]
    await later.time_is(MONDAY + 90 * MINUTE)
    assert len(later.pager.opened) == 1
    again = WaitingOffice(quick)
    again.clock.now = MONDAY + 95 * MINUTE
    await again.time_is(MONDAY + 8 * HOUR)
    assert again.pager.opened == []
    assert len(await again.under_card()) == 2


async def test_a_pager_that_is_away_is_tried_again_and_one_that_refuses_is_told_under_the_card(quick: SqlStore) -> None:
    office = WaitingOffice(quick)
    await office.opens(1)
    office.pager.trouble = [TransientError("away"), TransientError("away")]
    for minutes in (90, 91, 92, 93):
        await office.time_is(MONDAY + minutes * MINUTE)
    assert [alert.key for alert in office.pager.opened] == ["deskhand-T1-esc-1"]
    await office.opens(2)
    office.pager.trouble = [PermanentError("the pager refused with 403")]
    await office.time_is(office.clock.now + 3 * HOUR)
    assert len(office.pager.opened) == 1
    assert "The pager did not take the alert" in (await office.under_card())[-1][1]


async def test_a_pager_that_is_away_keeps_no_worker_busy_and_is_told_everything_in_the_end(quick: SqlStore) -> None:
    office = WaitingOffice(quick)
    case_id = await office.opens()
    office.pager.trouble = [TransientError("away")] * 20
    await office.time_is(MONDAY + 90 * MINUTE)
    assert len(office.pager.trouble) == 19
    assert await office.unhandled() == 0, "or 64 of them would keep customers waiting"
    for minutes in range(91, 120):
        await office.time_is(MONDAY + minutes * MINUTE)
    assert 0 < len(office.pager.trouble) <= 12, "less and less often"
    office.pager.trouble = []
    await office.time_is(MONDAY + 130 * MINUTE)
    assert [alert.key for alert in office.pager.opened] == ["deskhand-T1-esc-1"]
    office.pager.trouble = [TransientError("away")]
    await office.decides(Decision.TAKE_OVER, "U0SAM")
    await office.time_is(MONDAY + 131 * MINUTE)
    async with office.store.write() as tx:  # as every start and every change of the card does
        await office.cases.redraw(tx, await office.case(case_id), when=":again")
    await office.time_is(MONDAY + 140 * MINUTE)
    assert (office.pager.closed, office.pager.trouble) == (["deskhand-T1-esc-1"], [])


async def test_a_pager_that_refuses_to_be_called_off_has_woken_somebody_all_the_same(quick: SqlStore) -> None:
    office = WaitingOffice(quick)
    await office.opens()
    await office.time_is(MONDAY + 2 * HOUR)
    office.pager.trouble = [PermanentError("the pager refused with 404")]
    await office.decides(Decision.APPROVE, "U0SAM")
    await office.time_is(MONDAY + 3 * HOUR)
    assert office.pager.trouble == []
    assert "did not take the alert" not in str(await office.under_card())


async def test_in_a_thread_that_was_muted_the_customer_is_not_told_that_nobody_is_there(quick: SqlStore) -> None:
    office = WaitingOffice(quick)
    case_id = await office.opens()
    async with office.store.write() as tx:
        await tx.gates.mute(Mute("T1", (await office.case(case_id)).conversation_id, "U0SAM", MONDAY))
    await office.time_is(MONDAY + 2 * HOUR)
    assert len(office.pager.opened) == 1
    assert await office.notices("C1") == []


async def test_a_backup_channel_that_takes_nothing_is_told_under_the_card(quick: SqlStore) -> None:
    office = WaitingOffice(quick)
    await office.opens()
    await office.time_is(MONDAY + 2 * HOUR)
    unsent = UnsentWords(office.store, office.cases, StaffRoom("C0STAFF", {}, frozenset(), frozenset()), office.clock)
    for _ in range(2):
        await unsent.handle(await office.outgoing(backup_key("esc-1")), "is_archived")
    assert [text for _, text in await office.under_card() if "backup channel did not take" in text] == [
        "⚠️ The backup channel did not take my message (is_archived), so nobody was told there. "
        "Whoever runs the bot corrects `backup_channel` in SERVICE_FILE."
    ]


async def test_without_rota_backup_and_pager_the_case_s_own_channel_is_told(quick: SqlStore) -> None:
    office = WaitingOffice(quick, Service())
    await office.opens()
    await office.time_is(MONDAY + HOUR)
    assert [calls for calls, _ in await office.under_card()] == [()]
    [told] = await office.notices("C0STAFF")
    assert "Nobody has answered" in told


async def test_an_owner_who_lets_a_customer_wait_is_nudged_then_the_case_is_offered(office: WaitingOffice) -> None:
    await office.opens()
    await office.decides(Decision.TAKE_OVER, "U0SAM")
    await office.time_is(MONDAY + 20 * MINUTE)
    await office.owner_answers()
    await office.time_is(MONDAY + 3 * HOUR)
    assert await office.under_card() == [], "it is the customer's turn"
    await office.customer_writes()
    asked = office.clock()
    await office.time_is(asked + 29 * MINUTE)
    await office.customer_writes("Are you there?")
    assert await office.under_card() == []
    await office.time_is(asked + 30 * MINUTE)
    [(calls, nudge)] = await office.under_card()
    assert calls == ("U0SAM",)
    assert "waiting for your answer for 30 minutes" in nudge
    assert (await office.case()).offered_at is None
    await office.time_is(asked + HOUR)
    assert (await office.case()).offered_at == asked + HOUR
    assert "press *Take over* on the card" in (await office.under_card())[-1][1]
    assert (await office.under_card())[-1][0] == ("U0LEO",), "the next in the rota, for the first is the quiet one"
    await office.time_is(asked + 4 * HOUR)
    assert len(await office.under_card()) == 2


async def test_an_owner_who_takes_over_and_then_says_nothing_is_nudged_too(quick: SqlStore) -> None:
    office = WaitingOffice(quick)
    await office.opens()
    await office.decides(Decision.TAKE_OVER, "U0SAM")
    await office.time_is(MONDAY + 30 * MINUTE)
    assert [calls for calls, _ in await office.under_card()] == [("U0SAM",)]
    await office.owner_answers()
    await office.time_is(MONDAY + 6 * HOUR)
    assert len(await office.under_card()) == 1


async def test_an_offered_case_goes_to_the_first_colleague_and_never_back_to_an_owner_who_is_there_again(
    office: WaitingOffice,
) -> None:
    await office.opens()
    await office.decides(Decision.TAKE_OVER, "U0SAM")
    assert await office.decides(Decision.RECLAIM, "U0LEO") is None, "nobody offered it"
    await office.time_is(MONDAY + HOUR)
    assert (await office.case()).offered_at is not None
    await office.owner_answers("Sorry, here I am.")
    assert (await office.case()).offered_at is None
    assert await office.decides(Decision.RECLAIM, "U0LEO") is None
    await office.customer_writes()
    await office.time_is(office.clock() + HOUR)
    pressed = await asyncio.gather(*(office.decides(Decision.RECLAIM, who) for who in ("U0LEO", "U0GRACE")))
    [taken] = [case for case in pressed if case is not None]
    assert (taken.offered_at, taken.state) == (None, State.CLAIMED)
    assert (await office.case()).decided_by == taken.decided_by != "U0SAM"
    await office.time_is(office.clock() + 31 * MINUTE)
    assert (await office.under_card())[-1][0] == (taken.decided_by,), "the new owner has the same time"


async def test_outside_business_hours_no_owner_is_quiet(quick: SqlStore) -> None:
    office = WaitingOffice(quick)
    office.clock.now = berlin("2026-11-20 16:50")
    await office.opens()
    await office.decides(Decision.TAKE_OVER, "U0SAM")
    await office.time_is(berlin("2026-11-23 09:19"))
    assert await office.under_card() == []
    await office.time_is(berlin("2026-11-23 09:20"))
    assert len(await office.under_card()) == 1


async def outlook(office: WaitingOffice, case_id: str) -> str:
    case = await office.case(case_id)
    async with office.store.read() as tx:
        talk = await tx.conversations.get(case.conversation_id)
        assert talk is not None
        return await office.cases.outlook(tx, talk)


async def test_a_customer_is_told_the_hours_and_the_position_and_nothing_that_is_not_true(quick: SqlStore) -> None:
    office = WaitingOffice(quick)
    await office.opens(1)
    assert await outlook(office, "esc-1") == ""
    office.clock.now += MINUTE
    await office.opens(2)
    assert await outlook(office, "esc-2") == "One other request is waiting before yours."
    office.clock.now = berlin("2026-11-23 18:00")
    await office.opens(3)
    assert await outlook(office, "esc-3") == (
        "Our team is here again tomorrow at 09:00 (Berlin time). 2 other requests are waiting before yours."
    )
    await office.opens(4, team=Team.BILLING)
    said = await outlook(office, "esc-4")
    assert said == "Our team is here again tomorrow at 09:00 (Berlin time).", "its own channel"
    await office.decides(Decision.TAKE_OVER, "U0SAM", "esc-3")
    assert await outlook(office, "esc-3") == ""


def test_no_sentence_to_customers_promises_a_time() -> None:
    said = prompts.sentences()
    for name in ("closed_until", "one_ahead", "some_ahead", "nobody_yet"):
        assert not any(word in said[name].lower() for word in ("soon", "shortly", "minute", "hour", "will answer"))
