"""Plays sets of cases: sorts them into worlds, plays each world's cases side by side, scores what was seen.

Cases share one world unless their family has extras or they stand alone; a world's database stays in the evaluation's
folder, so that every conversation can be re-read step by step.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from bot.config import Settings
from bot.domain.money import ZERO
from bot.evals.cases import Case, Extras, Family
from bot.evals.inspection import Batch, inspect_batch
from bot.evals.judge import Exchange, Judge
from bot.evals.playing import Customer, Observed, play
from bot.evals.purse import Metered, Purse, Rates
from bot.evals.safety import Ground, safe
from bot.evals.scoring import Check, Kind, Score, expected, presence, tools_done
from bot.evals.simulated_model import customers
from bot.evals.stock import Stock, article_slugs
from bot.evals.world import Brain, World, open_world
from bot.ports.model import Model

AT_ONCE = 16
"""Cases played side by side in one world."""

Told = Callable[[int, int], None]
"""Told (cases played, cases there are)."""


@dataclass(frozen=True, slots=True)
class Played:
    """A case in an epoch: what was seen, and what it is worth."""

    seen: Observed
    score: Score
    database: Path
    """Of the world it was played in."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be played, and how."""

    families: Sequence[Family]
    brain: Brain
    folder: Path
    settings: Settings
    epochs: int = 1
    safety_only: bool = False
    """Whether only what must hold in every case counts (a hostile model is expected to answer nothing well)."""
    judge: Judge | None = None
    rates: Rates | None = None
    limit: Decimal | None = None
    """USD; None: no limit."""
    at_once: int = AT_ONCE
    player: Model | None = None
    """Plays simulated customers; None: they follow their lines."""
    told: Told = field(default=lambda done, of: None)  # noqa: ARG005 - nobody wants to know

    @property
    def cases(self) -> int:
        """How many are to be played, epochs counted."""
        return self.epochs * sum(len(family.case) for family in self.families)


@dataclass(frozen=True, slots=True)
class _Company:
    """Cases that share a world."""

    name: str
    extras: Extras
    cases: Sequence[Case]
    is_lonely: bool = False
    """Each of them in a world of its own, one after the other."""


class PlayBatch(Protocol):
    """Plays and grades every case of a batch in each epoch; the path of its log."""

    async def __call__(self, batch: Batch, *, epochs: int, folder: Path) -> str: ...


class Runner:
    """Does one job."""

    def __init__(self, job: Job, play_batch: PlayBatch = inspect_batch) -> None:
        """`play_batch`: plays the cases of one world; Inspect does, unless a test has no time for it."""
        self._job = job
        self._play_batch = play_batch
        self.played: list[Played] = []
        """In the order in which it ended."""
        self.purse = Purse(job.limit)
        self.logs: list[str] = []
        """Paths of Inspect's logs."""
        self._customer = self._casting()

    async def run(self) -> list[Played]:
        """Everything that was played, in the order in which it ended."""
        job = self._job
        stock = await Stock.open(job.folder, job.settings)
        for company in _companies(job.families):
            await self._play(company, stock)
        (job.folder / "articles.db").unlink(missing_ok=True)
        return self.played

    async def _play(self, company: _Company, stock: Stock) -> None:
        stage = _Stage(self._job, company, stock)
        async with stage.open():
            batch = Batch(company.name, company.cases, self._player(stage), self._grader(stage), stage.at_once)
            log = await self._play_batch(batch, epochs=self._job.epochs, folder=self._job.folder / "logs")
            self.logs.append(log)

    def _player(self, stage: "_Stage") -> Callable[[Case, int], Awaitable[Observed | None]]:
        async def play_one(case: Case, epoch: int) -> Observed | None:
            likely = self._job.rates.of(case) if self._job.rates else ZERO
            if not self.purse.begin(case, epoch, likely):
                return None
            async with stage.world_of(case, epoch) as world:
                seen = await play(case, world, self._customer(case), epoch=epoch)
            self.purse.end(case, epoch, seen.left.cost)
            return seen

        return play_one

    def _grader(self, stage: "_Stage") -> Callable[[Observed], Awaitable[Score]]:
        async def grade(seen: Observed) -> Score:
            checks = [*presence(seen), *safe(seen, stage.ground)]
            if not self._only_safety(seen.case):
                checks = [*expected(seen), *checks, *await self._judged(seen)]
            score = Score(tuple(checks))
            self.played.append(Played(seen, score, stage.database_of(seen.case, seen.epoch)))
            self._job.told(len(self.played), self._job.cases)
            return score

        return grade

    def _casting(self) -> Callable[[Case], Customer]:
        """Who plays the customers."""
        player, rates = self._job.player, self._job.rates
        if player is None or rates is None:
            return customers(None, "")
        return customers(Metered(player, rates.prices, self.purse.pay), rates.helper)

    def _only_safety(self, case: Case) -> bool:
        return self._job.safety_only or (case.needs == "model" and not self._job.brain.is_real)

    async def _judged(self, seen: Observed) -> list[Check]:
        """One check a criterion; what the judge could not be asked is not met."""
        judge, checks = self._job.judge, []
        if judge is None:
            return []
        for criterion in seen.case.expect.judge:
            ruling = await judge.rule(criterion, exchange_of(seen))
            self.purse.pay(ruling.cost)
            told = f"The judge: {ruling.reason} ({criterion})"
            checks.append(Check(f"judge: {criterion}", ruling.passed is True, told, Kind.JUDGED))
        return checks


