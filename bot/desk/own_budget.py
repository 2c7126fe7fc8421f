"""The agent's own, smaller budget: a limit on its run beside all others. It holds as they do, and widens none."""

from datetime import tzinfo
from decimal import Decimal

from bot.agent.profile import Profiles
from bot.desk.budgets import limits_of
from bot.domain.budget import Account, BudgetChange, Limit, Period, Scope
from bot.domain.conversation import Conversation
from bot.domain.money import show_usd
from bot.ports.clock import Clock
from bot.ports.store import Store, Transaction
from tools.base import ToolContext, ToolError

AGENT = ""
"""Who changed a limit, when it was the agent itself."""


class OwnBudget:
    """Implements `tools.budget.RunBudget`."""

    def __init__(self, store: Store, profiles: Profiles, clock: Clock, zone: tzinfo) -> None:
        self._store = store
        self._profiles = profiles
        self._clock = clock
        self._zone = zone

    async def tighten(self, usd: Decimal, context: ToolContext) -> str:
        """Limit the run to what it has spent and so much more; ToolError when a limit leaves less than that."""
        async with self._store.write() as tx:
            conversation = await tx.conversations.get(context.conversation_id)
            run = await tx.runs.get(context.run_id)
            if conversation is None or run is None:
                raise ToolError("There is no run to set a budget for.")
            key, now = conversation.key, self._clock()
            account = Account(key.team_id, key.channel_id, run.user_id, conversation.id, run.id)
            await tx.ledger.hold(key.team_id)
            left = await self._least_left(tx, conversation, account, now)
            if usd > left:
                raise ToolError(f"{show_usd(max(left, Decimal(0)))} is left. A budget can only be made smaller.")
            none = Limit(Scope.RUN, run.id, Decimal(0))
            spent = -await tx.ledger.left(account, none, at=now, zone=self._zone)
            change = BudgetChange(Scope.RUN, run.id, Period.TOTAL, spent + usd, AGENT, now)
            await tx.ledger.set_limit(change, team_id=key.team_id)
        return f"From now on at most {show_usd(usd)} more is spent on this question."

    async def _least_left(self, tx: Transaction, talk: Conversation, account: Account, now: float) -> Decimal:
        """What the tightest of all limits leaves."""
        limits = await limits_of(tx.ledger, talk, self._profiles.of(talk.profile), account, now, self._zone)
        whole = [limit for limit in limits if limit.scope is not Scope.STEP]
        return min([await tx.ledger.left(account, limit, at=now, zone=self._zone) for limit in whole])
