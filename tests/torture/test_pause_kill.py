"""Kill -9 right after somebody allowed more money: the same run goes on where it stopped, and ends once."""

from pathlib import Path

from tests.fakes.desk import open_killable_desk
from tests.fakes.desk_claude import Claude, answer_from_source, search
from tests.fakes.desk_program import Program
from tests.fakes.discretion import assert_discreet


async def test_p4_a_run_that_was_allowed_more_survives_a_kill_and_nothing_is_paid_twice(
    tmp_path: Path, template: Path, claude: Claude
) -> None:
    async with open_killable_desk(tmp_path, claude, template) as desk:
        assert isinstance(desk.bot, Program)
        claude.always = search()
        await desk.customer("U0GRACE").types("set conversation 0.12")
        thread = await desk.customer().asks("What do guests cost?")
        await thread.answer()
        card = await desk.card()
        before = len(claude.asked)
        claude.always = answer_from_source("Guests are free.")
        claude.hold()
        await desk.staff().presses("Allow +$0.50", card)
        await claude.is_asked(before + 1)
        await desk.bot.kill()
        claude.let_go()
        await desk.bot.start()
        assert "Guests are free" in (await thread.answer(2, seconds=40)).text
        await desk.settled(40)
        assert desk.rows("select count(*), min(outcome) from runs") == [(1, "answered")]
        assert desk.rows("select count(*) from grants") == [(1,)]
        assert desk.rows("select count(*) from ledger where state = 'reserved'") == [(0,)]
        names = desk.rows("select name from journal where name like 'm%' and name != 'messages'")
        assert len(names) == len(set(names)) == before + 1
        assert_discreet(desk)
