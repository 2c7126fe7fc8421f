"""When the money for an answer runs out, the run waits and people are asked; their yes lets the same run go on."""

import asyncio
from pathlib import Path

from bot.ports.clock import DeskTime
from tests.fakes.desk import Desk, open_desk
from tests.fakes.desk_claude import Claude, answer_from_source, search
from tests.fakes.desk_people import Card, Thread
from tests.fakes.discretion import assert_discreet
from tests.fakes.messages_api import text
from tests.fakes.tools import HeldClock

PAUSED = "asked a colleague whether I may go on"


async def paused(desk: Desk, limit: str = "conversation 0.12", user: str = "U0ANA") -> tuple[Thread, Card]:
    """A conversation whose run waits for money after some steps."""
    desk.claude.always = search()
    await desk.customer("U0GRACE").types(f"set {limit}")
    thread = await desk.customer(user).asks("What do guests cost?")
    assert PAUSED in (await thread.answer()).text
    desk.claude.always = answer_from_source("Guests are free.")
    card = await desk.card()
    await card.with_button("Stop")
    return thread, card


async def test_allow_lets_the_same_run_go_on_and_nothing_is_paid_twice(desk: Desk) -> None:
    thread, card = await paused(desk)
    shown = card.shown()
    assert list(shown.buttons) == ["Allow +$0.50", "Allow +$2.00", "Take over", "Stop", "View trace"]
    assert "May it spend more?" in shown.text
    before = len(desk.claude.asked)
    await desk.staff().presses("Allow +$0.50", card)
    answer = await thread.answer(2)
    assert "Guests are free" in answer.text
    assert answer.footer.endswith("of $0.620")
    assert f"step {before + 1}/25" in answer.footer
    assert len(desk.claude.asked) == before + 1
    assert desk.rows("select count(*), min(outcome) from runs") == [(1, "answered")]
    assert "$0.500 more" in (await card.becomes("Approved")).text
    changes = desk.rows('select scope, usd, "by" from limit_changes order by seq')
    assert changes[-1] == ("conversation", 620_000, "U0SAM")
    await desk.settled()
    assert desk.rows("select count(*) from ledger where state = 'reserved'") == [(0,)]


async def test_a_limit_set_higher_by_hand_lets_the_same_run_go_on_and_the_card_says_who_did(desk: Desk) -> None:
    thread, card = await paused(desk)
    before, grace = len(desk.claude.asked), desk.customer("U0GRACE")
    assert "goes on" not in await grace.types("set conversation 0.11")
    assert "A run that waited for it goes on." in await grace.types("set conversation 3")
    answer = await thread.answer(2)
    assert "Guests are free" in answer.text
    assert answer.footer.endswith("of $3.00")
    shown = await card.becomes("Approved")
    assert "by <@U0GRACE>" in shown.text
    assert "The limit was raised to $3.00 for this conversation." in shown.text
    assert "Allow +$0.50" not in shown.buttons
    await desk.settled()
    assert len(desk.claude.asked) == before + 1
    assert desk.rows("select count(*), min(outcome) from runs") == [(1, "answered")]


async def test_two_presses_make_one_grant_and_the_slower_one_reads_so(desk: Desk) -> None:
    thread, card = await paused(desk)
    shown = await card.with_button("Allow +$2.00")
    people = {"U0SAM": "Sam Porter", "U0LEO": "Leo Martins"}
    await asyncio.gather(*(desk.staff(who).presses("Allow +$2.00", shown) for who in people))
    await thread.answer(2)
    [(winner, usd)] = desk.rows("select by, usd from grants")
    assert usd == 2_000_000
    loser = next(who for who in people if who != winner)
    assert f"{people[winner]} was faster" in (await desk.staff(loser).hears("was faster")).text


async def test_stop_ends_the_run_and_the_customer_reads_an_honest_sentence(desk: Desk) -> None:
    thread, card = await paused(desk)
    await desk.staff().presses("Stop", card)
    assert "should not look into this any further" in (await thread.answer(2)).text
    assert "Denied" in (await card.becomes("Denied")).text
    await desk.settled()
    assert desk.rows("select outcome from runs") == [("stopped",)]


async def test_take_over_ends_the_pause_and_the_person_sees_what_was_asked(desk: Desk) -> None:
    thread, card = await paused(desk)
    await desk.staff().presses("Take over", card)
    await thread.says("*Sam Porter* has taken over")
    await desk.settled()
    assert desk.rows("select outcome from runs") == [("stopped",)]
    assert thread.ours()[-1].text.startswith("*Sam Porter* has taken over")


