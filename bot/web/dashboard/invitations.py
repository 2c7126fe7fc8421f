"""Links by which somebody who is known to Slack gets in without signing in anew."""

import secrets
from dataclasses import dataclass

from bot.ports.clock import Clock
from bot.ports.insight import Sessions
from bot.web.dashboard.frame import link
from bot.web.dashboard.gate import ENTER
from bot.web.dashboard.sign_in import LINK_SECONDS


@dataclass
class Invitations:
    """ports.insight.Invitations."""

    sessions: Sessions
    clock: Clock
    base: str = ""
    """Where browsers reach us; empty as long as nobody knows."""

    async def offer(self, team_id: str, user_id: str) -> str:
        """A link for one person, good once and for five minutes; empty when there is nowhere to lead to."""
        if not self.base:
            return ""
        secret, now = secrets.token_urlsafe(32), self.clock()
        await self.sessions.offer(secret, team_id, user_id, at=now, until=now + LINK_SECONDS)
        return f"{self.base}{link(f'{ENTER}/{secret}')}"
