"""The summary for people, when a run stops more than once: for money, and after somebody allowed more."""

from pathlib import Path

from bot.agent.summing_up import Summarist
from bot.agent.toolbox import Evidence
from tests.fakes.agents import bench
from tests.fakes.models import ScriptedModel

FOUND = (Evidence("search_knowledge_base", "{}", "Guests are free."),)


async def test_a_run_that_went_on_is_summed_up_anew_and_one_that_was_repeated_is_not(tmp_path: Path) -> None:
    async with bench(tmp_path, ScriptedModel(summary="Nothing found yet.")) as b:
        summarist, purse = Summarist(b.calls, "first"), b.job.purse
        assert await summarist.sum_up("What do guests cost?", (), purse) == "Nothing found yet."
        b.model.summary = "Guests are free."
        assert await summarist.sum_up("What do guests cost?", (), purse) == "Nothing found yet."
        assert await summarist.sum_up("What do guests cost?", FOUND, purse) == "Guests are free."
        assert len(b.model.asked) == 2
