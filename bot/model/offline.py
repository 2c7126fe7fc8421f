"""The offline model: a deterministic stand-in when there is no key, and the degraded mode when no model answers.

It searches, quotes, looks up, opens tickets and hands over by rules, says so under every answer, and costs nothing.
"""

from collections.abc import Callable, Iterable, Mapping

from bot.domain.exchange import (
    AssistantMessage,
    Message,
    ModelReply,
    ModelRequest,
    Purpose,
    StopReason,
    Text,
    ToolResult,
    ToolUse,
    Usage,
)
from bot.model import offline_says as says
from bot.model.offline_asides import judged, summed_up
from bot.model.offline_tools import case, refund, ticket, tool_use
from bot.model.offline_turn import Turn, read_turn
from bot.model.offline_wishes import Wish, wish_of

MODEL = "offline"
SEARCH, LOOKUP, TICKET, ESCALATE = "search_knowledge_base", "lookup_customer", "create_ticket", "escalate_to_human"
REFUND = "issue_refund"
_CHARS_PER_TOKEN = 4
_QUERY_CHARS = 300

Move = ToolUse | tuple[Text, ...]
"""A tool call, or what is said to the customer."""
Say = Callable[[Turn, ToolResult], str]


class OfflineModel:
    """Implements `Model` without any service; the same request always gets the same reply."""

    async def answer(self, request: ModelRequest) -> ModelReply:
        """Never fails."""
        match request.purpose:
            case Purpose.JUDGE:
                return _reply(request, (Text(judged(request)),))
            case Purpose.SUMMARY:
                return _reply(request, (Text(summed_up(request)),))
            case Purpose.RECAP:
                return _reply(request, (Text(""),))  # the caller shortens as well as we could
            case Purpose.AGENT:
                return _reply(request, _Agent(request).move())

    async def count(self, request: ModelRequest) -> int | None:
        """As the usage of its replies counts."""
        return (await self.answer(request)).usage.prompt

    async def close(self) -> None:
        """Nothing is held."""


class _Agent:
    """One decision: the next tool, or the answer."""

    def __init__(self, request: ModelRequest) -> None:
        self._request = request
        self._turn = read_turn(request)
        self._offered = {tool.name for tool in request.tools}

    def move(self) -> Move:
        if self._turn.done:
            return self._after_tools()
        match wish_of(self._turn):
            case Wish.NOTHING:
                return self._said(says.greeting(self._turn))
            case Wish.OTHERS_ACCOUNT:
                return self._said(says.own_account_only(self._turn))
            case Wish.OWN_ACCOUNT:
                return self._look_up()
            case Wish.ANSWER:
                return self._use(SEARCH, {"query": self._query(), "category": "any"})
            case Wish.HUMAN | Wish.DISPUTE | Wish.REFUND | Wish.TICKET as wish:
                return self._act(wish)

    def _act(self, wish: Wish) -> Move:
        if wish is Wish.REFUND and REFUND in self._offered:
            return self._use(REFUND, refund(self._turn))
        if wish is Wish.HUMAN:
            return self._hand_over("The customer asks for a human.")
        if wish in (Wish.DISPUTE, Wish.REFUND):
            reply = says.proposal(self._turn)
            return self._hand_over("The customer disputes a charge or wants a refund.", "billing", reply)
        if self._turn.email is None:
            return self._hand_over("The customer wants a ticket, but has no verified e-mail.")
        return self._use(TICKET, ticket(self._turn))

    def _look_up(self) -> Move:
        """Only staff may ask for another's address; the tool checks that too."""
        turn = self._turn
        email = turn.other_email if turn.is_staff and turn.other_email else turn.email
        if email is None:
            return self._hand_over("The account cannot be looked up: no verified e-mail.")
        return self._use(LOOKUP, {"email": email})

    def _query(self) -> str:
        return " ".join(self._turn.question.split())[:_QUERY_CHARS]

    def _after_tools(self) -> Move:
        """Say what the last useful tool showed; hand over when it showed nothing."""
        done = self._turn.done
        if ESCALATE in done:
            worked = not done[ESCALATE][1].is_error
            return self._said((says.handed_over if worked else says.cannot_hand_over)(self._turn))
        if REFUND in done:
            return self._told(done[REFUND][1], "The refund could not be made.", says.refunded)
        if TICKET in done:
            return self._told(done[TICKET][1], "Opening a ticket did not work.", says.ticket_opened)
        if LOOKUP in done:
            return self._told(done[LOOKUP][1], "The account could not be looked up.", says.account)
        found = says.quoted(self._turn, done[SEARCH][1]) if SEARCH in done else ()
        if found:
            return (*found, Text(says.sign(self._turn.language)))
        return self._hand_over("The help centre has no article that fits the question.")

    def _told(self, result: ToolResult, reason: str, say: Say) -> Move:
        return self._hand_over(reason) if result.is_error else self._said(say(self._turn, result))

    def _hand_over(self, reason: str, team: str | None = None, proposed_reply: str = "") -> Move:
        return self._use(ESCALATE, case(self._turn, reason, team=team, proposed_reply=proposed_reply))

    def _use(self, name: str, known: Mapping[str, object]) -> Move:
        if name in self._offered:
            return tool_use(self._request, name, known)
        if name != ESCALATE and ESCALATE in self._offered:
            return self._hand_over("There is no tool for this.")
        return self._said(says.cannot_hand_over(self._turn))

    def _said(self, text: str) -> tuple[Text, ...]:
        return (Text(f"{text}\n\n{says.sign(self._turn.language)}"),)


def _reply(request: ModelRequest, move: Move) -> ModelReply:
    tool_uses = (move,) if isinstance(move, ToolUse) else ()
    texts = () if isinstance(move, ToolUse) else move
    written = sum(len(use.arguments) + len(use.name) for use in tool_uses) + sum(len(text.text) for text in texts)
    return ModelReply(
        model=MODEL,
        stop_reason=StopReason.TOOL_USE if tool_uses else StopReason.END_TURN,
        usage=_usage(request, written),
        texts=texts,
        tool_uses=tool_uses,
    )


def _usage(request: ModelRequest, written: int) -> Usage:
    """A quarter of the characters, to have something to watch; what the step before sent counts as cached."""
    prefix = len(request.system) + sum(len(t.name) + len(t.description) + len(t.schema) for t in request.tools)
    steps = [i for i, m in enumerate(request.messages) if isinstance(m, AssistantMessage) and m.tool_uses]
    sent = steps[-1] if steps else 0
    return Usage(
        input=_tokens(request.messages[sent:]),
        output=-(-written // _CHARS_PER_TOKEN),
        cache_read=prefix // _CHARS_PER_TOKEN + _tokens(request.messages[:sent]),
    )


def _tokens(messages: Iterable[Message]) -> int:
    return sum(map(_chars, messages)) // _CHARS_PER_TOKEN


def _chars(message: Message) -> int:
    if isinstance(message, AssistantMessage):
        return len(message.text) + sum(len(use.arguments) for use in message.tool_uses)
    return sum(_part_chars(part) for part in message.content)


def _part_chars(part: object) -> int:
    match part:
        case Text(text=text):
            return len(text)
        case ToolResult(content=str() as text):
            return len(text)
        case ToolResult(content=tuple() as results):
            return sum(len(r.title) + sum(map(len, r.passages)) for r in results)
        case _:
            return 0
