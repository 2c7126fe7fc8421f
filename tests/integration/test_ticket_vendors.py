"""A ticket is never opened twice, whatever the vendor's system, the network or our own process does meanwhile."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.ticket_kit import ANA, NEW, SECRETS, SYSTEMS, Post, posted
from tests.fakes.ticket_systems.base import Fault
from tests.fakes.tools import asked_by
from tools.base import OutcomeUnknownError, ToolError, ToolUnavailableError
from tools.resilience import Guard
from tools.tickets.desk import NewTicket, Ticket
from tools.tickets.keys import Entry, TicketKeys
from tools.tickets.tool import CreateTicket, TicketArguments

ROOT = Path(__file__).parents[2]
AN_HOUR, A_DAY = 3600.0, 86_400.0
HOLD = 10.0
ARGUMENTS = TicketArguments(
    customer_email=ANA, subject=NEW.subject, body=NEW.body, priority=NEW.priority, category=NEW.category
)


@pytest.fixture(params=SYSTEMS)
async def post(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Post]:
    async with posted(request.param, tmp_path) as post:
        yield post


async def opened_in_the_end(post: Post, key: str = "run:1", ticket: NewTicket = NEW) -> Ticket:
    """New processes try, as long as one is told that it may work later."""
    for _ in range(6):
        try:
            return await post.desk().open(ticket, key)
        except ToolUnavailableError as error:
            post.clock.now += 1 + max(error.retry_after or 0.0, HOLD)
    raise AssertionError("no ticket in the end")


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.HALF, Fault.CUT, Fault.BROKEN, Fault.BUSY])
async def test_whatever_happens_to_the_order_one_ticket_is_opened(post: Post, fault: Fault) -> None:
    post.system.faults.extend([fault, fault])
    ticket = await opened_in_the_end(post)
    assert len(post.system.tickets) == 1
    assert await post.desk().recent(ANA) == (ticket,)
    assert (await post.desk().open(NEW, "run:2")).id == ticket.id


async def test_a_deadline_after_sending_leaves_one_ticket(post: Post) -> None:
    post.system.faults.append(Fault.HANGING)
    async with asyncio.TaskGroup() as group:
        opening = group.create_task(post.desk().open(NEW, "run:1"))
        async with asyncio.timeout(30):
            await post.system.hanging.wait()
        opening.cancel()
    assert len(post.system.tickets) == 1
    ticket = await opened_in_the_end(post)
    assert (len(post.system.tickets), ticket.key) == (1, "run:1")


class Killed(BaseException):
    """The process is gone."""


class DyingKeys(TicketKeys):
    """The book of a process that is killed at one step; the dead write nothing."""

    def die(self, step: str) -> "DyingKeys":
        self.step, self.dead = step, False
        return self

    async def take(self, ticket: NewTicket, key: str, holder: str) -> Entry:
        self._perish("before it is written down")
        entry = await super().take(ticket, key, holder)
        self._perish("written down")
        return entry

    async def sending(self, entry: Entry) -> Entry:
        sending = await super().sending(entry)
        self._perish("noted as sent, not sent")
        return sending

    async def opened(self, entry: Entry, vendor_id: str) -> str:
        self._perish("sent, its ticket not noted")
        noted = await super().opened(entry, vendor_id)
        self._perish("all noted, nobody told")
        return noted

    async def give_back(self, entry: Entry) -> None:
        if not self.dead:
            await super().give_back(entry)

    def _perish(self, step: str) -> None:
        if step == self.step:
            self.dead = True
            raise Killed


STEPS = [
    "before it is written down", "written down", "noted as sent, not sent", "sent, its ticket not noted",
    "all noted, nobody told",
]  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
async def test_a_kill_at_any_step_leaves_one_ticket(post: Post, step: str) -> None:
    keys = DyingKeys(post.engine, post.vendor().name, post.clock, hold_seconds=HOLD).die(step)
    with pytest.raises(Killed):
        await post.desk(keys).open(NEW, "run:1")
    post.clock.now += HOLD + 1
    ticket = await opened_in_the_end(post)
    assert len(post.system.tickets) == 1
    assert (await post.desk().open(NEW, "run:9")).id == ticket.id
    assert [t.id for t in await post.desk().recent(ANA)] == [ticket.id]


@pytest.mark.parametrize("kind", ["github"])
async def test_a_process_that_is_killed_while_it_waits_for_the_answer_leaves_one_ticket(
    kind: str, tmp_path: Path
) -> None:
    async with posted(kind, tmp_path) as post:
        post.system.faults.append(Fault.HANGING)
        database = post.engine.url.render_as_string(hide_password=False)
        program = (sys.executable, "-m", "tests.fakes.ticket_systems.opener")
        process = await asyncio.create_subprocess_exec(
            *program, kind, post.system.url, database, str(post.clock()), cwd=ROOT
        )
        async with asyncio.timeout(90):
            await post.system.hanging.wait()
            process.kill()
            await process.wait()
        post.clock.now += HOLD + 1
        ticket = await opened_in_the_end(post)
        assert ([one["number"] for one in post.system.tickets], ticket.id) == ([1], "#1")


async def test_a_repeat_a_day_later_still_opens_no_second_ticket(post: Post) -> None:
    post.system.faults.append(Fault.HANGING)
    async with asyncio.TaskGroup() as group:
        opening = group.create_task(post.desk().open(NEW, "run:1"))
        async with asyncio.timeout(30):
            await post.system.hanging.wait()
        opening.cancel()
    post.clock.now += A_DAY
    await opened_in_the_end(post, "run:2")
    assert len(post.system.tickets) == 1


@pytest.mark.parametrize("step", STEPS)
async def test_after_a_kill_the_same_matter_may_be_asked_for_by_another_run(step: str, tmp_path: Path) -> None:
    async with posted("github", tmp_path) as post:
        keys = DyingKeys(post.engine, post.vendor().name, post.clock, hold_seconds=HOLD).die(step)
        with pytest.raises(Killed):
            await post.desk(keys).open(NEW, "run:1")
        post.clock.now += HOLD + 1
        await opened_in_the_end(post, "run:9")
        assert len(post.system.tickets) == 1


@pytest.mark.parametrize("kind", ["jira", "github"])
async def test_as_long_as_the_ticket_may_still_turn_up_nobody_opens_another(kind: str, tmp_path: Path) -> None:
    async with posted(kind, tmp_path) as post:
        post.system.lag = 50.0
        post.system.faults.append(Fault.LOST)
        with pytest.raises(ToolUnavailableError):
            await post.desk().open(NEW, "run:1")
        with pytest.raises(ToolUnavailableError) as told:
            await post.desk().open(NEW, "run:2")
        assert (told.value.retry_after or 0) > 50
        post.clock.now += 51
        assert (await post.desk().open(NEW, "run:2")).key == "run:1"
        assert len(post.system.tickets) == 1


async def test_zendesk_knows_a_repeated_order_that_it_cannot_find_yet(tmp_path: Path) -> None:
    async with posted("zendesk", tmp_path) as post:
        post.system.lag = 50.0
        post.system.faults.append(Fault.LOST)
        with pytest.raises(ToolUnavailableError):
            await post.desk().open(NEW, "run:1")
        assert (await post.desk().open(NEW, "run:1")).id == "#35436"
        assert len(post.system.tickets) == 1


async def test_an_order_that_is_refused_the_second_time_stays_in_doubt_until_its_ticket_is_found(
    tmp_path: Path,
) -> None:
    async with posted("zendesk", tmp_path) as post:
        post.system.lag = 50.0
        post.system.faults.append(Fault.LOST)
        with pytest.raises(ToolUnavailableError):
            await post.desk().open(NEW, "run:1")
        changed = replace(post, more={"tags": {"billing": "money"}})  # Zendesk refuses other words under the same key
        with pytest.raises(ToolUnavailableError):  # not a ToolError: that would say that nothing was done
            await changed.desk().open(NEW, "run:1")
        with pytest.raises(OutcomeUnknownError, match="not known whether a ticket was opened"):
            await CreateTicket(changed.desk(), Guard("tickets")).run(ARGUMENTS, asked_by(ANA))
        post.clock.now += 51
        assert (await changed.desk().open(NEW, "run:2")).id == "#35436"
        assert len(post.system.tickets) == 1


class FrozenKeys(TicketKeys):
    """The book of a process that stands still between taking a request and sending it."""

    def while_frozen(self, work: Callable[[], Awaitable[object]]) -> "FrozenKeys":
        self.work = work
        return self

    async def sending(self, entry: Entry) -> Entry:
        await self.work()
        return await super().sending(entry)


@pytest.mark.parametrize("other", ["run:1", "run:2"])
async def test_a_process_that_stood_still_for_too_long_sends_nothing(other: str, tmp_path: Path) -> None:
    async def meanwhile() -> None:
        post.clock.now += HOLD + 1
        await post.desk().open(NEW, other)

    async with posted("github", tmp_path) as post:
        keys = FrozenKeys(post.engine, post.vendor().name, post.clock, hold_seconds=HOLD).while_frozen(meanwhile)
        with pytest.raises(ToolUnavailableError):
            await post.desk(keys).open(NEW, "run:1")
        assert len(post.system.tickets) == 1
        assert len(await post.desk().recent(ANA)) == 1


@pytest.mark.parametrize("kind", ["jira", "github"])
async def test_a_ticket_that_never_turned_up_is_opened_after_a_while(kind: str, tmp_path: Path) -> None:
    async with posted(kind, tmp_path) as post:
        post.system.faults.append(Fault.CUT)
        for _ in range(2):
            with pytest.raises(ToolUnavailableError):
                await post.desk().open(NEW, "run:1")
        assert post.system.tickets == []
        post.clock.now += 180
        await post.desk().open(NEW, "run:1")
        assert len(post.system.tickets) == 1


@pytest.mark.parametrize("kind", ["github", "jira"])
async def test_the_mark_is_found_on_a_later_page(kind: str, tmp_path: Path) -> None:
    async with posted(kind, tmp_path) as post:
        post.system.page = 2
        post.system.faults.append(Fault.HANGING)
        async with asyncio.TaskGroup() as group:
            opening = group.create_task(post.desk().open(NEW, "run:1"))
            async with asyncio.timeout(30):
                await post.system.hanging.wait()
            opening.cancel()
        for i in range(5):
            await post.desk().open(replace(NEW, subject=f"Matter {i}"), f"other:{i}")
        await post.desk().open(NEW, "run:1")
        assert len(post.system.tickets) == 6


async def test_a_search_that_fails_opens_nothing(post: Post) -> None:
    if post.kind in {"linear", "webhook"}:
        pytest.skip("a repeated order is known there, so nothing has to be looked for")
    post.system.faults.append(Fault.LOST)
    post.system.reading_fault = Fault.BROKEN
    for _ in range(2):
        with pytest.raises(ToolUnavailableError):
            await post.desk().open(NEW, "run:1")
        post.clock.now += AN_HOUR
    post.system.reading_fault = None
    await opened_in_the_end(post)
    assert len(post.system.tickets) == 1


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.LOCKED_OUT])
async def test_a_refusal_is_told_without_internals_and_can_be_tried_again(
    post: Post, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    post.system.faults.append(fault)
    with pytest.raises(ToolError) as told:
        await post.desk().open(NEW, "run:1")
    text = f"{told.value} {caplog.text} {[record.__dict__ for record in caplog.records]}"
    for internal in ("secret-internal-detail", SECRETS[post.kind], post.system.url, ANA, NEW.subject):
        assert internal not in text
    assert "no ticket was opened" in str(told.value)
    assert post.system.tickets == []
    [logged] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert logged.message == "tickets.refused"
    assert "refused our request" in logged.fields["error"]  # type: ignore[attr-defined]
    await post.desk().open(NEW, "run:2")
    assert len(post.system.tickets) == 1


async def test_a_busy_system_is_left_alone_for_as_long_as_it_asks(post: Post) -> None:
    post.system.faults.append(Fault.BUSY)
    with pytest.raises(ToolUnavailableError) as told:
        await post.desk().open(NEW, "run:1")
    assert told.value.retry_after == pytest.approx(7, abs=0.5)
    assert post.system.tickets == []
    assert (await post.desk().open(NEW, "run:2")).key == "run:2"  # nothing was done, so nothing is in doubt


async def test_a_solved_matter_may_come_up_again(post: Post) -> None:
    first = await post.desk().open(NEW, "run:1")
    post.system.solve(first.id)
    assert [t.status for t in await post.desk().recent(ANA)] == ["solved"]
    again = await post.desk().open(NEW, "run:2")
    assert again.id != first.id
    assert (await post.desk().open(NEW, "run:1")).id == first.id
    assert (await post.desk().open(NEW, "run:3")).id == again.id
    assert [(t.id, t.status) for t in await post.desk().recent(ANA)] == [(again.id, "open"), (first.id, "solved")]


async def test_two_replicas_on_postgresql_open_one_ticket(tmp_path: Path) -> None:
    async with posted("github", tmp_path, store="postgresql") as post:
        desks = [post.desk() for _ in range(6)]
        async with asyncio.TaskGroup() as group:
            for number, desk in enumerate(desks):
                group.create_task(desk.open(NEW, f"run:{number % 2}"))
        assert len(post.system.tickets) == 1


async def test_the_check_says_what_answers(post: Post) -> None:
    assert await post.vendor().check()
