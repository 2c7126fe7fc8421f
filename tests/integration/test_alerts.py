"""A quiet line for staff once most of a limit is used: of every scope, in every period, once; on both databases."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.agent.profile import Profiles, load_profile
from bot.desk.alerts import Alerts
from bot.desk.people import StaffRoom
from bot.domain.budget import EVERY, BudgetChange, Grant, Limit, Period, Scope
from bot.domain.conversation import Surface
from bot.domain.effects import Outgoing, Place, ShowNotice
from bot.domain.exchange import Usage
from bot.ports.slack import Person
from bot.ports.store import Run
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, NOW, THREAD, account, claim, conversation, database, open_store

RUN = Run("run-1", THREAD.id, ("i1",), "U1", epoch=1, live_key=None, started_at=NOW)
DAY = 86_400.0
CEILING = Limit(Scope.WORKSPACE, "T1", Decimal(50), Period.MONTH)
WORDS = {
    Scope.CONVERSATION: "<https://fernway.slack.com/archives/C1/p1|a conversation>",
    Scope.USER: "<@U1>",
    Scope.CHANNEL: "the channel <#C1>",
    Scope.WORKSPACE: "the whole workspace",
}
SUBJECTS = {Scope.CONVERSATION: THREAD.id, Scope.USER: "U1", Scope.CHANNEL: "C1", Scope.WORKSPACE: "T1"}


class Town:
    """Slack's directory, which remembers that it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def person(self, user_id: str) -> Person:
        return Person(user_id, "T1", "Ana", None, is_bot=False)

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        return True

    async def in_group(self, group_id: str, user_id: str) -> bool:
        return False

    async def permalink(self, place: Place) -> str:
        self.asked += 1
        return "https://fernway.slack.com/archives/C1/p1"


class Till:
    """A conversation that costs money, and the lines about it."""

    def __init__(self, store: SqlStore, *, ceiling: Limit | None = None, alert_at: float = 0.75) -> None:
        self.store, self.town, self.now = store, Town(), NOW
        profile = load_profile("support").model_copy(update={"alert_at": alert_at})
        room = StaffRoom("C0STAFF", {}, frozenset(), frozenset())
        profiles, zone = Profiles({"support": profile}), ZoneInfo("Europe/Berlin")
        self._alerts = Alerts(store, self.town, room, profiles, lambda: self.now, zone=zone, ceiling=ceiling)

    async def limit(self, scope: Scope, usd: str, period: Period, *, of: str = "") -> None:
        async with self.store.write() as tx:
            change = BudgetChange(scope, of or SUBJECTS[scope], period, Decimal(usd), "U9", self.now)
            await tx.ledger.set_limit(change, team_id="T1")

    async def spend(self, usd: str, *, settled: bool = True, **payer: str) -> None:
        async with self.store.write() as tx:
            reserved = await tx.ledger.reserve(claim(usd, payer=replace(account(), **payer)), at=self.now)
            if settled:
                await tx.ledger.settle(reserved, usd=Decimal(usd), usage=Usage(), model="claude-test")

    async def told(self) -> list[str]:
        """What staff read when the run ends now."""
        lines = await self._alerts.due(RUN)
        async with self.store.write() as tx:
            await tx.outbox.add(*lines)
        return [_text(line) for line in lines]


def _text(line: Outgoing) -> str:
    assert isinstance(line.effect, ShowNotice)
    assert (line.effect.place, line.lane) == (Place("T1", "C0STAFF"), "staff:alerts:T1")
    return line.effect.text


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        async with opened.write() as tx:
            await tx.conversations.open(conversation())
        yield opened