async def test_what_the_customer_adds_meanwhile_is_shown_to_staff_and_answered_afterwards(desk: Desk) -> None:
    thread, card = await paused(desk)
    ana = desk.customer()
    await ana.says("It is about three guests", thread)
    await card.gets_reply("It is about three guests")
    await thread.says("I have shown a colleague what you added")
    await ana.says("and about next month", thread)
    await card.gets_reply("and about next month")
    desk.claude.will(answer_from_source("Guests are free."), text("Three guests next month are free, too."))
    await desk.staff().presses("Allow +$0.50", card)
    await thread.says("Three guests next month are free, too.")
    await desk.settled()
    assert thread.text().count("Guests are free") == 1
    assert desk.rows("select count(*) from runs where outcome = 'answered'") == [(2,)]


async def test_a_pause_survives_a_restart(desk: Desk) -> None:
    thread, card = await paused(desk)
    before = len(desk.claude.asked)
    await desk.restart()
    await desk.staff().presses("Allow +$0.50", await card.with_button("Allow +$0.50"))
    assert "Guests are free" in (await thread.answer(2)).text
    assert len(desk.claude.asked) == before + 1


async def test_more_for_the_whole_workspace_is_allowed_by_admins_alone(desk: Desk) -> None:
    thread, card = await paused(desk, "workspace 0.12 per day")
    assert "Only admins may allow more" in card.shown().text
    await desk.staff("U0SAM").presses("Allow +$0.50", card)
    await desk.staff("U0SAM").hears("Only admins can allow more")
    assert desk.rows("select count(*) from grants") == [(0,)]
    await desk.staff("U0GRACE").presses("Allow +$0.50", card)
    assert "Guests are free" in (await thread.answer(2)).text


async def test_when_nobody_decides_the_customer_reads_that_and_the_case_stays(
    tmp_path: Path, template: Path, claude: Claude
) -> None:
    clock = HeldClock()
    clock.now = 1_795_000_000.0
    async with open_desk(tmp_path, claude=claude, template=template, time=DeskTime(clock, tick=0.02)) as desk:
        thread, card = await paused(desk)
        clock.now += 4 * 3600 + 60
        await thread.says("I have stopped here")  # the reminder that nobody answered is due, too, and may come first
        shown = await card.with_button("Approve")
        assert "Nobody decided in time" in shown.text
        assert "Allow +$0.50" not in shown.buttons
        await desk.settled()
        assert desk.rows("select outcome from runs") == [("budget_exhausted",)]
        assert_discreet(desk)


async def test_the_customers_own_stop_ends_the_pause_and_asks_nobody_any_more(desk: Desk) -> None:
    desk.claude.always = search()
    await desk.customer("U0GRACE").types("set conversation 0.12")
    ana = await desk.customer().in_dm()
    thread = await ana.asks("What do guests cost?")
    assert PAUSED in (await thread.answer()).text
    await thread.session_is("suspended")
    card = await desk.card()
    desk.driver.server.workspace.set_session(thread.channel, thread.ts, {"status": "processing"})  # a Stop that crosses
    await desk.driver.call("stop", user="U0ANA", channel=thread.channel, thread_ts=thread.ts)
    await card.becomes("The customer stopped it")
    assert "Stopped. Write again" in (await thread.answer(2)).text
    assert desk.rows("select outcome from runs") == [("stopped",)]


async def test_money_allowed_while_the_bot_is_switched_off_is_kept_and_people_get_what_was_found(desk: Desk) -> None:
    thread, card = await paused(desk)
    before, grace = len(desk.claude.asked), desk.customer("U0GRACE")
    await desk.customer().says("It is about three guests", thread)
    await card.gets_reply("It is about three guests")
    await grace.types("pause the model misbehaves")
    await desk.staff().presses("Allow +$0.50", card)
    again = await desk.card(number=2)
    for words in ("the bot is paused", "What do guests cost?", "The agent used: search_knowledge_base."):
        assert words in again.shown().text
    await again.gets_reply("It is about three guests")
    await desk.settled()
    assert thread.text().count("I'm switched off at the moment") == 1
    assert "misbehaves" not in thread.text()
    assert len(desk.claude.asked) == before, "no model is asked while the bot is switched off"
    assert desk.rows("select outcome from runs") == [("escalated",)]
    assert desk.rows("select count(*) from ledger where state = 'reserved'") == [(0,)]
    await grace.types("resume")
    desk.claude.will(search(), answer_from_source("Guests are free."))
    await desk.staff().presses("Approve", again)
    assert (await thread.says("Guests are free")).footer.endswith("of $0.620")
    await desk.settled()
    assert len(desk.claude.asked) == before + 2
