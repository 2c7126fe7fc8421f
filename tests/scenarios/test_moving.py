"""A desk outgrows its file: the story goes on in the same thread on PostgreSQL."""

import asyncio
import os
import sys

from tests.architecture.tree import ROOT
from tests.fakes.desk import Desk
from tests.fakes.desk_claude import answer_from_source, escalate, search, ticket
from tests.fakes.messages_api import text
from tests.fakes.postgres import postgres_database

PROPOSAL = "We have refunded invoice INV-204."


async def test_after_the_move_the_same_thread_goes_on(desk: Desk) -> None:
    desk.claude.will(search(), answer_from_source("Press Invite."), ticket("ana@cobalt-studio.example"), text("Noted."))
    desk.claude.will(escalate(PROPOSAL), text("I have asked a colleague."))
    ana = desk.customer()
    thread = await ana.asks("How do I invite a guest?")
    await thread.answer()
    await ana.says("It does not work, open a ticket please @deskhand", thread)
    await thread.answer(2)
    await ana.says("And you charged me twice @deskhand", thread)
    await thread.answer(3)
    await desk.settled()
    card = await desk.card()

    async with postgres_database() as url:
        refused = await move(desk, url)
        assert "a bot works on" in refused, "nobody moves house under a running bot"
        await desk.bot.stop()
        moved = await move(desk, url)
        assert "DIFFERENT" not in moved
        assert "rows moved" in moved
        desk.bot.settings |= {"DATABASE_URL": url}
        await desk.bot.start()
        try:
            await desk.staff().presses("Approve", card)
            await thread.says(PROPOSAL)
            await card.becomes("Approved* by <@U0SAM>")
            desk.claude.will(text("You are welcome."))
            await ana.says("Thank you! @deskhand", thread)
            await thread.says("You are welcome.")
            assert "How do I invite a guest?" in str(desk.claude.asked[-1].messages)
            assert "Workspace today" in await ana.types()
        finally:
            await desk.bot.stop()
            desk.bot.settings |= {"DATABASE_URL": f"sqlite:///{desk.database}"}
            await desk.bot.start()  # the desk's own checks look into the file


async def move(desk: Desk, target: str) -> str:
    """`deskhand migrate --from … --to …`; what it says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "migrate", "--from", f"sqlite:///{desk.database}", "--to", target,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    shown, _ = await process.communicate()
    return shown.decode()
