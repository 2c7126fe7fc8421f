"""Which questions of a run are gaps of the help centre although the search found something.

The search cannot know: what it found is about the subject, and may not answer the question all the same. The end of the
run shows it: the answer cites no article, or a person has to answer. Not counted is a run that another tool told
something, such as a customer's record, on which its answer may rest. Nobody can tell the question that the bot asks
back from an answer without a source: it counts.
"""

from collections.abc import Iterable

from pydantic import ValidationError

from bot.agent.toolbox import Evidence
from bot.domain.answer import Outcome
from bot.domain.escalation import Escalation
from bot.domain.gaps import GapCause
from tools.knowledge_base.tool import SearchArguments

_SEARCH, _HAND_OVER = "search_knowledge_base", "escalate_to_human"


def cause_of(outcome: Outcome, case: Escalation | None) -> GapCause | None:
    """What it says of the articles that a run which cites none ended so; None: nothing.

    `case`: what the agent itself put before people in this run. A proposal is an answer, or a call, that needs consent.
    """
    if outcome is Outcome.ANSWERED:
        return GapCause.UNSOURCED
    if outcome not in (Outcome.ESCALATED, Outcome.AWAITING_APPROVAL):
        return None
    return GapCause.HANDED_OVER if case is None or case.proposal is None else None


def looked_up(evidence: Iterable[Evidence]) -> tuple[str, ...]:
    """The questions that articles were found for; none when the answer may rest on something else."""
    done = [one for one in evidence if one.ok]
    if any(one.tool not in (_SEARCH, _HAND_OVER) for one in done):
        return ()
    asked = (_query(one.arguments) for one in done if one.has_articles)
    return tuple(dict.fromkeys(filter(None, asked)))


def _query(arguments: str) -> str:
    try:
        return SearchArguments.model_validate_json(arguments).query
    except ValidationError:  # what is hidden of arguments before the tool reads them may have been too long
        return ""
