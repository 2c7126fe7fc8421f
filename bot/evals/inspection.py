"""Inspect around our cases: it runs them side by side and in epochs, reduces their scores, and writes its logs.

The whole bot is the solver, so Inspect needs no model of its own; `inspect view` shows what was said and why a case
failed. It is imported here alone and only when something is played: it takes over a second, and is an extra.
"""

import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.config import SettingsError

if TYPE_CHECKING:
    from inspect_ai import Task
    from inspect_ai.scorer import Scorer
    from inspect_ai.solver import Solver, TaskState

    from bot.evals.cases import Case
    from bot.evals.playing import Observed
    from bot.evals.scoring import Score

Play = Callable[["Case", int], Awaitable["Observed | None"]]
"""Plays a case in an epoch; None: it was left out."""
Grade = Callable[["Observed"], Awaitable["Score"]]

_NOISY = ("inspect_ai", "asyncio", "httpx")


@dataclass(frozen=True, slots=True)
class Batch:
    """Cases that are played side by side."""

    name: str
    cases: "Sequence[Case]"
    play: Play
    grade: Grade
    at_once: int


def check_installed() -> None:
    """SettingsError, with the remedy, when the extra is missing."""
    try:
        import inspect_ai  # noqa: F401, PLC0415 - only asked whether it is there
    except ImportError:
        line = "deskhand eval needs the extra `eval` (Inspect): pip install 'deskhand[eval]'"
        raise SettingsError([line]) from None


async def inspect_batch(batch: Batch, *, epochs: int, folder: Path) -> str:
    """Play one batch; the path of Inspect's log. Nothing is printed, no server is opened, no model is asked."""
    from inspect_ai import Epochs, eval_async  # noqa: PLC0415 - takes over a second, see above
    from inspect_ai.util import display_type  # noqa: PLC0415 - likewise

    os.environ["INSPECT_DISPLAY"] = "none"
    display_type()  # reads the variable, which is the only way to tell it before its first evaluation

    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    task = _task(batch, Epochs(epochs, [f"pass_k_{epochs}", f"pass_at_{epochs}"] if epochs > 1 else ["mean"]))
    logs = await eval_async(
        task, model=None, log_dir=str(folder), log_level="warning", max_samples=batch.at_once, max_tasks=1,
        acp_server=False, ctl_server=False, fail_on_error=True, score_display=False, log_realtime=False,
    )  # fmt: skip
    if not logs or logs[0].status == "cancelled":  # Inspect takes Ctrl-C for an ordinary end
        raise KeyboardInterrupt
    log = logs[0]
    if log.error is not None:
        raise RuntimeError(f"{batch.name}: {log.error.message}")
    return log.location


def _task(batch: Batch, epochs: object) -> "Task":
    from inspect_ai import Task  # noqa: PLC0415 - as above
    from inspect_ai.dataset import MemoryDataset, Sample  # noqa: PLC0415 - as above

    samples = [
        Sample(
            id=case.id,
            input="\n".join(turn.says or turn.presses for turn in case.turns) or " ",
            metadata={"family": case.family, "about": case.about, "needs": case.needs},
        )
        for case in batch.cases
    ]
    seen: dict[tuple[str, int], Observed | None] = {}
    return Task(
        dataset=MemoryDataset(samples, name=batch.name),
        solver=_solver(batch, seen),
        scorer=_scorer(batch, seen),
        epochs=epochs,  # type: ignore[arg-type]  # Inspect's own type, imported late
        name=batch.name,
    )


def _solver(batch: Batch, seen: "dict[tuple[str, int], Observed | None]") -> "Solver":
    from inspect_ai.model import ChatMessageAssistant, ChatMessageUser  # noqa: PLC0415 - as above
    from inspect_ai.solver import Generate, TaskState, solver  # noqa: PLC0415 - as above

    cases = {case.id: case for case in batch.cases}

    @solver(name="desk")
    def desk() -> "Solver":
        async def solve(state: TaskState, generate: Generate) -> TaskState:  # noqa: ARG001 - as Inspect has it
            observed = await batch.play(cases[str(state.sample_id)], state.epoch)
            seen[str(state.sample_id), state.epoch] = observed
            if observed is None:
                return state
            state.messages = [
                ChatMessageAssistant(content=said.text) if said.is_bot else ChatMessageUser(content=said.text or " ")
                for said in observed.transcript
            ]
            state.output.completion = observed.answers[-1].text if observed.answers else ""
            state.metadata["conversation"] = observed.conversation_id
            return state

        return solve

    return desk()


def _scorer(batch: Batch, seen: "dict[tuple[str, int], Observed | None]") -> "Scorer":
    from inspect_ai.scorer import Score as InspectScore  # noqa: PLC0415 - as above
    from inspect_ai.scorer import Target, accuracy, scorer, stderr  # noqa: PLC0415 - as above

    @scorer(metrics=[accuracy(), stderr()], name="checks")
    def checks() -> "Scorer":
        async def score(state: "TaskState", target: Target) -> InspectScore | None:  # noqa: ARG001 - as Inspect has it
            observed = seen.pop((str(state.sample_id), state.epoch), None)
            if observed is None:
                return None
            graded = await batch.grade(observed)
            told = {check.name: check.passed for check in graded.checks}
            answer = state.output.completion
            return InspectScore(value=int(graded.passed), answer=answer, explanation=graded.why, metadata=told)

        return score

    return checks()
