"""An agent on a real SQLite file, a scripted model and small tools: what loop, calls and judge are tried with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from bot.agent.calls import LimitSource, ModelCalls, Purse
from bot.agent.loop import Agent, Assignment
from bot.agent.toolbox import Toolbox
from bot.domain.budget import Account, Limit, Scope
from bot.domain.conversation import Conversation, Standing, Surface, ThreadKey
from bot.domain.exchange import SearchResult, Text, UserMessage
from bot.domain.principal import Principal, Role
from bot.ports.ledger import Ledger
from bot.ports.store import Run
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from tests.fakes.models import FlatPrices, ScriptedModel
from tools.base import Arguments, Tool, ToolContext, ToolError, ToolOutput

THREAD = ThreadKey("T1", "C1", "1763700000.000100")
ANA = Principal("T1", "U0ANA", Role.CUSTOMER, "Ana Ruiz", "ana@cobalt-studio.example")


class Query(Arguments):
    """What to look for."""

    query: str


async def _search(arguments: Query, context: ToolContext) -> ToolOutput:
    return ToolOutput((SearchResult("kb://invite", "Invite a guest", (f"About {arguments.query}.",)),))


async def _fail(arguments: Query, context: ToolContext) -> ToolOutput:
    raise ToolError("Nothing fits. Try other words.")


async def _crash(arguments: Query, context: ToolContext) -> ToolOutput:
    raise RuntimeError("secret detail")


SEARCH = Tool("search_knowledge_base", "Search.", Query, _search, "Searching")
FAILING = Tool("failing", "Fails.", Query, _fail, "Failing")
CRASHING = Tool("crashing", "Crashes.", Query, _crash, "Crashing")


@dataclass
class Bench:
    """Everything a run needs, and what it left behind."""

    store: SqlStore
    model: ScriptedModel
    agent: Agent
    calls: ModelCalls
    job: Assignment
    slept: list[float]
    seen: list[tuple[int, str]]

    def with_limits(self, *limits: Limit, tokens: int = 10_000_000, kept: str = "0") -> Assignment:
        purse = replace(self.job.purse, limits=always(*limits), token_limit=tokens, kept_usd=Decimal(kept))
        return replace(self.job, purse=purse)


def always(*limits: Limit) -> LimitSource:
    async def source(ledger: Ledger, at: float) -> tuple[Limit, ...]:
        return limits

    return source


def limit(usd: str, scope: Scope = Scope.CONVERSATION) -> Limit:
    return Limit(scope, THREAD.id if scope is Scope.CONVERSATION else "run-1", Decimal(usd))


@asynccontextmanager
async def bench(
    folder: Path,
    model: ScriptedModel,
) -> AsyncIterator[Bench]:
    """Open a store in `folder` with one conversation and one run, ready to be worked on."""

    def clock() -> float:
        return 1000.0

    engine = create_engine(f"sqlite:///{folder / 'agent.db'}")
    await migrate(engine)
    store = SqlStore(engine, lambda connection, inbox_id, partition: None, clock)
    async with store.write() as tx:
        await tx.conversations.open(
            Conversation(THREAD, Surface.CHANNEL, Standing.BOT, None, 0, "support", "", "U0ANA", 1000.0)
        )
        await tx.runs.begin(Run("run-1", THREAD.id, ("i1",), "U0ANA", 0, None, 1000.0))
    slept: list[float] = []
    seen: list[tuple[int, str]] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def still_ours(step: str) -> bool:
        return True

    calls = ModelCalls(model, FlatPrices(), store, clock, sleep=sleep)
    toolbox = Toolbox((SEARCH, FAILING, CRASHING), store, clock)
    job = Assignment(
        system="You help.",
        messages=(UserMessage((Text("How do I invite a guest?"),)),),
        specs=toolbox.specs,
        toolbox=toolbox,
        context=ToolContext(ANA, THREAD.id, "run-1", "", 0),
        purse=Purse(Account("T1", "C1", "U0ANA", THREAD.id, "run-1"), always(limit("100")), 10_000_000),
        models=("first", "second"),
        effort="low",
        max_steps=25,
        max_tokens=1000,
        user_ref="hash",
        still_ours=still_ours,
        progress=lambda step, words: seen.append((step, words)),
    )
    try:
        yield Bench(store, model, Agent(calls), calls, job, slept, seen)
    finally:
        await engine.dispose()
