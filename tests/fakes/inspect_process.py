"""`python -m tests.fakes.inspect_process FOLDER`: Inspect plays three small cases; what its log holds, as JSON."""

import asyncio
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bot.evals.inspection import Batch, inspect_batch


async def play(case: Any, epoch: int) -> Any:
    """Seen as `bot.evals.playing` has it; importing that would take longer than all of this."""
    if case.id == "left-out":
        return None
    said = [SimpleNamespace(text="hello", is_bot=False), SimpleNamespace(text=f"answer {epoch}", is_bot=True)]
    return SimpleNamespace(case=case, epoch=epoch, conversation_id="T:C:1", transcript=said, answers=said[1:])


async def grade(seen: Any) -> Any:
    passed = bool(seen.epoch % 2) or seen.case.id == "even"
    return SimpleNamespace(passed=passed, why="" if passed else "It is even.", checks=[])


async def main(folder: Path) -> None:
    ids = ("even", "uneven", "left-out")
    turns = [SimpleNamespace(says="hello", presses="")]
    cases: Any = [SimpleNamespace(id=one, turns=turns, family="f", about="", needs="") for one in ids]
    location = await inspect_batch(Batch("small", cases, play, grade, 4), epochs=2, folder=folder)

    from inspect_ai.log import read_eval_log  # noqa: PLC0415 - as bot.evals.inspection has it

    log = await asyncio.to_thread(read_eval_log, location)
    samples = {
        f"{sample.id}-{sample.epoch}": {
            "why": sample.scores["checks"].explanation if sample.scores else None,
            "said": sample.output.completion,
            "roles": [message.role for message in sample.messages],
        }
        for sample in log.samples or ()
    }
    scores = log.results.scores if log.results else []
    shares = {score.reducer: score.metrics["accuracy"].value for score in scores}
    sys.stdout.write(json.dumps({"status": log.status, "shares": shares, "samples": samples}))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
