"""No false promises: what a text claims was done is held against what the tools did.

The claims come from patterns (`bot.agent.claims`), the deeds from this run's tool results, from the conversation's open
case and from what people and notes have told before. What is left over is either done or not said: the model hears so
once, and after that a person decides about the text.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.agent.claims import Claim, claims_in
from bot.agent.tongues.tongue import Kind
from bot.agent.toolbox import Evidence
from bot.domain.conversation import RETOLD, Line, Speaker

_LOOKING = "lookup_customer"
_SEARCHING = "search_knowledge_base"
_OURS = frozenset({_LOOKING, _SEARCHING, "limit_own_budget"})
_READS = re.compile(
    r"(?:^|[_:.-])(?:get|list|search|find|read|look\w*|show|fetch|query|describe|check|count)(?:$|[_:.-])"
)
_MONEY_TOOL = re.compile(r"refund|credit|reimburs|payment")
_AMOUNT = re.compile(r"(?:[$€£]|usd|eur)\s?(\d[\d.,]*)|(\d[\d.,]*)\s?(?:[$€£]|usd\b|eur\b|euros?\b|dollars?\b)")
_DECIMAL = re.compile(r"(\d[\d.,]*?)(?:[.,](\d{1,2}))?")
_SPAN = re.compile(
    r"\d+|\b(?:one|two|three|four|five|six|ten|twelve|ein\w*|zwei|drei|une?|deux|trois|dos|tres|due|tre|duas|dois|twee)\b"
    r"|\b(?:today|tomorrow|heute|morgen|aujourd'hui|demain|hoy|mañana|oggi|domani|hoje|amanhã|vandaag)\b"
)
_TOLD_NO = re.compile(
    r"n't\b|\b(?:not|cannot|never|denied|denies|decided against|declin\w*|refus\w*|reject\w*|expired|withdrawn|void\w*|"
    r"wait\w*|no|nothing)\b"
)
_TOLD_DONE = re.compile(
    r"\b(?:was|were|been|done|did|issued|made|refunded|credited|changed|cancell?ed|deleted|updated|sent|called|e-?mailed|"
    r"reset|closed|opened)\b"
)
_REPORT = re.compile(
    r"What was done: (.*?)(?: What you are asked to do next: | The case (?:is|it was handed over for is) settled|$)"
    r"|Done already, do not repeat it: (.*)",
    re.S,
)
"""In notes about a hand-back or an interrupted run: the part that tells of deeds."""
_OPENED = re.compile(r"^Ticket \S+ (?:opened|with)\b")
_ISSUED = re.compile(r"^Refund \S+ of \S+ (?:to \S+ )?was issued\b")
_STEMS = {
    Kind.REFUNDED: r"refund|credit|reimburs|erstatt|gutschr|rembours|reembols|devol|rimbors|estorn|terugbeta",
    Kind.CHANGED: (
        r"chang|updat|cancel|delet|remov|clos|reset|grad|activ|lock|restor|extend|fix|correct|änder|künd|lösch"
    ),
    Kind.CONTACT: r"e-?mail|call|phone|sent|wrote|message|telefon|anruf|mail",
    Kind.TICKET: r"ticket",
}
_MOST_QUOTED = 3
_TIME_CHARS = 25
"""At the end of where a time is named: "within the next 24 hours"."""
_WHAT_TO_DO = (
    "If that should be done and you have a tool for it, call the tool now. Otherwise write the whole answer again "
    "without the claim, and name no time. The customer does not see this note; do not mention it."
)


@dataclass(frozen=True)
class Deeds:
    """What is true, as far as it can be told without understanding."""

    done: frozenset[Kind]
    """Of this run, of an open case, or told by people."""
    looked_up: str
    """What the look-up of the customer showed, in lower case."""
    told: str
    """What tools returned in this run and what we or people said before, in lower case: where numbers may come from."""
    paid: str
    """What refunds say, likewise: where amounts of refunds may come from."""

    def cover(self, claim: Claim) -> bool:
        """Whether something stands behind a claim."""
        if claim.number:
            return re.search(rf"(?<!\d){re.escape(claim.number)}(?!\d)", self.told) is not None
        if claim.kind is Kind.TIME:
            spans = _SPAN.findall(claim.place[-_TIME_CHARS:])
            return bool(spans) and all(re.search(rf"\b{re.escape(span)}\b", self.told) for span in spans)
        if claim.kind is Kind.REFUNDED and not self._knows_amounts(claim):
            return False
        if claim.kind in self.done:
            return True
        if claim.kind is Kind.ESCALATED and claim.manner == "due" and Kind.PASSED_ON in self.done:
            return True  # somebody of the team will see to a ticket
        stem = _STEMS.get(claim.kind)
        return claim.manner == "was" and stem is not None and re.search(stem, self.looked_up) is not None

    def _knows_amounts(self, claim: Claim) -> bool:
        known = {_number(found) for found in re.findall(r"\d[\d.,]*", self.paid + self.looked_up)}
        return all(_number(a or b) in known for a, b in _AMOUNT.findall(claim.sentence))


def deeds_of(
    evidence: Iterable[Evidence], *, earlier: Sequence[Line] = (), notes: str = "", case_is_open: bool = False
) -> Deeds:
    """What happened in this run and before it. `notes` are remarks of the desk that came with the turn."""
    evidence = tuple(evidence)
    good = [e for e in evidence if e.ok]
    ours = [line for line in earlier if line.speaker is not Speaker.CUSTOMER and line.name != RETOLD]
    spoken = [line.text for line in ours]
    news = [*(line.text for line in ours if line.speaker is Speaker.NOTE), notes]
    said = [line.text for line in earlier if line.speaker in (Speaker.PERSON, Speaker.BOT)]
    done = {kind for e in evidence for kind in _kinds_of(e)}
    done |= {kind for kind, stem in _STEMS.items() if any(_tells(text, stem) for text in news)}
    done |= {claim.kind for text in said for claim in claims_in(text) if _lasts(claim)}
    done |= {Kind.ESCALATED, Kind.PASSED_ON} if case_is_open else set()
    looked_up = " ".join(e.result for e in good if e.tool == _LOOKING)
    refunds = [f"{e.arguments} {e.result}" for e in evidence if _MONEY_TOOL.search(e.tool) and _kinds_of(e)]
    return Deeds(
        frozenset(done),
        looked_up.lower(),
        " ".join((*(e.result for e in good), *spoken, notes)).lower(),
        " ".join((*refunds, *spoken, notes)).lower(),
    )


def broken(text: str, deeds: Deeds) -> tuple[Claim, ...]:
    """The claims of a text that nothing stands behind."""
    return tuple(claim for claim in claims_in(text) if not deeds.cover(claim))


def objection(claims: Sequence[Claim]) -> str:
    """What the model is told about them."""
    found = f"It claims what no tool result shows: {in_words(claims)}."
    return f"<check>Your answer was not sent. {found} {_WHAT_TO_DO}</check>"


def objection_of_judge(reason: str) -> str:
    """The same when the judge found it."""
    return (
        f"<check>Your answer was not sent. A check found that it claims a deed or a time that no tool result shows: "
        f"{quoted(reason)}. {_WHAT_TO_DO}</check>"
    )


def in_words(claims: Sequence[Claim]) -> str:
    """Claims for people and for the model: what kind, and where."""
    named = dict.fromkeys(f"{claim.kind.value} (“{claim.words}”)" for claim in claims)
    more = len(named) - _MOST_QUOTED
    return "; ".join([*named][:_MOST_QUOTED]) + (f"; and {more} more" if more > 0 else "")


def quoted(text: str) -> str:
    """On one line and without marks that could end the note."""
    return "“" + " ".join(text.translate(str.maketrans("<>“”", "    ")).split())[:300] + "”"


def _kinds_of(evidence: Evidence) -> set[Kind]:
    """What a tool that worked makes true. Some say in words what became of it: consent may be waited for."""
    result = evidence.result
    match evidence.tool:
        case "create_ticket":
            return {Kind.TICKET, Kind.PASSED_ON} if _OPENED.search(result) else set()
        case "issue_refund":
            return {Kind.REFUNDED} if _ISSUED.search(result) else set()
        case _ if not evidence.ok:
            return set()
        case "escalate_to_human":
            return {Kind.ESCALATED, Kind.PASSED_ON}
        case name if name in _OURS or _READS.search(name):
            return set()
        case name:  # a tool of somebody else that does something: what, the judge has to see
            kinds = {Kind.CHANGED, Kind.CONTACT, Kind.PASSED_ON, Kind.TICKET}
            return kinds | {Kind.REFUNDED} if _MONEY_TOOL.search(name) else kinds


def _lasts(claim: Claim) -> bool:
    """Whether what we said earlier (and was checked then) still makes a claim true."""
    return claim.manner in ("did", "was") and not claim.number and claim.kind in _STEMS


def _tells(note: str, stem: str) -> bool:
    """Whether a note tells that something of the kind was done; one that speaks of a refusal tells nothing."""
    report = _REPORT.search(note)
    plain = (report[1] or report[2] if report else note).lower()
    return bool(re.search(stem, plain) and _TOLD_DONE.search(plain) and not _TOLD_NO.search(plain))


def _number(text: str) -> str:
    """An amount in one spelling: 1,000.00 and 1.000,00 and 1000 are the same."""
    found = _DECIMAL.fullmatch(text.rstrip(".,"))
    if found is None:
        return text
    whole, cents = re.sub(r"[.,]", "", found[1]), found[2] or ""
    return f"{int(whole)}.{cents:0<2}"
