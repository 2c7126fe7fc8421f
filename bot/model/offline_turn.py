"""What the offline model understands of a request: who asks what, and which tools were run since."""

import re
from dataclasses import dataclass

from bot.domain.exchange import AssistantMessage, ModelRequest, Text, ToolResult, ToolUse, UserMessage
from bot.domain.language import LANGUAGE_NAMES

_EMAIL = r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
"""Begins at no place inside a word: looking from each of them would take time squared."""
_WHO = re.compile(rf"^(Customer|Colleague[^:\n]*): (?P<name>[^<(\n]*?) (?:<(?P<email>{_EMAIL})> \(verified\)|\()", re.M)
_USD = r"(\d[\d,]*(?:\.\d\d?)?)"
_AMOUNT = re.compile(rf"(?:\$ ?|\busd ?){_USD}|\b{_USD} ?(?:\$|dollars?\b|usd\b)", re.I | re.A)
_NOTE = re.compile(r"^Note: (.+)$", re.M)
_LANGUAGE = re.compile(r"^(?:Note: )?Language of the conversation: (\w+)$", re.M)
_CODES = {name: code for code, name in LANGUAGE_NAMES.items()}
_QUOTED = "Quoted or forwarded by the customer"


@dataclass(frozen=True, slots=True)
class Turn:
    """The customer's turn and what was done for it so far."""

    question: str
    name: str
    """First name; may be empty."""
    email: str | None
    """Verified address of the asker."""
    is_staff: bool
    note: str
    """What happened around the talk; never shown to the customer."""
    has_files: bool
    language: str
    """Of the conversation, ISO 639-1; English where nothing is said of it."""
    done: dict[str, tuple[ToolUse, ToolResult]]
    """The latest run of each tool."""

    @property
    def other_email(self) -> str | None:
        """An address in the question that is not the asker's."""
        named = [m.lower() for m in re.findall(_EMAIL, self.question)]
        return next((e for e in named if e != (self.email or "").lower()), None)

    @property
    def amount(self) -> float | None:
        """The dollars the question names; None when it names none, or several."""
        named = {(first or second).replace(",", "") for first, second in _AMOUNT.findall(self.question)}
        return float(named.pop()) if len(named) == 1 else None


def read_turn(request: ModelRequest) -> Turn:
    """The last turn of the request; its beginning is the last message that says who is speaking."""
    users = [(i, m) for i, m in enumerate(request.messages) if isinstance(m, UserMessage)]
    spoken = [(i, m) for i, m in users if any(isinstance(part, Text) for part in m.content)]
    introduced = [(i, m) for i, m in spoken if any(_is_context(t) for t in _texts(m))]
    start, message = (introduced or spoken or users or [(0, UserMessage(()))])[-1]
    context = "\n".join(t for t in _texts(message) if _is_context(t))
    language = _LANGUAGE.search(context)
    who, note = _WHO.search(context), _NOTE.search(_LANGUAGE.sub("", context))
    return Turn(
        question=_question(message),
        name=who["name"].split(" ")[0] if who else "",
        email=who["email"] if who else None,
        is_staff=bool(who and who[1] != "Customer"),
        note=note[1] if note else "",
        has_files=any(not isinstance(part, Text | ToolResult) for part in message.content),
        language=_CODES.get(str(language[1]), "en") if language else "en",
        done=_done(request, start),
    )


def _question(message: UserMessage) -> str:
    texts = [t for t in _texts(message) if not _is_context(t)]
    own = [t for t in texts if not t.startswith(_QUOTED)]
    quoted = [t.partition(": ")[2] for t in texts if t.startswith(_QUOTED)]
    text = "\n".join(own or quoted)
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text).strip()


def _texts(message: UserMessage) -> list[str]:
    return [part.text for part in message.content if isinstance(part, Text)]


def _is_context(text: str) -> bool:
    return text.startswith("<context>")


def _done(request: ModelRequest, start: int) -> dict[str, tuple[ToolUse, ToolResult]]:
    since = request.messages[start:]
    uses = {use.id: use for m in since if isinstance(m, AssistantMessage) for use in m.tool_uses}
    results = [p for m in since if isinstance(m, UserMessage) for p in m.content if isinstance(p, ToolResult)]
    return {uses[r.tool_use_id].name: (uses[r.tool_use_id], r) for r in results if r.tool_use_id in uses}
