"""A back-end behind a proxy that lets 1, 10, 50 and 100 % of the requests go wrong: ours against the plain decorators.

Accounts are looked up (the customer directory is a real HTTP service here) and tickets opened. All times are a tenth of
the usual ones, for both: 0.5 s an attempt, three attempts, at most 6 s for an open breaker. What our breaker is worth
at other rates, and over hours, is reckoned without a clock in tests/unit/test_tools_outages.py.
"""

import asyncio
import itertools
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.bench.kit import Row, percentile, show
from tests.bench.plain_retries import OUTAGES, PlainBreaker, retrying
from tests.fakes.fault_proxy import FaultProxy, fault_proxy, serving
from tests.fakes.tools import asked_by, lookup_of
from tools.base import ToolError
from tools.breaker import Rules
from tools.connector_settings import Wires
from tools.customers.http_record import HttpRecordCustomers, HttpRecordSettings
from tools.http import HttpBackend, Limits, http_session
from tools.resilience import Guard, Instruments, Policy

SHARES = (0.0, 0.01, 0.1, 0.5, 1.0)
POLICY = Policy(
    attempt_seconds=0.5, total_seconds=1.2, first_wait=0.02, longest_wait=0.2,
    breaker=Rules(failures=8, window_seconds=60.0, open_seconds=6.0, first_seconds=0.2, grace_seconds=1.0),
)  # fmt: skip
CUSTOMERS, PER_SECOND = 40, 40
WORK_SECONDS = 0.005
WELL = 100.0
"""Percent."""
Ask = Callable[[int], Awaitable[str]]
"""One question, by its number; what came of it: `fresh`, `held` or `failed`."""


class Company:
    """The back-end: it knows every customer, and opens a ticket for each request, or one for each key it is given."""

    def __init__(self) -> None:
        self.tickets: Counter[str] = Counter()
        """How many were opened, by question."""
        self._keys: set[str] = set()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/customers/{email}", self._customer)
        app.router.add_post("/tickets", self._ticket)
        return app

    async def _customer(self, request: web.Request) -> web.Response:
        await asyncio.sleep(WORK_SECONDS)
        return web.json_response({"email": request.match_info["email"], "plan": "Team"})

    async def _ticket(self, request: web.Request) -> web.Response:
        await asyncio.sleep(WORK_SECONDS)
        question, key = (await request.json())["question"], request.headers.get("Idempotency-Key", "")
        if not key or key not in self._keys:
            self.tickets[question] += 1
        self._keys |= {key} - {""}
        return web.json_response({"ok": True}, status=201)


@dataclass
class Result:
    """What came of many questions."""

    ends: Counter[str] = field(default_factory=Counter)
    ms: list[float] = field(default_factory=list)
    calls: int = 0

    def of_all(self, *ends: str) -> float:
        """Percent of the questions."""
        return 100 * sum(self.ends[end] for end in ends) / max(1, self.ends.total())


@dataclass(frozen=True)
class Stage:
    """The back-end behind the proxy."""

    proxy: FaultProxy
    company: Company
    directory: HttpRecordCustomers
    http: HttpBackend

    async def run(self, ask: Ask, share: float, seconds: float) -> Result:
        """Questions come in evenly for so many seconds, whatever became of those before."""
        result, began = Result(), time.monotonic()
        self.proxy.begin(share)

        async def one(number: int) -> None:
            await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
            at = time.monotonic()
            result.ends[await ask(number)] += 1
            result.ms.append((time.monotonic() - at) * 1000)

        async with asyncio.TaskGroup() as group:
            for number in range(int(seconds * PER_SECOND)):
                group.create_task(one(number))
        result.calls = self.proxy.asked
        return result


async def measure(*, quick: bool) -> list[Row]:
    logging.getLogger("tools.resilience").setLevel(logging.ERROR)  # that breakers open is what is measured
    seconds, rows = 4.0 if quick else 8.0, list[Row]()
    async with _stage() as stage:
        for what, makers in {"account": (_our_lookup, _plain_lookup), "ticket": (_our_ticket, _plain_ticket)}.items():
            names = (f"{what}, ours", f"{what}, plain")
            ours, plain = [await _table(stage, *one, seconds) for one in zip(names, makers, strict=True)]
            rows += itertools.chain(*zip(ours, plain, strict=True))
    return rows


