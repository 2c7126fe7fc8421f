"""A quiet line in the staff channel once most of a limit is used.

It holds for every limit a turn counted against: of the conversation, the one who asked, the channel and the workspace,
in all, per day, week and month, with what people granted beyond it; and for the operator's ceiling. What is set aside
for calls under way is not used yet. The outbox key says which limit it was, of whom, in which period and how high: so
each is told once, and again when it was raised or has begun anew. Looked up before a turn is settled, since nothing
asks Slack inside a transaction, and nothing is spent any more; Slack is asked for a link only when there is a line.
"""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from decimal import Decimal

import prompts
from bot.agent.profile import Profiles
from bot.desk.budgets import limits_of
from bot.desk.people import StaffRoom
from bot.desk.signs import place_of
from bot.domain.budget import Account, Limit, Period, Scope
from bot.domain.conversation import Conversation, Surface
from bot.domain.effects import Outgoing, Place, ShowNotice
from bot.domain.money import show_usd
from bot.ports.clock import Clock
from bot.ports.slack import Directory
from bot.ports.store import Run, Store, Transaction

SCOPES = frozenset({Scope.CONVERSATION, Scope.USER, Scope.CHANNEL, Scope.WORKSPACE})
"""Limits of a step or a run end with it: there is nothing left to be done about them."""


class Alerts:
    """Finds the limits that a turn has brought near their end."""

    def __init__(
        self, store: Store, directory: Directory, room: StaffRoom, profiles: Profiles, clock: Clock,
        *, zone: tzinfo = UTC, ceiling: Limit | None = None,
    ) -> None:  # fmt: skip
        """`zone`: whose days, weeks and months count. `ceiling`: what nobody in the workspace can raise."""
        self._store = store
        self._directory = directory
        self._room = room
        self._profiles = profiles
        self._clock = clock
        self._zone = zone
        self._ceiling = ceiling
        self._sentences = prompts.sentences()

    async def due(self, run: Run) -> tuple[Outgoing, ...]:
        """Lines to be shown with the end of a run; mostly none."""
        async with self._store.read() as tx:
            conversation = await tx.conversations.get(run.conversation_id)
            near = await self._near(tx, run, conversation) if conversation else {}
            told = await tx.outbox.known(list(near)) if near else frozenset()
        new = {key: limit for key, limit in near.items() if key not in told}
        if conversation is None or not new:
            return ()
        has_link = any(limit.scope is Scope.CONVERSATION for limit, _ in new.values())
        link = await self._directory.permalink(place_of(conversation)) if has_link else ""
        place = Place(conversation.key.team_id, self._room.default)
        return tuple(
            Outgoing(
                key, ShowNotice(place, self._line(conversation, link, limit, used)), f"staff:alerts:{place.team_id}"
            )
            for key, (limit, used) in new.items()
        )

    async def _near(self, tx: Transaction, run: Run, conversation: Conversation) -> Mapping[str, tuple[Limit, Decimal]]:
        """(limit, USD spent of it) by outbox key of the limits that are mostly used; their sums are one query."""
        key, profile, now = conversation.key, self._profiles.of(conversation.profile), self._clock()
        account = Account(key.team_id, key.channel_id, run.user_id, conversation.id, run.id)
        own = await limits_of(tx.ledger, conversation, profile, account, now, self._zone)
        limits = [limit for limit in (*own, *([self._ceiling] if self._ceiling else [])) if limit.scope in SCOPES]
        spent = await tx.ledger.spent(account, limits, at=now, zone=self._zone)
        share = Decimal(str(profile.alert_at))
        return {
            self._key(limit, now): (limit, used)
            for limit, used in zip(limits, spent, strict=True)
            if used >= limit.usd * share
        }

    def _key(self, limit: Limit, now: float) -> str:
        since = int(limit.period.start(now, self._zone))
        ceiling = "ceiling:" if limit == self._ceiling else ""
        return f"alert:{ceiling}{limit.scope}:{limit.subject}:{limit.period}:{since}:{limit.usd.normalize():f}"

    def _line(self, conversation: Conversation, link: str, limit: Limit, used: Decimal) -> str:
        per = "" if limit.period is Period.TOTAL else f" per {limit.period}"
        name = "budget_alert_ceiling" if limit == self._ceiling else "budget_alert"
        what = _in_words(conversation, link, limit)
        return self._sentences[name].format(what=what, used=show_usd(used), limit=f"{show_usd(limit.usd)}{per}")


def _in_words(conversation: Conversation, link: str, limit: Limit) -> str:
    """Whose limit it is, as a link where Slack has one."""
    match limit.scope:
        case Scope.USER:
            return f"<@{limit.subject}>"
        case Scope.CHANNEL if conversation.surface is Surface.DM:  # its name tells nobody else anything
            return f"the direct chat of <@{conversation.opened_by}>"
        case Scope.CHANNEL:
            return f"the channel <#{limit.subject}>"
        case Scope.WORKSPACE:
            return "the whole workspace"
        case _:
            return f"<{link}|a conversation>" if link else "a conversation"
