"""Several replicas behind a load balancer, which hear from Slack by signed HTTP."""

import asyncio
from pathlib import Path

import pytest

from tests.fakes.desk_claude import Claude, escalate
from tests.fakes.desk_replicas import open_balanced_desk
from tests.fakes.messages_api import text
from tests.scenarios.test_replicas import PEOPLE, echo


@pytest.mark.timeout(240)
async def test_p1_p2_p3_requests_that_reach_any_replica_are_answered_once_whoever_is_killed_or_replaced(
    tmp_path: Path, claude: Claude
) -> None:
    async with open_balanced_desk(tmp_path, claude, 2) as (desk, balancer):
        claude.always = echo
        people = [desk.customer(PEOPLE[n % 5]) for n in range(12)]
        threads = await asyncio.gather(*(p.asks(f"What about number {n}?") for n, p in enumerate(people[:6])))
        await desk.replicas[0].kill()
        threads += await asyncio.gather(*(p.asks(f"What about number {n}?") for n, p in enumerate(people[6:9], 6)))
        await desk.replicas[0].start()
        await desk.replicas[1].stop()
        threads += await asyncio.gather(*(p.asks(f"What about number {n}?") for n, p in enumerate(people[9:], 9)))
        await desk.replicas[1].start()
        await desk.settled(90)
        for number, thread in enumerate(threads):
            assert thread.text().count(f"You asked about {number}.") == 1
            assert len(thread.ours()) == 1
        assert len(balancer.served) >= 2, "one replica heard everything"


@pytest.mark.timeout(240)
async def test_a_form_opened_through_one_replica_may_be_sent_through_another(tmp_path: Path, claude: Claude) -> None:
    async with open_balanced_desk(tmp_path, claude, 2) as (desk, _):
        claude.always = text("I have asked a colleague.")
        claude.will(escalate("You get $81 back."))
        ana, sam = desk.customer(), desk.staff()
        thread = await ana.asks("I was charged twice")
        card = await desk.card()
        claude.always = text("A colleague decided against it.")
        await sam.presses("Deny", card)
        await sam.submits(text="Not covered by the policy")
        await thread.says("decided against it", seconds=30)
        await desk.settled(60)