async def _table(stage: Stage, name: str, make: Callable[[Stage], Ask], seconds: float) -> list[Row]:
    rows: list[Row] = []
    usual = Result()
    for share in SHARES:
        ask = make(stage)
        stage.company.tickets.clear()
        before = await stage.run(ask, 0.0, CUSTOMERS / PER_SECOND)  # everybody has been here before
        assert before.of_all("fresh") == WELL, "calls failed without a fault: the machine is too busy to measure on"
        result = await stage.run(ask, share, seconds)
        if not share:
            usual = result
            continue
        twice = sum(n > 1 for n in stage.company.tickets.values())
        rows.append(
            Row(f"{name}: {share:.0%} of the requests fail", _told(result, usual, twice if "ticket" in name else None))
        )
    return rows


def _told(result: Result, usual: Result, twice: int | None) -> str:
    added = [percentile(result.ms, q) - percentile(usual.ms, q) for q in (0.5, 0.95)]
    held = f" + {show(result.of_all('held'))} % held" if result.ends["held"] else ""
    doubles = "" if twice is None else f", opened twice: {twice}"
    return (
        f"success {show(result.of_all('fresh'))} %{held}, added p50 {show(max(0.0, added[0]))} p95 "
        f"{show(max(0.0, added[1]))} ms, requests {result.calls / result.ends.total():.2f} a question{doubles}"
    )


@asynccontextmanager
async def _stage() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        company = Company()
        proxy, url = await stack.enter_async_context(
            fault_proxy(await stack.enter_async_context(serving(company.app())))
        )
        session = await stack.enter_async_context(http_session())
        settings = HttpRecordSettings(
            kind="http", token_env=None, url=f"{url}/customers/{{email}}", fields={"plan": "plan"}
        )
        directory = settings.open(Wires(session, stack, time.time))
        yield Stage(proxy, company, directory, HttpBackend(session, url, name="desk", limits=Limits(5.0)))


def _guard(name: str) -> Guard:
    return Guard(name, Instruments(observe=lambda *_: None), POLICY)


def _our_lookup(stage: Stage) -> Ask:
    tool = lookup_of(stage.directory, _guard)

    async def ask(number: int) -> str:
        email = _email(number)
        try:
            output = await tool.call(json.dumps({"email": email}), asked_by(email))
        except ToolError:
            return "failed"
        return "held" if "as_of" in str(output.content) else "fresh"

    return ask


def _plain_lookup(stage: Stage) -> Ask:
    breaker = PlainBreaker(POLICY)

    async def ask(number: int) -> str:
        return await _end(breaker.guards(retrying(lambda: stage.directory.find(_email(number)), POLICY)))

    return ask


def _our_ticket(stage: Stage) -> Ask:
    guard, context, keys = _guard("tickets"), asked_by("ana@cobalt-studio.example"), itertools.count()

    async def ask(number: int) -> str:
        key = f"key-{next(keys)}"
        work = lambda: stage.http.send(  # noqa: E731 - three lines of request, not a concept
            "POST", "/tickets", body={"question": key}, headers={"Idempotency-Key": key}, safe=True
        )
        return await _end(lambda: guard.call(work, context, sorry="sorry"))

    return ask


def _plain_ticket(stage: Stage) -> Ask:
    breaker, keys = PlainBreaker(POLICY), itertools.count()

    async def ask(number: int) -> str:
        body = {"question": f"plain-{next(keys)}"}
        return await _end(breaker.guards(retrying(lambda: stage.http.send("POST", "/tickets", body=body), POLICY)))

    return ask


async def _end(work: Callable[[], Awaitable[object]]) -> str:
    try:
        await work()
    except (*OUTAGES, ToolError):
        return "failed"
    return "fresh"


def _email(number: int) -> str:
    return f"customer{number % CUSTOMERS}@shop.example"
