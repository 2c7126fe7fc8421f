"""The promise about money as a machine that hypothesis drives: whatever happens, in whatever order, on a real database.

Runs of several conversations make calls side by side; calls come back, fail, or are lost with their process; some that
were given up for lost come back after all. Limits of every scope are set, lowered, removed and granted beyond; the
clock goes on, over the ends of days and months, and jumps back. A second book is kept here. After every step the
database must agree with it to the millionth of a dollar, must have granted exactly what fits, and must hold no more
under any limit than the limit, or than it held before the limit was lowered. In the end no reservation is left, and all
that was spent is what calls really cost, or their worst case where nobody ever came back to tell.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.agent.profile import Profile
from bot.desk.budgets import limits_of
from bot.domain.budget import EVERY, Account, BudgetChange, Claim, Grant, Limit, Period, Scope
from bot.domain.conversation import Conversation, Standing, Surface, ThreadKey
from bot.domain.errors import BudgetExceededError
from bot.domain.exchange import Usage
from bot.domain.money import MICRO, to_micro
from bot.model.pricing import PriceTable, load_prices
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.store import SqlStore

TEAM = "T1"
LOST_SECONDS = 1800.0
MODELS = ("claude-sonnet-5-5", "claude-haiku-5-5")
_RUNS = {f"R{n}": (f"C{n % 2}", f"U{n % 3}", f"{TEAM}:C{n % 2}:{n % 4}.0") for n in range(8)}
"""Run → channel, user, conversation."""
_SUBJECTS = {
    Scope.RUN: ("R0", "R5"),
    Scope.CONVERSATION: (EVERY, f"{TEAM}:C0:0.0", f"{TEAM}:C1:1.0"),
    Scope.USER: (EVERY, "U0", "U1"),
    Scope.CHANNEL: (EVERY, "C0", "C1"),
    Scope.WORKSPACE: (TEAM,),
}
_ZONES = ("UTC", "Europe/Berlin", "America/Havana", "Asia/Kolkata", "Pacific/Apia")
_BEGINNINGS = (1_792_886_400.0, 1_793_505_600.0, 1_772_600_000.0)
"""Around changes of clocks, and the end of a month."""
_PROFILE = Profile(
    name="support", prompt="", tools=(), max_cost_per_conversation=Decimal("0.90"), max_cost_per_step=Decimal("0.30"),
    max_cost_per_run=Decimal("0.70"),
)  # fmt: skip
Key = tuple[Scope, str, Period]
Held = tuple[Scope, str, Period, float]
"""A subject of a scope, and a period by its beginning."""
T = TypeVar("T")


@dataclass
class Entry:
    """A reservation and what became of it, by our own book."""

    id: str
    account: Account
    name: str
    model: str
    at: float
    charged: int
    state: str
    keys: tuple[Held, ...]
    """What it counts against."""
    cost: int = 0
    """What the call really costs, known only to whoever comes back."""
    is_known: bool = False
    """Whether anybody has come back to tell."""

    def subject(self, scope: Scope) -> str:
        return self.account.subject(scope)


@dataclass
class World:
    """A database that many trials use one after another."""

    runner: asyncio.Runner
    store: SqlStore
    eye: sqlite3.Connection
    """Reads what is committed, past all of our code."""
    prices: PriceTable = field(default_factory=load_prices)
    counts: Counter[str] = field(default_factory=Counter)
    steps: int = 0

    def do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)


@contextmanager
def ledger_world(folder: Path) -> Iterator[World]:
    """In a folder; on a disk in memory, if there is one, it goes faster."""
    engine = create_engine(f"sqlite:///{folder}/ledger.db")
    with asyncio.Runner() as runner:
        runner.run(migrate(engine))
        with closing(sqlite3.connect(f"{folder}/ledger.db", isolation_level=None)) as eye:
            yield World(runner, SqlStore(engine, lambda connection, inbox_id, partition: None, lambda: 0.0), eye)
        runner.run(engine.dispose())


def ledger_machine(world: World) -> type[RuleBasedStateMachine]:
    """The machine, on this world."""

    class Machine(LedgerMachine):
        def __init__(self) -> None:
            super().__init__(world)

    return Machine


class LedgerMachine(RuleBasedStateMachine):
    """See the module."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.entries: list[Entry] = []
        self.limits: dict[Key, Decimal] = {}
        self.grants: list[Grant] = []
        self.now = _BEGINNINGS[0]
        self.zone = ZoneInfo("UTC")
        self.held: Counter[Held] = Counter()
        world.do(self._clear())

    @initialize(zone=st.sampled_from(_ZONES), now=st.sampled_from(_BEGINNINGS))
    def begin(self, zone: str, now: float) -> None:
        self.zone, self.now = ZoneInfo(zone), now

    @rule(
        run=st.sampled_from(sorted(_RUNS)), step=st.integers(1, 3), model=st.sampled_from(MODELS),
        prompt=st.sampled_from((800, 20_000, 99_999, 100_001, 140_000)), output=st.sampled_from((200, 2048, 8000)),
        share=st.fractions(0, 1), kinds=st.integers(0, 4),
    )  # fmt: skip
    def reserve(self, run: str, step: int, model: str, prompt: int, output: int, share: Fraction, kinds: int) -> None:
        """A call is about to be made; a crash may have left one of the same name."""
        prices = self.world.prices
        worst = prices.worst_case(model, prompt_tokens=prompt, max_tokens=output)
        cost = prices.cost(model, _usage(prompt, output, share, kinds))
        assert cost <= worst
        account = _account(run)
        fits = all(self._fits(limit, account, worst) for limit in self._limits(account))
        given = self.world.do(self._reserve(account, f"m{step}", model, worst))
        self._count("granted" if given else "refused")
        assert (given is not None) == fits, f"{worst} {'fits' if fits else 'does not fit'}"
        if given is not None:
            self._assume(lambda entry: (entry.account.run_id, entry.name) == (run, f"m{step}"))
            about = self._keys(account)
            entry = Entry(
                given, account, f"m{step}", model, self.now, to_micro(worst), "reserved", about, to_micro(cost)
            )
            self.entries.append(entry)

    @rule(runs=st.lists(st.sampled_from(sorted(_RUNS)), min_size=2, max_size=6), prompt=st.sampled_from((800, 20_000)))
    def several_at_once(self, runs: list[str], prompt: int) -> None:
        """Calls of several runs, side by side."""
        for number, run in enumerate(runs):
            self.reserve(run, number % 3 + 1, MODELS[0], prompt, 2048, Fraction(number, 7), number % 5)

    @rule(index=st.integers(0, 400), what=st.sampled_from(("settle", "settle", "settle", "release", "worst")))
    def comes_back(self, index: int, what: str) -> None:
        """Whoever made a call tells what it cost; also one that everybody else had given up for lost."""
        waiting = [entry for entry in self.entries if not entry.is_known]
        if not waiting:
            return
        entry = waiting[index % len(waiting)]
        self._count(what if entry.state == "reserved" else f"late {what}")
        self.world.do(self._tell(entry, what))
        entry.is_known = True
        if what == "release":
            entry.state, entry.charged, entry.cost = "released", 0, 0
        elif what == "settle":
            entry.state, entry.charged = "settled", entry.cost
        else:
            entry.state, entry.cost = "settled", entry.charged

    @rule(
        what=st.sampled_from(("later", "later", "earlier", "end", "sweep")),
        run=st.sampled_from(sorted(_RUNS)),
        seconds=st.sampled_from((1.0, 60.0, 1800.0, 7200.0, 86_400.0, 7 * 86_400.0)),
    )
    def something_happens(self, what: str, run: str, seconds: float) -> None:
        """Time passes, the clock jumps back, a run ends, somebody looks for what was lost."""
        self._count(what)
        if what == "end":
            self._run_ends(run)
        elif what == "sweep":
            self._sweep_up()
        else:
            self.now += seconds if what == "later" else -min(seconds, 90_000.0)

    def _run_ends(self, run: str) -> None:
        """What a crash left reserved is charged."""
        self.world.do(self._charge_left(run))
        self._assume(lambda entry: entry.account.run_id == run)

    def _sweep_up(self) -> None:
        """What nobody came back for."""
        self.world.do(self._charge_left())
        self._assume(lambda entry: entry.at < self.now - LOST_SECONDS)

    @rule(
        scope=st.sampled_from(sorted(_SUBJECTS)), which=st.integers(0, 2), period=st.sampled_from(list(Period)),
        cents=st.one_of(st.none(), st.integers(1, 150)),
    )  # fmt: skip
    def limit_set(self, scope: Scope, which: int, period: Period, cents: int | None) -> None:
        """Raised, lowered below what is spent, or removed; what was granted beyond it is gone."""
        subject = _SUBJECTS[scope][which % len(_SUBJECTS[scope])]
        usd = None if cents is None else Decimal(cents) / 100
        change = BudgetChange(scope, subject, period, usd, "U9", self.now)
        self.world.do(self._set(change))
        self._count("limit set")
        if usd is None:
            self.limits.pop((scope, subject, period), None)
        else:
            self.limits[scope, subject, period] = usd
        self.grants = [
            grant for grant in self.grants
            if (grant.scope, grant.period) != (scope, period) or subject not in (EVERY, grant.subject)
        ]  # fmt: skip

    @rule(indexes=st.lists(st.integers(0, 400), min_size=2, max_size=8))
    def several_come_back(self, indexes: list[int]) -> None:
        """In whatever order."""
        for index in indexes:
            self.comes_back(index, "settle")

    @rule(run=st.sampled_from(sorted(_RUNS)), which=st.integers(0, 5), cents=st.sampled_from((50, 200)))
    def granted(self, run: str, which: int, cents: int) -> None:
        """Somebody allows more than one of the limits of a run."""
        raisable = [limit for limit in self._limits(_account(run)) if limit.scope is not Scope.STEP]
        limit = raisable[which % len(raisable)]
        grant = Grant(limit.scope, limit.subject, limit.period, Decimal(cents) / 100, "U9", self.now)
        self.world.do(self._grant(grant))
        self.grants.append(grant)
        self._count("granted more")

    @invariant()
    def nothing_rises_above_a_limit(self) -> None:
        """For every limit and every period of it; one that was lowered takes nothing back."""
        self.world.steps += 1
        held = self._held()
        for (scope, subject, period, start), charged in held.items():
            for limit in self._limits_on(scope, subject, period):
                allowed = to_micro(limit.usd + self._more(limit, start))
                before = self.held.get((scope, subject, period, start), 0)
                assert charged <= max(allowed, before), (limit, charged, before)
        self.held = held

    @invariant()
    def the_books_agree(self) -> None:
        """Ours and the database's, row by row."""
        told = self._rows()
        assert told == {entry.id: (entry.state, entry.charged) for entry in self.entries}

    def teardown(self) -> None:
        """No money is stuck: after a while everything reserved is spent or given back."""
        self.now = max([self.now, *(entry.at for entry in self.entries)]) + LOST_SECONDS + 1
        self._sweep_up()
        told = self._rows()
        assert all(state != "reserved" for state, _ in told.values())
        truth = {entry.id: entry.cost if entry.is_known else entry.charged for entry in self.entries}
        assert {row: charged for row, (_, charged) in told.items()} == truth

    def _fits(self, limit: Limit, account: Account, wanted: Decimal) -> bool:
        used = 0
        if limit.scope is not Scope.STEP:
            start = limit.period.start(self.now, self.zone)
            used = sum(e.charged for e in self.entries if e.at >= start and e.subject(limit.scope) == limit.subject)
        return used + to_micro(wanted) <= int((limit.usd * MICRO).to_integral_value(rounding=ROUND_DOWN))

    def _limits(self, account: Account) -> list[Limit]:
        """What must hold for a call now, by our own book."""
        limits = [Limit(Scope.STEP, account.run_id, _PROFILE.max_cost_per_step), *self._set_limits(account)]
        return [
            replace(limit, usd=limit.usd + self._more(limit, limit.period.start(self.now, self.zone)))
            for limit in limits
        ]

    def _set_limits(self, account: Account) -> list[Limit]:
        """As they are set, the profile's among them."""
        scopes = (Scope.RUN, *_SUBJECTS)
        return [x for s in dict.fromkeys(scopes) for p in Period for x in self._limits_on(s, account.subject(s), p)]

    def _limits_on(self, scope: Scope, subject: str, period: Period) -> list[Limit]:
        found = []
        usd = self.limits.get((scope, subject, period), self.limits.get((scope, EVERY, period)))
        if usd is not None:
            found.append(Limit(scope, subject, usd, period))
        if period is Period.TOTAL and scope is Scope.RUN and _PROFILE.max_cost_per_run is not None:
            found.append(Limit(scope, subject, _PROFILE.max_cost_per_run))
        if period is Period.TOTAL and scope is Scope.CONVERSATION and usd is None:
            found.append(Limit(scope, subject, _PROFILE.max_cost_per_conversation))
        return found

    def _more(self, limit: Limit, start: float) -> Decimal:
        """What was granted beyond a limit since a period began."""
        same = (limit.scope, limit.subject, limit.period)
        given = (g.usd for g in self.grants if (g.scope, g.subject, g.period) == same and g.at >= start)
        return sum(given, Decimal(0))

    def _held(self) -> Counter[Held]:
        """Spent or reserved, by everything a limit could be about."""
        held: Counter[Held] = Counter()
        for entry in self.entries:
            for key in entry.keys:
                held[key] += entry.charged
        return held

    def _keys(self, account: Account) -> tuple[Held, ...]:
        """Everything a limit on a call made now could be about."""
        starts = {period: period.start(self.now, self.zone) for period in Period}
        return tuple((scope, account.subject(scope), p, start) for scope in _SUBJECTS for p, start in starts.items())

    def _assume(self, which: Callable[[Entry], bool]) -> None:
        for entry in self.entries:
            if entry.state == "reserved" and which(entry):
                entry.state = "assumed"

    def _count(self, what: str) -> None:
        self.world.counts[what] += 1

    async def _clear(self) -> None:
        async with self.world.store.write() as tx:
            for table in ("ledger", "limits", "limit_changes", "grants"):
                await tx.connection.execute(sa.text(f"delete from {table}"))  # noqa: S608 - names from here

    async def _reserve(self, account: Account, name: str, model: str, worst: Decimal) -> str | None:
        """As `bot.agent.calls` does it."""
        key = ThreadKey.parse(account.conversation_id)
        talk = Conversation(key, Surface.CHANNEL, Standing.BOT, None, 0, "support", "", account.user_id, 0.0)
        try:
            async with self.world.store.write() as tx:
                await tx.ledger.hold(TEAM)
                limits = await limits_of(tx.ledger, talk, _PROFILE, account, self.now, self.zone)
                claim = Claim(account, name, model, worst, 1000, limits, zone=self.zone)
                return await tx.ledger.reserve(claim, at=self.now)
        except BudgetExceededError:
            return None

    async def _tell(self, entry: Entry, what: str) -> None:
        async with self.world.store.write() as tx:
            if what == "settle":
                cost = Decimal(entry.cost) / MICRO
                await tx.ledger.settle(entry.id, usd=cost, usage=Usage(input=1), model=entry.model)
            elif what == "release":
                await tx.ledger.release(entry.id)
            else:
                await tx.ledger.charge_worst(entry.id)

    async def _charge_left(self, run: str = "") -> None:
        async with self.world.store.write() as tx:
            if run:
                await tx.ledger.charge_left_behind(run)
            else:
                await tx.ledger.charge_lost(before=self.now - LOST_SECONDS)

    async def _set(self, change: BudgetChange) -> None:
        async with self.world.store.write() as tx:
            await tx.ledger.set_limit(change, team_id=TEAM)

    async def _grant(self, grant: Grant) -> None:
        async with self.world.store.write() as tx:
            await tx.ledger.grant(grant, team_id=TEAM)

    def _rows(self) -> dict[str, tuple[str, int]]:
        return {row[0]: row[1:] for row in self.world.eye.execute("select id, state, charged from ledger")}


def _account(run: str) -> Account:
    channel, user, conversation = _RUNS[run]
    return Account(TEAM, channel, user, conversation, run)


def _usage(prompt: int, output: int, share: Fraction, kind: int) -> Usage:
    """Tokens of a call within its bounds: some of the prompt of one kind, the rest plain input."""
    some = int(prompt * share)
    written = int(output * share)
    match kind:
        case 0:
            return Usage(input=prompt - some, cache_read=some, output=written)
        case 1:
            return Usage(input=prompt - some, cache_write_5m=some, output=written)
        case 2:
            return Usage(input=prompt - some, cache_write_1h=some, output=written)
        case 3:
            return Usage(cache_write_1h=some, cache_read=prompt - some, output=output)
        case _:
            return Usage(input=some, output=output)
