"""Which limits hold for a call, and what stands of them under an answer."""

from datetime import UTC, tzinfo
from decimal import Decimal

from bot.agent.profile import Profile, Profiles
from bot.domain.answer import Footer
from bot.domain.budget import Account, Limit, Period, Scope, with_grants
from bot.domain.conversation import Conversation
from bot.domain.money import ZERO
from bot.ports.ledger import Ledger


async def limits_of(
    ledger: Ledger, conversation: Conversation, profile: Profile, account: Account, now: float, zone: tzinfo = UTC
) -> tuple[Limit, ...]:
    """Every limit a call on this account must fit into, with what people granted beyond it."""
    key = conversation.key
    subjects = {
        Scope.RUN: account.run_id,
        Scope.CONVERSATION: conversation.id,
        Scope.USER: account.user_id,
        Scope.CHANNEL: key.channel_id,
        Scope.WORKSPACE: key.team_id,
    }
    own = await ledger.limits_of(key.team_id, subjects)
    fixed = [Limit(Scope.STEP, account.run_id, profile.max_cost_per_step)]
    if profile.max_cost_per_run is not None:
        fixed.append(Limit(Scope.RUN, account.run_id, profile.max_cost_per_run))
    if not any(limit.scope is Scope.CONVERSATION and limit.period is Period.TOTAL for limit in own):
        fixed.append(Limit(Scope.CONVERSATION, conversation.id, profile.max_cost_per_conversation))
    return with_grants((*fixed, *own), await ledger.grants_of(key.team_id, subjects), now, zone)


async def conversation_limit(ledger: Ledger, conversation: Conversation, profile: Profile) -> Decimal:
    """USD a conversation may cost in total: an admin's limit, else the profile's, and what people granted beyond."""
    team = conversation.key.team_id
    limits = await ledger.limits(team, Scope.CONVERSATION, conversation.id)
    own = [limit.usd for limit in limits if limit.period is Period.TOTAL]
    granted = await ledger.grants_of(team, {Scope.CONVERSATION: conversation.id})
    more = sum((grant.usd for grant in granted if grant.period is Period.TOTAL), ZERO)
    return (own[0] if own else profile.max_cost_per_conversation) + more


async def footer_of(
    ledger: Ledger, conversation: Conversation, profiles: Profiles, *, steps: int | None = None
) -> Footer:
    """Steps, tokens and money under an answer; `steps` of its run, or of all runs when it belongs to none."""
    profile, spend = profiles.of(conversation.profile), await ledger.spend(conversation.id)
    limit = await conversation_limit(ledger, conversation, profile)
    done = spend.steps if steps is None else steps
    return Footer(done, profile.max_steps, spend.usage.counted, spend.usd, limit)
