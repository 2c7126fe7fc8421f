"""What an approval is: bound to the version of the case that was read and shown, given by one person or by two.

Any change of the proposal raises the version, so an approval that was pressed on an older card finds nothing to update.
"""

from bot.desk.authority import Authority
from bot.domain.escalation import Decision, Escalation, State
from bot.domain.incoming import DecisionMade
from bot.ports.store import Transaction


class Consent:
    """Gives approvals, inside the caller's transaction."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    async def give(self, tx: Transaction, press: DecisionMade, seen: Escalation, *, at: float) -> Escalation | None:
        """The case after this approval, still open when a second person has to agree; None when nothing was changed.

        `seen`: the case for which the presser's rights were checked.
        """
        if not _has_read(press, seen):
            return None
        if self._authority.needs(seen).two_people and not seen.first_by:
            return await tx.escalations.agree_first(seen.id, by=press.user_id, at=at, version=seen.version)
        if seen.first_by == press.user_id:
            return None
        return await tx.escalations.decide(
            seen.id, Decision.APPROVE, by=press.user_id, at=at, note=press.note, version=seen.version
        )


def _has_read(press: DecisionMade, seen: Escalation) -> bool:
    """Whether the card that was pressed showed the case as it is; without a version, only if it never changed."""
    if press.version is None:
        return seen.proposal is None or seen.version == 1
    return press.version == seen.version


def waits_for_second(case: Escalation) -> bool:
    """Whether one of two people has agreed."""
    return case.state is State.OPEN and bool(case.first_by)
