"""A Claude whose answers can be foretold from what customers write, that fails now and then, and keeps its own bills.

`#17.3 ticket …` makes it open a ticket and then say "ticketed 17.3 done 17.3"; `escalate` asks a person, `approve` does
so with a reply to be approved ("proposal 17.3"); anything else is answered with "done 17.3". A turn of several messages
is answered for all of them. When a person decided and nobody wrote, it says "went on 17".
"""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from tests.fakes.messages_api import (
    FakeMessagesApi,
    Fault,
    Move,
    Reply,
    Seen,
    cut_body,
    dropped,
    overloaded,
    rate_limited,
    stalled_body,
    status,
    structured,
    text,
    tool,
    truncated_json,
)
from tests.fakes.messages_script import Json

SURE = {"grounded": True, "promises_kept": True, "confidence": 0.95, "reason": "All of it stands in the sources."}
MARK = re.compile(r"#(?P<story>\d+)\.(?P<number>\d+) (?P<wish>\w+)")
_EMAIL = re.compile(r"<([\w.+-]+@[\w.-]+)> \(verified\)")
_QUICK_FAULTS = (overloaded(), status(500), status(504), rate_limited("0"), rate_limited("1"), rate_limited())
_COSTLY_FAULTS = (cut_body(), truncated_json(), dropped())
_STALLS = (stalled_body(),)


@dataclass
class Moods:
    """How Claude behaves; may be changed while it runs."""

    slowest: float = 0.4
    """Seconds; each answer takes a random part of it."""
    pause: float = 0.0
    """Seconds each answer takes besides."""
    quick_faults: float = 0.03
    """Share of calls that fail without being billed."""
    costly_faults: float = 0.02
    """Share of calls that are billed and never arrive."""
    stalls: float = 0.001
    """Share of calls whose body begins and never ends."""


@dataclass
class Bill:
    """What one conversation cost by Claude's own account."""

    usd: Decimal = Decimal(0)
    calls: int = 0


class TorturedClaude(FakeMessagesApi):
    """Foretellable, unreliable, with bills per story."""

    def __init__(self, chance: Random, moods: Moods | None = None) -> None:
        super().__init__(brain=self._think, clock=asyncio.get_running_loop().time)
        self.moods = moods or Moods()
        self.billed: dict[int, Bill] = defaultdict(Bill)
        self.failed = 0
        self.under_way = 0
        self.most_under_way = 0
        self._chance = chance

    async def __aenter__(self) -> "TorturedClaude":
        await super().__aenter__()
        return self

    async def _accept(self, request: Any) -> Seen:
        seen = await super()._accept(request)
        self.requests.clear()
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(self.moods.pause + self.moods.slowest * self._chance.random())
        finally:
            self.under_way -= 1
        return seen

    def _answer(self, seen: Seen, reply: Reply, began: float) -> Json:
        before = self.cost
        body = super()._answer(seen, reply, began)
        found = MARK.search(json.dumps(seen.body["messages"]))
        bill = self.billed[int(found["story"]) if found else 0]
        bill.usd += self.cost - before
        bill.calls += 1
        self.bills.clear()
        return body

    def _think(self, seen: Seen) -> Move:
        fault = self._fault()
        if fault is not None:
            self.failed += 1
            return fault
        if seen.wants_json:
            return structured(SURE)
        if not seen.body.get("tools"):
            return text("The customer wants help; nothing was found.")
        return _Turn.of(seen).move()

    def _fault(self) -> Fault | None:
        moods, at = self.moods, self._chance.random()
        kinds = (moods.quick_faults, _QUICK_FAULTS), (moods.costly_faults, _COSTLY_FAULTS), (moods.stalls, _STALLS)
        for share, faults in kinds:
            if at < share:
                return self._chance.choice(faults)
            at -= share
        return None


@dataclass(frozen=True)
class _Turn:
    """What the customer wrote last, and what was done about it so far."""

    words: str
    everything: str
    done: int
    """Replies with tools given in this turn."""
    results: list[Json] = field(default_factory=list)

    @classmethod
    def of(cls, seen: Seen) -> "_Turn":
        done = 0
        results: list[Json] = []
        for message in reversed(seen.messages):
            if message["role"] == "assistant":
                done += 1
                continue
            blocks = message["content"] if isinstance(message["content"], list) else []
            found = [block for block in blocks if block["type"] == "tool_result"]
            if not found:
                return cls(_words(message), json.dumps(seen.messages), done, results)
            results += found
        raise AssertionError("a request without a customer's message")

    def move(self) -> Move:
        """The next tool, or the answer when all are done."""
        marks = list(MARK.finditer(self.words))
        wishes = [move for mark in marks if (move := self._tool(mark)) is not None]
        if self.done < len(wishes):
            return wishes[self.done]
        if not marks:
            earlier = list(MARK.finditer(self.everything))
            return text(f"went on {earlier[-1]['story']}" if earlier else "went on")
        return text(" ".join(self._claims(marks)))

    def _claims(self, marks: list[re.Match[str]]) -> Iterator[str]:
        told = json.dumps(self.results)
        for mark in marks:
            label = f"{mark['story']}.{mark['number']}"
            if mark["wish"] == "ticket" and "opened" in told.lower() and '"is_error": true' not in told:
                yield f"ticketed {label}"
            yield f"done {label}"

    def _tool(self, mark: re.Match[str]) -> Reply | None:
        label = f"{mark['story']}.{mark['number']}"
        email = _EMAIL.search(self.words)
        match mark["wish"]:
            case "ticket" if email:
                return tool("create_ticket", {
                    "customer_email": email[1], "subject": f"Torture {label}", "priority": "high",
                    "body": "The export of the board stops at half of the cards.", "category": "technical",
                })  # fmt: skip
            case "escalate" | "approve":
                proposal = f"proposal {label}" if mark["wish"] == "approve" else ""
                return tool("escalate_to_human", {
                    "reason": f"The customer asks for it, case {label}.", "summary": f"What case {label} is about.",
                    "suggested_team": "none", "proposed_reply": proposal,
                })  # fmt: skip
        return None


def _words(message: Json) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "\n".join(block.get("text", "") for block in content)