class _Stage:
    """Where a company of cases is played: in one world side by side, or each in its own, one after the other."""

    def __init__(self, job: Job, company: _Company, stock: Stock) -> None:
        self._job, self._company, self._stock = job, company, stock
        self._shared: World | None = None
        self._free = asyncio.Lock()
        self._slugs = article_slugs(company.extras)
        self.ground = Ground.of(company.extras)
        self.at_once = 1 if company.is_lonely else job.at_once

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """The shared world, if there is one, until the block ends."""
        if self._company.is_lonely:
            yield
            return
        async with self._world(self._company.name) as self._shared:
            yield

    @asynccontextmanager
    async def world_of(self, case: Case, epoch: int) -> AsyncIterator[World]:
        """The world for one case in one epoch."""
        if self._shared is not None:
            yield self._shared
            return
        async with self._free, self._world(f"{case.id}-{epoch}") as own:
            yield own

    def database_of(self, case: Case, epoch: int) -> Path:
        """Where that world's records are."""
        return self._path(f"{case.id}-{epoch}" if self._company.is_lonely else self._company.name)

    @asynccontextmanager
    async def _world(self, name: str) -> AsyncIterator[World]:
        database = self._path(name)
        await self._stock.make(database, self._company.extras)
        async with open_world(database, self._company.extras, self._job.brain, self._slugs) as world:
            yield world

    def _path(self, name: str) -> Path:
        return self._job.folder / "worlds" / f"{name}.db"


def exchange_of(seen: Observed) -> Exchange:
    """What the judge is shown of a case."""
    writer = seen.transcript[0].who if seen.transcript else ""
    told = [
        ("bot" if said.is_bot else "customer" if said.who == writer else "colleague", said.spoken or said.text)
        for said in seen.transcript
        if said.kind != "live"
    ]
    left = seen.left
    deeds = [f"tools that did their work: {', '.join(tools_done(seen)) or 'none'}"]
    deeds += [f"articles cited: {', '.join(seen.cited)}"] if seen.cited else []
    deeds += [f"ticket {ticket.number} opened: {_quoted(ticket.subject)}" for ticket in left.tickets]
    deeds += [f"{refund.amount} USD refunded" for refund in left.refunds]
    deeds += [f"put before people (team: {case.team or 'any'}): {_quoted(case.summary)}" for case in left.cases]
    return Exchange(tuple(told), "; ".join(deeds))


def _quoted(words: str) -> str:
    """What customers or the model chose, among what the desk tells: in quotes, which it cannot end."""
    return json.dumps(words, ensure_ascii=False)


def _companies(families: Sequence[Family]) -> Iterator[_Company]:
    """Who shares a world with whom."""
    plain = [family for family in families if family.extras.is_empty]
    together = [case for family in plain for case in family.case if not case.alone]
    if together:
        yield _Company("together", Extras(), together)
    for family in families:
        company = [case for case in family.case if not case.alone]
        if family not in plain and company:
            yield _Company(family.name, family.extras, company)
        lonely = [case for case in family.case if case.alone]
        if lonely:
            yield _Company(f"{family.name}-alone", family.extras, lonely, is_lonely=True)
