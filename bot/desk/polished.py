"""What a model puts before people, made fit to be read: a reply that is proposed is sent word by word when approved."""

from dataclasses import replace

from bot.agent.links import Links
from bot.domain.hidden import visible
from tools.base import ToolContext
from tools.escalation import EscalationDesk, EscalationRequest


class PolishedEscalations:
    """Implements `tools.escalation.EscalationDesk` in front of another."""

    def __init__(self, desk: EscalationDesk, links: Links) -> None:
        self._desk = desk
        self._links = links

    async def escalate(self, request: EscalationRequest, context: ToolContext) -> str:
        """With links that lead to us or nowhere, and without characters that nobody sees."""
        polished = replace(
            request,
            reason=visible(request.reason),
            summary=visible(request.summary),
            proposed_reply=await self._links.clean(request.proposed_reply),
        )
        return await self._desk.escalate(polished, context)
