"""Who may agree to what, for how long, and what becomes of a proposal that was changed: on both databases."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.agent.approvals import ApprovalRules
from bot.desk.ownership import By
from bot.domain.effects import ShowAnswer, ShowNotice
from bot.domain.escalation import Decision, Proposal, State, Team
from bot.domain.exchange import Citation
from bot.domain.incoming import DecisionMade
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, NOW, THREAD, database, message, open_store, queued
from tests.fakes.deciders import RULES, Deciders, Town, refund_call

REPLY = Proposal("We refund $81. It takes five days.", (Citation("kb://refunds", "Refunds", "five days"),))
TWO = ApprovalRules.model_validate({"approvals": {"two_people": "always"}})


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        await queued(opened)
        yield opened


@pytest.fixture
def desk(store: SqlStore) -> Deciders:
    return Deciders(store)


async def sent(desk: Deciders) -> list[str]:
    return [e.answer.text for _, e in await desk.effects() if isinstance(e, ShowAnswer)]


async def told(desk: Deciders) -> list[str]:
    return [e.text for _, e in await desk.effects() if isinstance(e, ShowNotice)]


async def calls_queued(desk: Deciders) -> list[str]:
    async with desk.store.read() as tx:
        return list(await tx.connection.scalars(sa.text("select payload from inbox where kind = 'approved_call'")))


async def test_an_edited_reply_is_shown_with_its_difference_and_only_the_new_one_can_be_sent(desk: Deciders) -> None:
    await desk.open(REPLY)
    assert await desk.edits("USAM", 1, text="We refund $81. It takes ten days.") == ""
    case = await desk.case()
    assert (case.state, case.version, case.edited_by) == (State.OPEN, 2, "USAM")
    said = await desk.under_card()
    assert "Sam changed the proposal" in said
    assert "- It takes five days." in said
    assert "+ It takes ten days." in said
    assert "changed since" in await desk.press("UGRACE", Decision.APPROVE, version=1)
    assert await desk.press("UGRACE", Decision.APPROVE, version=2) == ""
    assert await sent(desk) == ["We refund $81. It takes ten days."]
    edit, approval = await desk.deeds()
    assert (edit.action, edit.actor, approval.action, approval.actor) == (
        "case.edit", "USAM", "case.approve", "UGRACE",
    )  # fmt: skip
    assert (edit.before, edit.after) == (REPLY.text, "We refund $81. It takes ten days.")
    assert edit.digest == approval.digest != REPLY.digest


async def test_edit_and_approve_in_one_breath(desk: Deciders) -> None:
    await desk.open(Proposal("", (), refund_call("150.00")))
    assert await desk.edits("USAM", 1, approve=True, amount="120.5") == ""
    case = await desk.case()
    assert case.state is State.APPROVED
    assert case.proposal is not None
    assert case.proposal.call is not None
    assert '"amount":"120.5"' in case.proposal.call.arguments
    assert "charged twice" in case.proposal.call.arguments
    assert case.proposal.digest in (await calls_queued(desk))[0]
    assert "amount: 150.00 → **120.5**" in await desk.under_card()


async def test_p6_a_change_that_is_approved_while_the_customer_writes_is_not_sent_and_given_back(
    desk: Deciders,
) -> None:
    await desk.open(REPLY)
    async with desk.store.write() as tx:
        await tx.inbox.add("in-1", message(), conversation_id=THREAD.id, partition=THREAD.id)
    told = await desk.edits("USAM", 1, text="We refund $90.", approve=True)
    assert "nothing was sent or done" in told
    assert "We refund $90." in told
    assert await sent(desk) == []
    case = await desk.case()
    assert (case.state, case.proposal) == (State.OPEN, None)


async def test_p6_who_deletes_the_reply_does_not_send_the_old_one(desk: Deciders) -> None:
    await desk.open(REPLY)
    assert "There is no reply left" in await desk.edits("USAM", 1, text=" ", approve=True)
    assert await sent(desk) == []
    assert (await desk.case()).version == 1


async def test_arguments_the_tool_does_not_take_change_nothing_and_are_given_back(desk: Deciders) -> None:
    await desk.open(Proposal("", (), refund_call()))
    refusal = await desk.edits("USAM", 1, approve=True, amount="-3")
    assert "amount" in refusal
    assert "amount: -3" in refusal
    assert (await desk.case()).version == 1


async def test_a_form_that_was_opened_before_a_change_gives_the_words_back(desk: Deciders) -> None:
    await desk.open(REPLY)
    await desk.edits("USAM", 1, text="First.")
    refusal = await desk.edits("UGRACE", 1, text="My long careful words.", approve=True)
    assert "changed since you opened the form" in refusal
    assert "My long careful words." in refusal
    case = await desk.case()
    assert case.proposal is not None
    assert case.proposal.text == "First."
    assert await sent(desk) == []


async def test_p6_a_card_that_tells_no_version_is_good_only_for_what_never_changed(desk: Deciders) -> None:
    await desk.open(REPLY)
    await desk.edits("USAM", 1, text="Other words.")
    assert "changed since" in await desk.press("UGRACE", Decision.APPROVE)
    assert await sent(desk) == []
    await desk.press("UGRACE", Decision.DENY, note="start again")
    await desk.open(REPLY, case_id="esc-3")
    assert await desk.press("UGRACE", Decision.APPROVE, case_id="esc-3") == ""
    assert await sent(desk) == [REPLY.text]


async def test_saving_an_unchanged_form_changes_nothing(desk: Deciders) -> None:
    await desk.open(REPLY)
    assert await desk.edits("USAM", 1, text=REPLY.text) == ""
    assert (await desk.case()).version == 1
    assert await desk.deeds() == []


async def test_p6_who_may_not_approve_an_amount_may_not_edit_it_there_either(desk: Deciders) -> None:
    await desk.open(Proposal("", (), refund_call("150.00")))
    refusal = await desk.edits("USAM", 1, approve=True, amount="900")
    assert "over $500: finance" in refusal
    assert (await desk.case()).state is State.OPEN
    assert await calls_queued(desk) == []
    assert "finance" in await desk.press("USAM", Decision.APPROVE, version=2)
    assert await desk.press("ULEO", Decision.APPROVE, version=2) == ""
    assert len(await calls_queued(desk)) == 1


@pytest.mark.parametrize("amount", ["500.01", "1e9"])
async def test_p6_a_limit_asks_for_its_role(desk: Deciders, amount: str) -> None:
    await desk.open(Proposal("", (), refund_call(amount)))
    assert "takes somebody of *finance*" in await desk.press("UGRACE", Decision.APPROVE, version=1)
    assert await desk.press("ULEO", Decision.APPROVE, version=1) == ""


async def test_p6_an_amount_nobody_can_read_counts_as_above(store: SqlStore) -> None:
    rules = ApprovalRules.model_validate(
        {**RULES.model_dump(), "limit": [{"tool": "*", "field": "sum", "above": 5, "role": "finance"}]}
    )
    desk = Deciders(store, rules)
    await desk.open(Proposal("", (), refund_call("1.00")))
    assert "finance" in await desk.press("USAM", Decision.APPROVE, version=1)


async def test_p6_while_slack_does_not_tell_who_is_in_a_group_nobody_has_the_role(store: SqlStore) -> None:
    desk = Deciders(store, town=Town(groups={}))
    await desk.open(Proposal("", (), refund_call("900")))
    assert "nobody can do that at the moment" in await desk.press("ULEO", Decision.APPROVE, version=1)
    assert (await desk.case()).state is State.OPEN


async def test_p6_bots_strangers_and_people_of_another_workspace_decide_nothing(store: SqlStore) -> None:
    desk = Deciders(store, town=Town(bots={"UPAGER"}))
    await desk.open(REPLY)
    for who, team in (("UPAGER", "T1"), ("UANA", "T1"), ("USAM", "T9")):
        assert "Only members" in await desk.press(who, Decision.APPROVE, version=1, team=team)
        assert "Only members" in await desk.press(who, Decision.DENY, note="because", team=team)
    assert (await desk.case()).state is State.OPEN
    assert await desk.deeds() == []


async def test_of_two_people_the_second_completes_and_nobody_is_both(store: SqlStore) -> None:
    desk = Deciders(store, TWO)
    await desk.open(REPLY)
    assert await desk.press("USAM", Decision.APPROVE, version=1) == ""
    assert await sent(desk) == []
    assert "takes a second person" in await desk.under_card()
    assert "a second person has to approve it" in await desk.press("USAM", Decision.APPROVE, version=2)
    assert await desk.press("USAM", Decision.APPROVE, version=1) == "", "the second half of a double press"
    assert await desk.press("UGRACE", Decision.APPROVE, version=2) == ""
    assert await sent(desk) == [REPLY.text]
    case = await desk.case()
    assert (case.first_by, case.decided_by) == ("USAM", "UGRACE")
    assert [d.action for d in await desk.deeds()] == ["case.approve_first", "case.approve"]


async def test_an_edit_takes_back_what_the_first_of_two_agreed_to_and_its_author_is_only_one_of_them(
    store: SqlStore,
) -> None:
    desk = Deciders(store, TWO)
    await desk.open(REPLY)
    await desk.press("USAM", Decision.APPROVE, version=1)
    assert await desk.edits("UGRACE", 2, text="Something else.", approve=True) == ""
    case = await desk.case()
    assert (case.state, case.first_by, case.edited_by) == (State.OPEN, "UGRACE", "UGRACE")
    assert "second person" in await desk.press("UGRACE", Decision.APPROVE, version=case.version)
    assert await desk.press("USAM", Decision.APPROVE, version=case.version) == ""
    assert await sent(desk) == ["Something else."]


async def test_what_nobody_approves_in_time_expires_and_the_customer_is_told_the_truth(desk: Deciders) -> None:
    await desk.open(REPLY)
    await desk.passes(hours=3.9)
    assert (await desk.case()).state is State.OPEN
    await desk.passes(hours=0.2)
    case = await desk.case()
    assert (case.state, case.decided_by) == (State.EXPIRED, "")
    (words,) = await told(desk)
    assert "I have not sent it" in words
    assert await sent(desk) == []
    successor = await desk.case("esc-late")
    assert successor.state is State.OPEN
    assert successor.proposal is None
    assert REPLY.text in successor.summary
    assert "The time to approve this is over" in await desk.press("USAM", Decision.APPROVE, version=1)
    assert [d.action for d in await desk.deeds()] == ["case.expire"]
    await desk.passes(hours=100)
    assert len(await told(desk)) == 1


async def test_only_business_hours_count(desk: Deciders) -> None:
    """NOW is a Friday at 8:00; from 22:00 two of the four hours are left for Monday."""
    await desk.passes(hours=14)
    await desk.open(Proposal("", (), refund_call()))
    await desk.passes(hours=2 + 48 + 1.9)
    assert (await desk.case()).state is State.OPEN
    await desk.passes(hours=0.2)
    assert (await desk.case()).state is State.EXPIRED
    assert "it has not been done" in (await told(desk))[0]


async def test_an_approval_that_comes_before_a_late_timer_is_too_late_all_the_same(desk: Deciders) -> None:
    await desk.open(REPLY)
    desk.now += 5 * 3600
    assert "The time to approve this is over" in await desk.press("USAM", Decision.APPROVE, version=1)
    assert await sent(desk) == []
    assert (await desk.case()).state is State.EXPIRED


async def test_a_changed_proposal_has_its_own_time_and_a_decided_one_none(desk: Deciders) -> None:
    await desk.open(REPLY)
    await desk.passes(hours=3)
    await desk.edits("USAM", 1, text="Other words.")
    await desk.passes(hours=3)
    assert (await desk.case()).state is State.OPEN
    await desk.press("USAM", Decision.DENY, note="not like this")
    await desk.passes(hours=3)
    assert (await desk.case()).state is State.DENIED


async def test_a_newer_finding_takes_back_every_consent_to_the_older_one(store: SqlStore) -> None:
    desk = Deciders(store, TWO)
    await desk.open(REPLY)
    await desk.press("USAM", Decision.APPROVE, version=1)
    await desk.open(Proposal("A better reply."), case_id="esc-2")
    case = await desk.case()
    assert (case.first_by, case.edited_by, case.version) == ("", "", 3)
    assert "which no longer holds" in await desk.under_card()
    assert "changed since" in await desk.press("UGRACE", Decision.APPROVE, version=2)
    assert await sent(desk) == []


async def test_p6_when_the_customer_wrote_meanwhile_an_approval_withdraws_the_proposal(desk: Deciders) -> None:
    await desk.open(REPLY)
    async with desk.store.write() as tx:
        await tx.inbox.add("i1", message(), conversation_id=THREAD.id, partition=THREAD.id)
    assert "changed since" in await desk.press("USAM", Decision.APPROVE, version=1)
    assert (await desk.case()).proposal is None
    assert await sent(desk) == []
    assert [d.action for d in await desk.deeds()] == ["case.withdraw"]


async def test_a_denial_takes_a_reason(desk: Deciders) -> None:
    await desk.open(REPLY)
    assert "needs a reason" in await desk.press("USAM", Decision.DENY, note="  ")
    assert (await desk.case()).state is State.OPEN


@pytest.mark.parametrize("shown", [None, REPLY])
async def test_p6_what_changed_after_the_rights_were_checked_is_not_approved_by_a_card_without_a_version(
    desk: Deciders, shown: Proposal | None
) -> None:
    """Between the look at who may press and the decision itself the agent finds something else to propose."""
    seen = await desk.open(shown)
    await desk.open(Proposal("", (), refund_call("900.00")), case_id="esc-later")
    press = DecisionMade("esc", Decision.APPROVE, "T1", "USAM", "C0STAFF", None, "press-1", user_team="T1")
    async with desk.store.write() as tx:
        assert not await desk.decisions.apply(tx, press, seen, By("USAM", "Sam"))
    assert (await desk.case()).state is State.OPEN
    assert await calls_queued(desk) == []


async def test_of_many_who_approve_edit_and_deny_at_once_exactly_one_decides(store: SqlStore) -> None:
    for _ in range(3):
        desk = Deciders(store)
        async with store.write() as tx:
            await tx.connection.execute(sa.text("delete from escalations"))
            await tx.connection.execute(sa.text("delete from outbox"))
        await desk.open(REPLY)
        await asyncio.gather(
            desk.press("USAM", Decision.APPROVE, version=1),
            desk.edits("UGRACE", 1, text="Other.", approve=True),
            desk.press("ULEO", Decision.DENY, note="no, not this"),
        )
        case = await desk.case()
        assert case.state in (State.APPROVED, State.DENIED)
        assert len(await sent(desk)) == (case.state is State.APPROVED)


async def test_p6_a_team_may_have_its_own_approvers(store: SqlStore) -> None:
    rules = ApprovalRules.model_validate({**RULES.model_dump(), "limit": [{"team": "billing", "role": "finance"}]})
    desk = Deciders(store, rules)
    await desk.open(REPLY, team=Team.BILLING)
    assert "finance" in await desk.press("UGRACE", Decision.APPROVE, version=1)
    assert await desk.press("UGRACE", Decision.TAKE_OVER) == "", "taking over takes no role"


def test_now_is_a_friday_morning() -> None:
    """What the test of business hours counts on."""
    assert (NOW // 86400 + 3) % 7 == 4
    assert NOW % 86400 // 3600 == 8
