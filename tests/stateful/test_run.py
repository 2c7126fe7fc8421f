"""Runs and their journal: begun once, each step written once, ended once, overtaken by a change of hands."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from bot.domain.answer import Outcome
from bot.domain.conversation import Standing
from bot.domain.errors import FencedError
from bot.ports.store import Run
from tests.contract.store_kit import NOW, THREAD, conversation
from tests.stateful.kit import WALKS, StoreMachine

STEPS = st.sampled_from(["m1", "t:1:a", "m2", "judge"])
OUTCOMES = st.sampled_from(Outcome)


class RunMachine(StoreMachine):
    """Two executions of the same turns, of which neither knows the other."""

    @initialize()
    def opened(self) -> None:
        self.epoch = 1
        self.runs: list[str] = []
        self.begun_under: dict[str, int] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.journal: dict[tuple[str, str], str] = {}
        self.asked_to_stop: set[str] = set()
        self.write(lambda tx: tx.conversations.open(conversation()))

    @precondition(lambda self: all(run in self.outcomes for run in self.runs))
    @rule()
    def begun(self) -> None:
        run_id = f"run-{len(self.runs)}"
        assert self.write(lambda tx: tx.runs.begin(self._run(run_id)))
        self.runs.append(run_id)
        self.begun_under[run_id] = self.epoch

    @precondition(lambda self: self.runs)
    @rule()
    def begun_again(self) -> None:
        assert not self.write(lambda tx: tx.runs.begin(self._run(self.runs[-1])))

    @precondition(lambda self: self.runs)
    @rule(step=STEPS, output=st.sampled_from(["one", "two"]))
    def recorded(self, step: str, output: str) -> None:
        """The second execution to finish a step is fenced off, and what the first wrote stays."""
        run_id = self.runs[-1]
        if (run_id, step) in self.journal:
            with pytest.raises(FencedError):
                self.write(lambda tx: tx.runs.record(run_id, step, output))
        else:
            self.write(lambda tx: tx.runs.record(run_id, step, output))
            self.journal[run_id, step] = output

    @precondition(lambda self: self.runs)
    @rule(outcome=OUTCOMES)
    def finished(self, outcome: Outcome) -> None:
        run_id = self.runs[-1]
        first = self.write(lambda tx: tx.runs.finish(run_id, outcome))
        assert first == (run_id not in self.outcomes)
        self.outcomes.setdefault(run_id, outcome)

    @rule()
    def asked_to_end(self) -> None:
        unfinished = [run for run in self.runs if run not in self.outcomes]
        assert self.write(lambda tx: tx.runs.request_stop(THREAD.id)) == bool(unfinished)
        self.asked_to_stop |= set(unfinished)

    @rule()
    def taken_over(self) -> None:
        self.epoch += 1
        self.write(lambda tx: tx.conversations.set_owner(THREAD.id, Standing.HUMAN, "U9"))

    @invariant()
    def is_as_it_should_be(self) -> None:
        unfinished = self.read(lambda tx: tx.runs.unfinished(THREAD.id))
        open_runs = [run for run in self.runs if run not in self.outcomes]
        assert (unfinished.id if unfinished else None) == (open_runs[-1] if open_runs else None)
        overtaken = {run for run in self.runs if self.begun_under[run] != self.epoch or run in self.asked_to_stop}
        assert self.read(lambda tx: tx.runs.overtaken(self.runs)) == overtaken
        for (run_id, step), output in self.journal.items():
            assert self.read(lambda tx, r=run_id, s=step: tx.runs.recall(r, s)) == output  # type: ignore[misc]  # bound now

    def _run(self, run_id: str) -> Run:
        return Run(run_id, THREAD.id, (f"i-{run_id}",), "U1", self.epoch, None, NOW + len(self.runs))


RunMachine.TestCase.settings = WALKS
TestRun = RunMachine.TestCase
