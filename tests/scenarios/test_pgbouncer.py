"""The bot behind PgBouncer in transaction mode: every transaction may be another connection, nothing else changes."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.fakes.desk_claude import Claude, escalate
from tests.fakes.desk_replicas import open_replicated_desk
from tests.fakes.messages_api import Move, Seen, text
from tests.fakes.pgbouncer import INSTALLED, pooled

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(not INSTALLED, reason="pgbouncer is not installed"),
]


def _echo(seen: Seen) -> Move:
    found = re.findall(r"number (\d+)", seen.last_text)
    return text(f"You asked about {', '.join(found)}.")


async def test_two_replicas_behind_pgbouncer_answer_decide_and_take_over(tmp_path: Path, claude: Claude) -> None:
    async with open_replicated_desk(tmp_path, claude, 2, through=pooled) as desk:
        claude.will(escalate("You get $81 back."), text("I have asked a colleague."))
        first = await desk.customer().asks("I was charged twice")
        await first.answer(seconds=30)
        await desk.staff().presses("Approve", await desk.card())
        await first.says("You get $81 back.", seconds=30)
        claude.always = _echo
        people = [desk.customer(("U0ANA", "U0BO", "U0CHIDI")[n % 3]) for n in range(10)]
        claude.hold()
        asked = claude.under_way
        threads = await asyncio.gather(*(p.asks(f"What about number {n}?") for n, p in enumerate(people)))
        await claude.is_asked(asked + 1)
        await desk.replicas[0].kill()
        claude.let_go()
        for number, thread in enumerate(threads):
            await thread.says(f"You asked about {number}.", seconds=60)
        await desk.settled(60)
        assert [len(thread.ours()) for thread in threads] == [1] * 10