@pytest.mark.parametrize("period", list(Period))
@pytest.mark.parametrize("scope", list(WORDS))
async def test_staff_are_told_once_of_each_limit_that_is_mostly_used(
    scope: Scope, period: Period, store: SqlStore
) -> None:
    till = Till(store)
    await till.limit(scope, "1", period)
    await till.spend("0.74")
    assert (await till.told(), till.town.asked) == ([], 0), "nobody waits for Slack without need"
    await till.spend("0.01")
    per = "" if period is Period.TOTAL else f" per {period}"
    assert await till.told() == [f"Heads-up: {WORDS[scope]} has used $0.750 of its $1.00{per}."]
    await till.spend("0.1")
    assert await till.told() == []
    assert till.town.asked == (scope is Scope.CONVERSATION)


async def test_what_others_spend_counts_where_it_counts(store: SqlStore) -> None:
    till = Till(store)
    await till.limit(Scope.USER, "1", Period.DAY, of=EVERY)
    await till.limit(Scope.CHANNEL, "1", Period.DAY, of=EVERY)
    await till.limit(Scope.WORKSPACE, "1", Period.DAY)
    await till.spend("0.8", user_id="U2", channel_id="C2", conversation_id="T1:C2:1.0")
    assert await till.told() == ["Heads-up: the whole workspace has used $0.800 of its $1.00 per day."]


@pytest.mark.parametrize("period", [Period.DAY, Period.WEEK, Period.MONTH])
async def test_a_new_period_and_a_new_limit_are_told_anew(period: Period, store: SqlStore) -> None:
    till = Till(store)
    await till.limit(Scope.USER, "1", period)
    await till.spend("0.8", conversation_id="T1:C1:2.0")
    assert len(await till.told()) == 1
    await till.limit(Scope.USER, "1.05", period)
    assert len(await till.told()) == 1
    till.now += 31 * DAY
    assert await till.told() == [], "nothing is used of the new one yet"
    await till.spend("0.8", conversation_id="T1:C1:2.0")
    assert len(await till.told()) == 1


async def test_what_people_granted_raises_what_is_told(store: SqlStore) -> None:
    till = Till(store)
    await till.limit(Scope.USER, "1", Period.DAY)
    async with store.write() as tx:
        await tx.ledger.grant(Grant(Scope.USER, "U1", Period.DAY, Decimal("0.5"), "U9", NOW), team_id="T1")
    await till.spend("1.1")
    assert await till.told() == []
    await till.spend("0.1")
    assert await till.told() == ["Heads-up: <@U1> has used $1.20 of its $1.50 per day."]


async def test_what_is_only_set_aside_is_not_used(store: SqlStore) -> None:
    till = Till(store)
    await till.limit(Scope.WORKSPACE, "1", Period.DAY)
    await till.spend("0.9", settled=False)
    assert await till.told() == []


async def test_the_operators_ceiling_is_told_as_such(store: SqlStore) -> None:
    till = Till(store, ceiling=CEILING)
    await till.limit(Scope.WORKSPACE, "100", Period.MONTH)
    await till.spend("40", conversation_id="T1:C1:2.0")
    [line] = await till.told()
    assert "the whole workspace has used $40.00 of the $50.00 per month that whoever runs this bot allows" in line
    assert await till.told() == []


async def test_the_profile_says_from_which_share_on(store: SqlStore) -> None:
    till = Till(store, alert_at=0.5)
    await till.spend("1")  # of the profile's $2.00 for a conversation
    assert await till.told() == [f"Heads-up: {WORDS[Scope.CONVERSATION]} has used $1.00 of its $2.00."]


async def test_direct_messages_are_named_by_whose_they_are(store: SqlStore) -> None:
    till = Till(store)
    thread = replace(THREAD, channel_id="D1")
    async with store.write() as tx:
        await tx.conversations.open(replace(conversation(thread), surface=Surface.DM))
    await till.limit(Scope.CHANNEL, "1", Period.WEEK, of=EVERY)
    await till.spend("0.9", channel_id="D1", conversation_id=thread.id)
    lines = await till._alerts.due(replace(RUN, conversation_id=thread.id))
    assert [_text(line) for line in lines] == [
        "Heads-up: the direct chat of <@U1> has used $0.900 of its $1.00 per week."
    ]
