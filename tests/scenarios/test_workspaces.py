"""Two workspaces on one bot, with the same people and channel ids in both: nothing of one is seen in the other."""

import json
import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.desk import Desk, open_desk
from tests.fakes.desk_claude import Claude, answer_from_source, escalate, lookup, search
from tests.fakes.desk_people import Thread
from tests.fakes.discretion import assert_discreet, assert_logs_are_discreet
from tests.fakes.messages_api import Move, Seen, text
from tests.fakes.postgres import postgres_database
from tests.fakes.sandbox_driver import eventually
from tests.fakes.workspaces import SECOND, TwoWorkspaces, two_workspaces

ASKED = "I have asked a colleague to look at this."


@pytest.fixture
async def fresh(tmp_path: Path, claude: Claude) -> AsyncIterator[TwoWorkspaces]:
    """The app runs and is installed nowhere yet."""
    async with two_workspaces(tmp_path, claude=claude) as opened:
        yield opened
    shared = "select lane from outbox group by lane having count(distinct team_id) > 1"
    assert opened.first.rows(shared) == [], "one workspace's effects would wait for another's"
    for desk in (opened.first, opened.second):
        assert_discreet(desk)
        assert_logs_are_discreet(desk)


@pytest.fixture
async def both(fresh: TwoWorkspaces) -> TwoWorkspaces:
    """Installed in both, and each has chosen its staff channel."""
    await fresh.set_up(fresh.first)
    await fresh.set_up(fresh.second)
    return fresh


async def an_answer(desk: Desk, words: str = "Guests are free.") -> Thread:
    desk.claude.will(search(), answer_from_source(words))
    thread = await desk.customer().asks("What do guests cost?")
    assert words in (await thread.answer()).text
    return thread


def saw(desk: Desk, words: str) -> bool:
    return any(words in sight.text for sight in desk.timeline.sights)


async def test_each_workspace_is_answered_where_it_asked(both: TwoWorkspaces) -> None:
    await an_answer(both.first, "Guests are free.")
    await an_answer(both.second, "Owners invite guests.")
    assert not saw(both.second, "Guests are free")
    assert not saw(both.first, "Owners invite")


async def test_a_case_of_one_workspace_is_shown_to_its_own_staff_only(both: TwoWorkspaces) -> None:
    thread = await both.second.customer().asks("handoff I was charged twice")
    await thread.says(ASKED)
    card = await both.second.card()
    assert "I was charged twice" in card.shown().text
    await both.second.settled()
    assert both.first.cards() == []
    assert not saw(both.first, "charged twice")


async def test_a_case_pressed_in_another_workspace_stays_as_it_is(both: TwoWorkspaces) -> None:
    """Whatever a forged button carries: the other workspace has no such case."""
    await both.first.customer().asks("handoff secret plans")
    await both.second.customer().asks("handoff something else")
    theirs, ours = await both.first.card(), await both.second.card()
    cases = dict(both.first.rows("select team_id, id from escalations"))
    blocks = json.dumps(ours.shown().raw["blocks"]).replace(cases[SECOND.id], cases["T0FERNWAY"])
    both.second.driver.server.workspace.edit(ours.channel, ours.ts, {"blocks": json.loads(blocks)})
    sam = both.second.staff()
    await sam.presses("Take over", ours)
    await sam.hears("This case no longer exists")
    for action in ("esc_deny", "esc_trace"):
        await sam.presses(action, ours.shown())
        assert sam.windows() == []
    await both.second.settled()
    assert both.first.rows("select distinct state from escalations") == [("open",)]
    assert "Needs a person" in theirs.shown().text
    assert not saw(both.second, "secret plans")


async def test_budgets_are_counted_and_set_apart(both: TwoWorkspaces) -> None:
    await an_answer(both.first)
    grace = both.second.customer("U0GRACE")
    assert "*Workspace today*\n$0.00" in await grace.types()
    assert "at most $0.010 per day for this workspace" in await grace.types("set workspace 0.01 per day")
    refused = await both.second.customer().asks("What do guests cost?")
    assert "reached the limit" in (await refused.answer()).text
    await an_answer(both.first)
    report = await both.first.customer("U0GRACE").types()
    spent = re.search(r"\*Workspace today\*\n\$([\d.]+)", report)
    assert spent is not None
    assert float(spent[1]) > 0
    assert "*Limits*\n• workspace: $50.00 per month\n*" in report, "the operator's alone"


async def test_p4_what_the_operator_lets_a_workspace_cost_cannot_be_raised_by_its_admins(
    tmp_path: Path, claude: Claude
) -> None:
    async with two_workspaces(tmp_path, claude=claude, GUEST_MONTHLY_USD="0.01") as alone:
        await alone.set_up(alone.first)
        grace = alone.first.customer("U0GRACE")
        for limit in ("set workspace 1000", "set conversation 1000"):
            await grace.types(limit)
        thread = await alone.first.customer().asks("What do guests cost?")
        assert "reached the limit" in (await thread.answer()).text
        assert claude.asked == []


