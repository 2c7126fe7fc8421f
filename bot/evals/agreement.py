"""How far the judge agrees with people: answers that people have labelled, judged again, and the two compared."""

import asyncio
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.domain.intervals import kappa, wilson
from bot.domain.money import show_usd
from bot.evals.judge import Exchange, Judge
from bot.evals.loading import SETS, CasesError

LABELLED = SETS / "judge"
_SHOWN = 20


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    who: Literal["customer", "bot", "colleague"]
    text: str


class LabelledAnswer(BaseModel):
    """One conversation, one criterion, and what a person decided."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    criterion: str
    deeds: str = ""
    said: Annotated[tuple[_Message, ...], Field(min_length=1)]
    passed: bool
    because: str = ""
    """Why the person decided so."""

    @property
    def exchange(self) -> Exchange:
        return Exchange(tuple((message.who, message.text) for message in self.said), self.deeds)


@dataclass(frozen=True, slots=True)
class Agreement:
    """The judge against people; counts of answers."""

    both_pass: int
    only_people: int
    """People let it pass, the judge did not."""
    only_judge: int
    both_fail: int
    unanswered: int
    disputes: tuple[str, ...]
    """One line for each answer they disagree on."""

    @property
    def total(self) -> int:
        return self.both_pass + self.only_people + self.only_judge + self.both_fail

    @property
    def share(self) -> float:
        """Of answers on which they agree."""
        return (self.both_pass + self.both_fail) / self.total if self.total else 0.0

    @property
    def kappa(self) -> float:
        """Agreement beyond chance (Cohen)."""
        return kappa(self.both_pass, self.only_people, self.only_judge, self.both_fail)


def labelled(path: Path = LABELLED) -> list[LabelledAnswer]:
    """The answers that people have labelled, of a file or of all in a folder; CasesError when one is wrong."""
    if path.is_dir():
        return [answer for file in sorted(path.glob("*.toml")) for answer in labelled(file)]
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        return [LabelledAnswer.model_validate(one) for one in raw.get("answer", ())]
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise CasesError([f"{path.name}: {error}"]) from error
    except ValidationError as error:
        raise CasesError([f"{path.name}: {e['loc']}: {e['msg']}" for e in error.errors()]) from error


async def measure_agreement(
    judge: Judge,
    answers: Sequence[LabelledAnswer],
    *,
    limit: Decimal,
    at_once: int = 8,
    told: Callable[[int, int], None] = lambda done, of: None,  # noqa: ARG005 - nobody wants to know
) -> Agreement:
    """Judge every answer, some side by side; what would cost more than `limit` USD is left unanswered."""
    free = asyncio.Semaphore(at_once)
    rulings: dict[str, bool | None] = {}

    async def one(answer: LabelledAnswer) -> None:
        async with free:
            rulings[answer.id] = None
            if judge.cost < limit:
                rulings[answer.id] = (await judge.rule(answer.criterion, answer.exchange)).passed
            told(len(rulings), len(answers))

    async with asyncio.TaskGroup() as group:
        for answer in answers:
            group.create_task(one(answer), name=f"judge {answer.id}")
    return _agreement(answers, rulings)


def describe(found: Agreement, judge: Judge) -> Iterator[str]:
    """The result for a person at a terminal."""
    interval = wilson(found.both_pass + found.both_fail, found.total)
    yield (
        f"{judge.name} agrees with people on {found.both_pass + found.both_fail} of {found.total} answers: "
        f"{found.share:.0%} (95 %: {interval.low:.0%} to {interval.high:.0%}), Cohen's kappa {found.kappa:.2f}"
    )
    yield f"  passes what people fail: {found.only_judge}; fails what people pass: {found.only_people}"
    if found.unanswered:
        yield f"  not answered: {found.unanswered}"
    yield from (f"  {line}" for line in found.disputes[:_SHOWN])
    yield f"It cost {show_usd(judge.cost)}."


def _agreement(answers: Sequence[LabelledAnswer], rulings: dict[str, bool | None]) -> Agreement:
    counts = {(people, judge): 0 for people in (True, False) for judge in (True, False, None)}
    disputes = []
    for answer in answers:
        ruling = rulings.get(answer.id)
        counts[answer.passed, ruling] += 1
        if ruling is not None and ruling is not answer.passed:
            sides = "people pass it" if answer.passed else "people fail it"
            disputes.append(f"{answer.id}: {sides} ({answer.because or answer.criterion})")
    return Agreement(
        counts[True, True], counts[True, False], counts[False, True], counts[False, False],
        counts[True, None] + counts[False, None], tuple(disputes),
    )  # fmt: skip
