"""Claude for stories: the validating Messages API with something to say for every kind of call."""

import asyncio
from collections import deque

from tests.fakes.messages_api import Brain, Cite, FakeMessagesApi, Fault, Move, Reply, Seen, structured, text, tool
from tests.fakes.messages_script import Json
from tests.fakes.sandbox_driver import eventually

SURE = {"grounded": True, "promises_kept": True, "confidence": 0.95, "reason": "All of it stands in the sources."}
UNSURE = {"grounded": True, "promises_kept": True, "confidence": 0.3, "reason": "The article is about another plan."}
SUMMARY = "The customer wants help; the agent searched and found little."
HELLO = "Happy to help! What is it about?"


class Claude(FakeMessagesApi):
    """Says what a story planned; judges and sums up by itself. Can be held in the middle of a call."""

    def __init__(self) -> None:
        super().__init__(brain=self._think)
        self.verdict: Json | Move = SURE
        """Of the judge, on every answer."""
        self.lesson: Json = {}
        """What others may learn from a person's answer; empty: nothing."""
        self.summary: str | Move = SUMMARY
        self.always: Move | Brain = text(HELLO)
        """The agent's reply when nothing is planned."""
        self.asked: list[Seen] = []
        """Calls of the agent that were answered, in order."""
        self.judged: list[Seen] = []
        self.summed_up: list[Seen] = []
        self.under_way = 0
        """Calls of the agent that arrived, answered or not."""
        self._plan: deque[Move | Brain] = deque()
        self._open = asyncio.Event()
        self._open.set()

    def will(self, *moves: Move | Brain) -> None:
        """The agent's next replies."""
        self._plan += moves

    def forget(self) -> None:
        """Begin anew: no plan, nothing heard."""
        self._plan.clear()
        for heard in (self.asked, self.judged, self.summed_up):
            heard.clear()

    def hold(self) -> None:
        """Keep the agent's next calls waiting."""
        self._open.clear()

    def let_go(self) -> None:
        """Answer whoever waits."""
        self._open.set()

    async def is_asked(self, times: int) -> None:
        """Wait until the agent's n-th call has arrived, answered or not."""

        async def arrived() -> bool:
            return self.under_way >= times

        await eventually(arrived)

    async def __aenter__(self) -> "Claude":
        await super().__aenter__()
        return self

    async def _accept(self, request: object) -> Seen:
        seen = await super()._accept(request)  # type: ignore[arg-type]  # the base's aiohttp request, passed on
        if _is_agents(seen):
            self.under_way += 1
            await self._open.wait()
        return seen

    def _think(self, seen: Seen) -> Move:
        if seen.wants_json and "worth_keeping" in str(seen.body["output_config"]):
            nothing = {"title": "", "question": "", "answer": "", "category": "product"}
            return structured({**nothing, **self.lesson, "worth_keeping": bool(self.lesson)})
        if seen.wants_json:
            self.judged.append(seen)
            return structured(self.verdict) if isinstance(self.verdict, dict) else self.verdict
        if not _is_agents(seen):
            self.summed_up.append(seen)
            return text(self.summary) if isinstance(self.summary, str) else self.summary
        self.asked.append(seen)
        move = self._plan.popleft() if self._plan else self.always
        return move if isinstance(move, Reply | Fault) else move(seen)


def search(query: str = "invite a guest", category: str = "any") -> Reply:
    """Look into the knowledge base."""
    return tool("search_knowledge_base", {"query": query, "category": category})


def lookup(email: str) -> Reply:
    """Look a customer up."""
    return tool("lookup_customer", {"email": email})


def ticket(email: str = "ana@cobalt-studio.example", subject: str = "Export fails", priority: str = "high") -> Reply:
    """Open a ticket."""
    body = "The export of the board stops at half of the cards with error EX-17."
    category = "technical"
    return tool(
        "create_ticket",
        {"customer_email": email, "subject": subject, "body": body, "priority": priority, "category": category},
    )


def escalate(
    proposed_reply: str = "",
    *,
    team: str = "none",
    reason: str = "The customer disputes a charge.",
    summary: str = "Ana was charged twice in November and wants the second charge back.",
) -> Reply:
    """Ask a human."""
    return tool(
        "escalate_to_human",
        {"reason": reason, "summary": summary, "suggested_team": team, "proposed_reply": proposed_reply},
    )


def answer_from_source(words: str) -> Brain:
    """An answer that cites the first article found."""

    def say(seen: Seen) -> Move:
        results = [part for block in seen.tool_results for part in block["content"] if part["type"] == "search_result"]
        first = results[0]
        return text(words, Cite(first["source"], first["title"], first["content"][0]["text"][:200]))

    return say


def at_once(fault: Fault) -> Fault:
    """The same failure, with leave to try again immediately: stories do not wait."""
    return Fault(fault.kind, fault.status, fault.error, {**fault.headers, "retry-after": "0"})


def system_of(seen: Seen) -> str:
    """The system prompt of a call."""
    return "\n".join(block["text"] for block in seen.body.get("system", []))


def _is_agents(seen: Seen) -> bool:
    return bool(seen.body.get("tools"))