async def test_until_a_staff_channel_is_chosen_cases_go_to_whoever_installed_the_app(fresh: TwoWorkspaces) -> None:
    desk = fresh.first
    await fresh.install(desk)
    dm = (await desk.driver.call("dm", user="U0GRACE"))["channel"]
    await eventually(lambda: says(desk, dm, "One thing to do"))
    thread = await desk.customer().asks("handoff I was charged twice")
    await thread.says(ASKED)
    card = await desk.card(dm)
    grace = desk.staff("U0GRACE", dm)
    await grace.presses("Take over", card)
    await thread.says("has taken over this conversation")
    await grace.under(card, "Grace here, I am looking at it.")
    await thread.says("I am looking at it")


async def test_only_an_admin_chooses_the_staff_channel(fresh: TwoWorkspaces) -> None:
    desk = fresh.first
    await fresh.install(desk)
    sam = desk.staff("U0SAM")
    await sam.says("@deskhand staff here")
    await sam.hears("Only admins of this bot")
    ana = desk.customer()
    await ana.says("@deskhand staff here")
    await ana.hears("Only admins of this bot")
    await desk.settled()
    assert "C0STAFF" not in desk.rows("select settings from workspaces")[0][0]


async def test_p7_whoever_installs_the_app_does_not_get_the_operators_customers(both: TwoWorkspaces) -> None:
    """The admins of a workspace choose who is staff there, and what addresses stand in its profiles."""
    desk = both.second
    for user in ("U0SAM", "U0ANA"):
        desk.claude.forget()
        desk.claude.will(lookup("ana@cobalt-studio.example"), say_what_was_found)
        thread = await desk.customer(user).asks("What plan is Ana on?")
        told = (await thread.answer()).text
        [found] = desk.claude.asked[1].tool_results
        assert "No customer is registered" in str(found)
        assert "Cobalt" not in f"{found} {told}"


async def test_a_workspace_that_removes_the_app_leaves_the_other_alone(both: TwoWorkspaces) -> None:
    both.second.claude.will(text("Too late."))
    both.second.claude.latency = 3.0
    await both.second.customer().asks("What do guests cost?")
    await eventually(lambda: _is_asked(both.second.claude))
    await both.uninstall(both.second)
    await both.second.settled(30)
    assert not saw(both.second, "Too late")
    tokens = both.second.rows("select team_id, bot_token <> '', revoked_at is null from installations order by 1")
    assert tokens == [("T0FERNWAY", 1, 1), (SECOND.id, 0, 0)]
    both.first.claude.latency = 0.0
    await an_answer(both.first)
    await both.second.customer().asks("Anybody there?")
    await both.second.told()
    assert not saw(both.second, "Looking into it… Anybody")


async def test_installing_again_brings_everything_back(both: TwoWorkspaces) -> None:
    thread = await an_answer(both.second)
    await both.uninstall(both.second)
    await eventually(lambda: _left(both.second))
    await both.install(both.second)
    both.second.claude.will(text("As I said: free."))
    await both.second.customer().says("@deskhand are you sure?", thread)
    assert "As I said" in (await thread.answer(2)).text
    assert "Guests are free." in str(both.second.claude.asked[-1])
    await both.second.customer().asks("handoff please")
    await both.second.card("C0STAFF")


async def test_the_same_holds_on_postgresql(tmp_path: Path, claude: Claude) -> None:
    async with postgres_database() as url, two_workspaces(tmp_path, claude=claude, DATABASE_URL=url) as both:
        for desk, words in ((both.first, "Guests are free."), (both.second, "Owners invite guests.")):
            await both.set_up(desk)
            await an_answer(desk, words)
            await desk.customer("U0BO").asks("handoff please")
            await desk.card()
        await both.uninstall(both.second)
        await both.second.told()
        await an_answer(both.first)
        assert not saw(both.first, "Owners invite")


async def test_p1_a_bot_started_with_the_token_of_another_workspace_closes_nothing(
    tmp_path: Path, template: Path
) -> None:
    async with open_desk(tmp_path, template=template) as desk:
        desk.expects_errors = True
        await desk.bot.stop()
        with sqlite3.connect(desk.database) as connection:
            connection.execute(
                "insert into inbox (id, team_id, kind, partition, order_ts, payload, received_at)"
                " values ('a', 'T0ELSE', 'tab', 'p', '1', ?, 1)",
                ['{"kind": "tab", "team_id": "T0ELSE", "channel_id": "D1", "user_id": "U1"}'],
            )
        connection.close()
        await desk.bot.start()
        await eventually(lambda: _is_parked(desk))


async def test_an_agents_proposal_is_approved_in_its_own_workspace(both: TwoWorkspaces) -> None:
    for desk in (both.first, both.second):
        desk.claude.will(escalate(proposed_reply="You get $10 back."), text("A colleague will look at it."))
        thread = await desk.customer().asks("I want my money back")
        await thread.answer()
        await desk.staff().presses("Approve", await desk.card())
        await thread.says("You get $10 back.")


def say_what_was_found(seen: Seen) -> Move:
    return text(" ".join(json.dumps(result["content"]) for result in seen.tool_results))


async def says(desk: Desk, channel: str, words: str) -> bool:
    return any(words in said for said in await desk.driver.texts(channel))


async def _is_asked(claude: Claude) -> bool:
    return bool(claude.asked)


async def _is_parked(desk: Desk) -> bool:
    return desk.rows("select handled_at is null, parked_at is not null from inbox where id = 'a'") == [(1, 1)]


async def _left(desk: Desk) -> bool:
    return SECOND.id in dict(desk.rows("select team_id, 1 from installations where revoked_at is not null"))
