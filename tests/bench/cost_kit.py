"""Two ways to have the same conversation, and what each costs by the documented arithmetic of prices and caches.

Ours is the real desk work (`bot.desk.work`) with real tools on a real database and the real client, against the fake
Messages API, which bills as the vendor documents it: judge and summaries are counted. The plain loop sends the whole
history (tool calls and results included) with every call, uncached, with the same system prompt, tools, calls, results
and answers; it has no judge. Both are billed for the same output of the agent. For comparison the plain loop is billed
a second time as if it used the vendor's automatic cache of five minutes.
"""

import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.agent.calls import ModelCalls
from bot.agent.confidence import Judge
from bot.agent.loop import Agent
from bot.agent.profile import Profile, Profiles, load_profile
from bot.agent.recaps import Recaps
from bot.agent.review import Reviewer
from bot.agent.summing_up import Summarist
from bot.agent.toolbox import Toolbox
from bot.desk.attachments import Attachments
from bot.desk.own_budget import OwnBudget
from bot.desk.people import StaffRoom
from bot.desk.work import Crew, Models, Work
from bot.domain.answer import Outcome
from bot.domain.conversation import Conversation, Line, Speaker, Standing, Surface, ThreadKey
from bot.domain.exchange import Usage
from bot.domain.incoming import File, MessageReceived
from bot.domain.principal import Principal, Role
from bot.model.claude import ClaudeModel
from bot.model.pricing import load_prices
from bot.ports.store import Queued, Run
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from tests.bench.talks import Talk, Turn
from tests.fakes.messages_api import FakeMessagesApi, ManualClock, Move, Seen, structured, text, tools
from tests.fakes.messages_cache import PromptCache, count, count_output
from tests.fakes.messenger import FakeMessenger
from tools.backends import open_backends
from tools.base import ToolContext
from tools.catalogue import Backing, build_catalogue
from tools.escalation import EscalationRequest

Json = dict[str, Any]

MAIN, HELPER = "claude-sonnet-5-5", "claude-haiku-5-5"
SURE = {"grounded": True, "promises_kept": True, "confidence": 0.95, "reason": "All of it stands in the sources."}
WRITER = Principal("T1", "U0ANA", Role.CUSTOMER, "Ana Ruiz", "ana@cobalt-studio.example")
STEP_SECONDS = 4.0
"""From one model call to the next."""


@dataclass
class Bill:
    """What one conversation cost, turn by turn, in USD."""

    ours: list[Decimal] = field(default_factory=list)
    plain: list[Decimal] = field(default_factory=list)
    cached: Decimal = Decimal(0)
    """The plain loop with the automatic cache, all turns."""
    helper: Decimal = Decimal(0)
    """Of ours: judge and summaries."""

    @property
    def share(self) -> float:
        """Ours as a share of the plain loop."""
        return float(sum(self.ours) / sum(self.plain))


class _Files:
    async def download(self, file: File, *, limit: int) -> bytes:
        raise NotImplementedError


class _Nobody:
    async def escalate(self, request: EscalationRequest, context: ToolContext) -> str:
        return "A colleague has been asked."


class _Claude(FakeMessagesApi):
    """Says what the recording says, bills as documented, and remembers the agent's calls."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(brain=self._say, clock=clock)
        self.plan: deque[Move] = deque()
        self.recap = ""
        self.calls: list[Seen] = []
        self.helper = Decimal(0)

    def _say(self, seen: Seen) -> Move:
        self.clock.advance(STEP_SECONDS)
        if seen.body.get("tools"):
            self.calls.append(seen)
            return self.plan.popleft()
        return structured(SURE) if seen.wants_json else text(self.recap)

    def _charge(self, model: str, bill: Any, output: int) -> None:
        before = self.cost
        super()._charge(model, bill, output)
        self.helper += self.cost - before if model == HELPER else 0

    async def __aenter__(self) -> "_Claude":
        await super().__aenter__()
        return self


class PlainLoop:
    """The whole history with every call; bills itself from what ours asked last."""

    def __init__(self) -> None:
        self.cached = Decimal(0)
        self._history: list[Json] = []
        self._cache = PromptCache()
        self._prices = load_prices()

    def turn(self, last: Json, answered: str, at: float) -> Decimal:
        """USD of the same calls uncached. `last`: body of the turn's last call, which holds all its tool traffic."""
        began = max(i for i, message in enumerate(last["messages"]) if "<context>" in json.dumps(message["content"]))
        fresh = _unmarked(last["messages"][began:])
        answer: Json = {"role": "assistant", "content": [{"type": "text", "text": answered}]}
        usd = Decimal(0)
        ends = [i for i in range(1, len(fresh) + 1) if i == len(fresh) or fresh[i]["role"] == "assistant"]
        for step, end in enumerate(ends):
            body = {**{k: last[k] for k in ("tools", "system", "model")}, "messages": self._history + fresh[:end]}
            body["system"] = [{"type": "text", "text": block["text"]} for block in last["system"]]
            said: Json = fresh[end] if end < len(fresh) else answer
            output = count_output(said["content"])
            usd += self._prices.cost(MAIN, Usage(input=count(body), output=output))
            bill = self._cache.bill({**body, "cache_control": {"type": "ephemeral"}}, at + step * STEP_SECONDS)
            usage = Usage(bill.plain, output, bill.read, bill.write_5m, bill.write_1h)
            self.cached += self._prices.cost(MAIN, usage)
        self._history += [*fresh, answer]
        return usd


