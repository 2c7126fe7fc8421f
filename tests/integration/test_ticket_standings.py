"""What became of tickets and orders: what counts as gone, and what operators are told of."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.ticket_kit import ANA, NEW, posted
from tests.fakes.ticket_systems.base import Fault
from tools.base import ToolUnavailableError
from tools.tickets.doubts import doubts
from tools.tickets.vendor import mark_of

AN_HOUR = 3600.0


async def test_a_ticket_that_the_systems_index_does_not_show_yet_is_not_gone(tmp_path: Path) -> None:
    async with posted("linear", tmp_path) as post:
        post.system.lag = 50.0
        first = await post.desk().open(NEW, "run:1")
        assert await post.desk().open(NEW, "run:2") == first
        assert await post.desk().recent(ANA) == (first,)
        post.clock.now += AN_HOUR
        post.system.tickets.clear()
        assert await post.desk().recent(ANA) == ()
        await post.desk().open(NEW, "run:3")
        assert len(post.system.tickets) == 1


async def test_a_repository_that_hides_itself_has_not_lost_its_tickets(tmp_path: Path) -> None:
    async with posted("github", tmp_path) as post:
        first = await post.desk().open(NEW, "run:1")
        post.clock.now += AN_HOUR
        post.system.shows_itself = False
        with pytest.raises(ToolUnavailableError):
            await post.desk().open(NEW, "run:2")
        post.system.shows_itself = True
        assert await post.desk().open(NEW, "run:3") == first
        assert len(post.system.tickets) == 1


async def test_a_jira_issue_in_another_project_is_still_the_ticket(tmp_path: Path) -> None:
    async with posted("jira", tmp_path) as post:
        first, second = (
            await post.desk().open(NEW, "run:1"),
            await post.desk().open(replace(NEW, subject="Another"), "run:2"),
        )
        post.system.move(first.id)
        post.system.ask_back(second.id)
        post.clock.now += AN_HOUR
        assert await post.desk().open(NEW, "run:3") == first
        assert [(t.id, t.status) for t in await post.desk().recent(ANA)] == [
            (second.id, "pending"), (first.id, "open"),
        ]  # fmt: skip


async def test_a_jira_project_that_hides_itself_has_not_lost_its_tickets(tmp_path: Path) -> None:
    async with posted("jira", tmp_path) as post:
        first = await post.desk().open(NEW, "run:1")
        post.clock.now += AN_HOUR
        post.system.shows_issues = False
        with pytest.raises(ToolUnavailableError):
            await post.desk().open(NEW, "run:2")
        post.system.shows_issues = True
        assert await post.desk().open(NEW, "run:3") == first


@pytest.mark.parametrize(("ids", "shown"), [("tkt_{}", "tkt_1"), ("case no. {}", "REF-"), ("<!channel>", "REF-")])
async def test_a_webhooks_ticket_stays_open_whatever_its_id_looks_like(ids: str, shown: str, tmp_path: Path) -> None:
    async with posted("webhook", tmp_path) as post:
        post.system.ids = ids
        first = await post.desk().open(NEW, "run:1")
        assert first.id.startswith(shown)
        post.clock.now += AN_HOUR
        assert await post.desk().open(NEW, "run:2") == first
        assert await post.desk().recent(ANA) == (first,)
        assert len(post.system.tickets) == 1


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
async def test_an_order_that_nobody_makes_again_is_told_to_operators_until_its_ticket_is_known(
    store: str, tmp_path: Path
) -> None:
    async with posted("github", tmp_path, store=store) as post:
        post.system.faults.append(Fault.CUT)
        with pytest.raises(ToolUnavailableError):
            await post.desk().open(NEW, "run:1")
        await post.desk().open(replace(NEW, subject="Another"), "run:2")
        assert await doubts(post.engine, post.clock()) == ()  # somebody is still at it
        post.clock.now += AN_HOUR
        [doubt] = await doubts(post.engine, post.clock())
        assert (doubt.desk, doubt.mark) == ("github:acme/support", mark_of("run:1"))
        assert doubt.conversation_id == NEW.conversation_id
        await post.desk().open(NEW, "run:3")
        post.clock.now += AN_HOUR
        assert await doubts(post.engine, post.clock()) == ()