@dataclass
class Counter:
    """Has conversations both ways."""

    claude: _Claude
    clock: ManualClock
    store: SqlStore
    work: Work
    profile: Profile
    _number: int = 0

    async def have(self, talk: Talk) -> Bill:
        """Have one conversation; the cache is as the ones before have left it."""
        self._number += 1
        self.claude.recap = talk.recap
        thread = ThreadKey("T1", "C1", f"{1_800_000_000 + self._number}.000100")
        async with self.store.write() as tx:
            await tx.conversations.open(
                Conversation(thread, Surface.CHANNEL, Standing.BOT, None, 0, "support", "", "U0ANA", self.clock())
            )
        bill, plain, helper = Bill(), PlainLoop(), self.claude.helper
        for number, turn in enumerate(talk.turns, 1):
            self.clock.advance(turn.minutes * 60)
            before, began = self.claude.cost, self.clock()
            await self._ours(thread, turn, f"{self._number}-{number}")
            bill.ours.append(self.claude.cost - before)
            bill.plain.append(plain.turn(self.claude.calls[-1].body, turn.answered, began))
        bill.cached = plain.cached
        bill.helper = self.claude.helper - helper
        return bill

    async def _ours(self, thread: ThreadKey, turn: Turn, number: str) -> None:
        """One turn as the desk works on it; what it leaves behind is kept as the desk keeps it."""
        self.claude.calls.clear()
        self.claude.plan.extend([*(tools(*step) for step in turn.steps), text(turn.answered)])
        run = Run(f"run-{number}", thread.id, (f"i-{number}",), "U0ANA", 0, None, self.clock())
        asked = MessageReceived(
            thread, Surface.CHANNEL, f"{number}.0", "U0ANA", turn.asked, mentions_bot=True, is_root=False,
            author_team="T1", event_id=f"Ev{number}",
        )  # fmt: skip
        async with self.store.write() as tx:
            await tx.runs.begin(run)
        ending = await self.work.do(run, [Queued(f"i-{number}", asked, thread.id, 0, handled=False)], WRITER)
        assert (ending.outcome, ending.text) == (Outcome.ANSWERED, turn.answered), (ending.why, ending.verdict)
        assert not self.claude.refused, self.claude.refused
        assert not self.claude.plan, "the model was asked less often than recorded"
        async with self.store.write() as tx:
            await tx.runs.finish(run.id, ending.outcome)
            at = self.clock()
            asked_line = Line(Speaker.CUSTOMER, "Ana Ruiz", turn.asked, at)
            await tx.conversations.add_lines(thread.id, asked_line, Line(Speaker.BOT, "", ending.text, at))


def _unmarked(messages: list[Json]) -> list[Json]:
    """Without cache marks."""
    return [{**message, "content": [_bare(block) for block in message["content"]]} for message in messages]


def _bare(block: Json) -> Json:
    return {k: v for k, v in block.items() if k != "cache_control"}


@asynccontextmanager
async def counter(folder: Path) -> AsyncIterator[Counter]:
    """A desk with the sample company's help centre and customers, and a vendor that counts."""
    clock = ManualClock()
    engine = create_engine(f"sqlite:///{folder / 'cost.db'}")
    await migrate(engine)
    store = SqlStore(engine, lambda connection, inbox_id, partition: None, clock)
    backends = await open_backends(engine, seed_sample=True, clock=clock)
    shelf, prices = backends.of_home("T1"), load_prices()
    # No limit on tokens or dollars ends a recording early; that limits hold is shown elsewhere.
    profile = load_profile("support").model_copy(
        update={"max_tokens_per_conversation": 10**9, "max_cost_per_conversation": Decimal(1000)}
    )
    profiles = Profiles({"support": profile})
    async with _Claude(clock) as claude:
        model = ClaudeModel(api_key=claude.key, base_url=claude.url)
        calls = ModelCalls(model, prices, store, clock)
        catalogue = build_catalogue(Backing(
            knowledge=shelf.knowledge, customers=shelf.customers, tickets=shelf.tickets, books=shelf.books,
            escalations=_Nobody(), own_budget=OwnBudget(store, profiles, clock, UTC),
        ))  # fmt: skip
        crew = Crew(
            agent=Agent(calls),
            reviewer=Reviewer(Judge(calls, (HELPER,)), store, clock),
            recaps=Recaps(store, calls, HELPER),
            summarist=Summarist(calls, HELPER),
            toolbox=Toolbox(catalogue, store, clock),
            attachments=Attachments(_Files()),
            profiles=profiles,
            models=Models((MAIN, HELPER), (HELPER,), "offline"),
            prices=prices,
        )
        room = StaffRoom("C0STAFF", {}, frozenset(), frozenset())
        try:
            yield Counter(claude, clock, store, Work(store, crew, room, FakeMessenger(clock)), profile)
        finally:
            await model.close()
            await engine.dispose()
