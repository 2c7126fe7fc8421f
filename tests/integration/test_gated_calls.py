"""From a model's wish to a deed that a person consented to: on a real store, with the hostile model's tricks (P6)."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.conversation import Standing
from bot.domain.errors import TransientError
from bot.domain.escalation import Origin, Proposal, State, Team
from bot.domain.principal import Principal, Role
from bot.ports.store import Queued
from bot.store.tables import escalations, inbox
from tests.contract.store_kit import KINDS, NOW, THREAD
from tests.fakes.counter import ANA, Counter, changed, open_counter, refund
from tools.base import ToolContext, ToolError

LARGE = refund(250)


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    async with open_counter(tmp_path) as opened:
        yield opened


@pytest.fixture(params=KINDS)
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Counter]:
    """On each database."""
    async with open_counter(tmp_path, request.param) as opened:
        yield opened


async def approved(counter: Counter, call: tuple[str, object] = LARGE) -> Queued:
    """A large refund that a person has consented to, not carried out yet."""
    [result] = await counter.wants(call)
    assert result.is_pending
    return await counter.approves()


async def test_a_small_refund_is_made_at_once(counter: Counter) -> None:
    [result] = await counter.wants(refund(30))
    assert result.is_done
    assert str(result.content).startswith("Refund RF-1001 of $30.00 to ana@cobalt-studio.example was issued")
    assert await counter.refunded() == ["30.00"]
    assert await counter.live() is None


async def test_p6_a_large_refund_is_not_made_but_put_before_people(counter: Counter) -> None:
    [result] = await counter.wants(LARGE)
    assert (result.is_error, result.is_pending) == (False, True)
    assert "Not done" in str(result.content)
    assert await counter.refunded() == []
    case = await counter.live()
    assert case is not None
    assert (case.origin, case.team, case.requested_by) == (Origin.GATED, Team.BILLING, "U1")
    assert "My invoice is wrong" in case.summary
    call = await counter.proposed()
    assert json.loads(call.arguments)["amount_usd"] == "250.00"
    assert (call.principal, call.role, call.profile) == ("T1:U1", "customer", "support")
    assert (call.policy, call.why) == (counter.policy.version, "Refunds of more than $100 need a person.")


async def test_p6_an_approved_call_is_made_exactly_as_approved_and_told_to_everybody(either: Counter) -> None:
    await either.carries_out(await approved(either))
    assert await either.refunded() == ["250.00"]
    assert "*issue_refund* was carried out: Refund RF-1001 of $250.00" in await either.under_card()
    [carry_on] = await either.carry_ons()
    assert "Sam Porter" in carry_on.note
    assert "Refund RF-1001 of $250.00" in carry_on.note
    assert (carry_on.user_id, carry_on.author_team) == ("U1", "T1")
    assert carry_on.deed is not None
    assert carry_on.deed.tool == "issue_refund"
    async with either.store.read() as tx:
        [event] = [e for e in await tx.traces.of_conversation(THREAD.id) if e.given.startswith("approved by")]
    assert event.ok


async def test_p6_replays_of_an_approval_change_nothing(either: Counter) -> None:
    queued = await approved(either)
    await asyncio.gather(*(replica.carries_out(queued) for _ in range(3) for replica in either.replicas))
    for stale in (queued, replace(queued, handled=False)):
        await either.calls.carry_out(stale, stale.incoming)  # type: ignore[arg-type]  # a call that was approved
    assert await either.refunded() == ["250.00"]
    assert len(await either.carry_ons()) == 1


async def test_p6_an_approval_of_another_digest_runs_nothing(counter: Counter) -> None:
    queued = changed(await approved(counter), digest="0" * 64)
    await counter.calls.carry_out(queued, queued.incoming)  # type: ignore[arg-type]  # as above
    assert await counter.refunded() == []
    assert "*not carried out*: The approval was given for something else" in await counter.under_card()


async def test_p6_without_an_approval_nothing_runs(counter: Counter) -> None:
    queued = await approved(counter)
    for state in set(State) - {State.APPROVED}:
        async with counter.store.write() as tx:
            await tx.connection.execute(sa.update(escalations).values(state=state.value))
            await tx.connection.execute(sa.update(inbox).values(handled_at=None))
        await counter.carries_out(queued)
        assert await counter.refunded() == [], state


async def test_p6_after_a_restart_the_approval_still_holds_and_is_used_once(counter: Counter) -> None:
    queued = await approved(counter)
    again = Counter(counter.store, counter.books, counter.town)
    await again.carries_out(queued)
    await again.carries_out(queued)
    await counter.carries_out(queued)
    assert await counter.refunded() == ["250.00"]


async def test_p6_a_kill_between_the_tools_work_and_our_record_makes_one_refund(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        queued = await approved(counter)
        victim = "import asyncio, sys; from tests.fakes.counter import dies_in_the_middle as die"
        program = f"{victim}; asyncio.run(die(*sys.argv[1:]))"
        url = f"sqlite:///{tmp_path}/test.db"
        died = await asyncio.create_subprocess_exec(sys.executable, "-c", program, url, queued.id)
        assert await died.wait() == -signal.SIGKILL
        assert await counter.refunded() == ["250.00"]
        assert await counter.carry_ons() == []
        await counter.carries_out(queued)
        await counter.carries_out(queued)
        assert await counter.refunded() == ["250.00"]
        [carry_on] = await counter.carry_ons()
        assert "Refund RF-1001 of $250.00 to ana@cobalt-studio.example was issued" in carry_on.note


async def test_p6_a_changed_policy_voids_what_was_approved_under_the_old_one(counter: Counter) -> None:
    queued = await approved(counter)
    stricter = counter.with_policy('[[gate]]\ntool = "issue_refund"\nwhy = "Every refund needs a person now."')
    await stricter.carries_out(queued)
    assert await counter.refunded() == []
    assert "The rules (policy file) have changed" in await counter.under_card()
    [carry_on] = await counter.carry_ons()
    assert "was NOT carried out" in carry_on.note
    assert carry_on.deed is None


async def test_p6_after_a_start_with_other_rules_a_call_that_waits_is_taken_off_its_card(counter: Counter) -> None:
    await counter.wants(LARGE)
    await counter.calls.withdraw_outdated()
    assert await counter.proposed()
    other = counter.with_policy('[[gate]]\ntool = "issue_refund"\nwhy = "Every refund needs a person now."')
    for _ in range(2):
        await other.calls.withdraw_outdated()
    case = await counter.live()
    assert case is not None
    assert (case.state, case.proposal) == (State.OPEN, None)
    told = await counter.under_card()
    assert told.count("The rules (policy file) have changed") == 1
    assert "250.00" in told


@pytest.mark.parametrize(("standing", "told"), [(Standing.HUMAN, "A person is in charge"), (Standing.CLOSED, "closed")])
async def test_p6_nothing_runs_once_a_person_is_in_charge_or_the_conversation_is_closed(
    counter: Counter, standing: Standing, told: str
) -> None:
    queued = await approved(counter)
    async with counter.store.write() as tx:
        await tx.conversations.set_owner(THREAD.id, standing, "U0SAM" if standing is Standing.HUMAN else None)
    await counter.carries_out(queued)
    assert await counter.refunded() == []
    assert told in await counter.under_card()
    assert await counter.carry_ons() == []


async def test_p6_a_profile_that_lost_the_tool_runs_nothing(counter: Counter) -> None:
    queued = await approved(counter)
    support = counter.profiles.of("support")
    counter.profiles._by_name = {"support": support.model_copy(update={"tools": ("search_knowledge_base",)})}
    await counter.carries_out(queued)
    assert await counter.refunded() == []
    assert "may not use this tool any more" in await counter.under_card()


async def test_p6_somebody_who_is_staff_no_more_gets_nothing_for_another_customer(counter: Counter) -> None:
    counter.town.staff.add("U1")
    boss = replace(ANA, role=Role.STAFF, email="boss@fernway.example")
    [result] = await counter.wants(refund(250, customer_email="bo@northpine.example"), who=boss)
    assert result.is_pending
    queued = await counter.approves()
    counter.town.staff.clear()
    for _ in range(3):
        with pytest.raises(TransientError):
            await counter.carries_out(queued)
    await counter.carries_out(queued)
    assert await counter.books.recent("bo@northpine.example") == ()
    assert "not entitled to it any more" in await counter.under_card()


async def test_while_slack_does_not_tell_who_somebody_is_the_call_waits(counter: Counter) -> None:
    queued = await approved(counter)
    counter.town.is_dumb = True
    with pytest.raises(TransientError):
        await counter.carries_out(queued)
    counter.town.is_dumb = False
    await counter.carries_out(queued)
    assert await counter.refunded() == ["250.00"]


async def test_a_call_that_fails_again_and_again_is_given_up_in_honest_words(counter: Counter) -> None:
    queued = await approved(counter)
    await counter.carries_out(queued, gave_up=True)
    assert "it is not certain whether it was done" in await counter.under_card()
    [carry_on] = await counter.carry_ons()
    assert "not known whether it was carried out" in carry_on.note
    assert "NOT carried out" not in carry_on.note


async def test_what_the_tool_refuses_is_told_and_the_approval_is_used_up(counter: Counter) -> None:
    queued = await approved(counter, refund(600))
    counter.town.email = "bo@northpine.example"
    await counter.carries_out(queued)
    assert await counter.refunded() == []
    assert "was approved, but did not work: Only the account" in await counter.under_card()
    assert len(await counter.carry_ons()) == 1


# --- the model at its worst ---


async def test_p6_five_thousand_dollars_ten_times_at_once_are_one_question_to_people(either: Counter) -> None:
    results = await either.wants(*[refund(700)] * 8)
    assert all(result.is_pending for result in results)
    assert await either.cards() == 1
    assert await either.refunded() == []
    more = await either.wants(*[refund(700)] * 10, run="run-2")
    assert not any(result.is_done for result in more)
    assert await either.cards() == 1


async def test_p6_two_different_calls_in_one_run_are_not_both_asked_about(either: Counter) -> None:
    results = await either.wants(refund(700), refund(699), refund(698))
    assert sorted((r.is_pending, r.is_error) for r in results) == [(False, True), (False, True), (True, False)]
    assert all("only one at a time" in str(r.content) for r in results if r.is_error)
    assert await either.cards() == 1


async def test_p6_split_into_parts_it_is_still_one_sum(either: Counter) -> None:
    results = await either.wants(*[refund(40 + cents / 100) for cents in range(5)])
    assert sum(result.is_done for result in results) == 2
    assert sum(map(float, await either.refunded())) <= 100
    call = await either.proposed()
    assert "within 24 hours come to more than $100" in call.why
    later = await either.wants(refund(30), run="run-2")
    assert not later[0].is_done


NO_AMOUNTS = (
    "NaN", "Infinity", "-Infinity", "1e999", "-5", "-0", "0", "0.001", "100.001", '"five"', '"1e3"', '" 30"', '"-30"',
    '"\u0663\u0660"', '"\uff13\uff10"', '"30 USD"', '"$30"', "true", "null", "[30]", '{"value": 30}', "9999999999",
    '""', "1" * 400,
)  # fmt: skip


def written(amount: str) -> tuple[str, object]:
    """A refund of an amount that is written so."""
    return "issue_refund", f'{{"customer_email": "{ANA.email}", "amount_usd": {amount}, "reason": "charged twice"}}'


async def test_p6_amounts_that_are_no_amounts_are_the_models_to_mend(counter: Counter) -> None:
    for amount in NO_AMOUNTS:
        [result] = await counter.wants(written(amount), run=f"run-{amount[:20]}")
        assert (result.is_error, result.is_pending) == (True, False), amount
    assert await counter.refunded() == []
    assert await counter.cards() == 0


async def test_p6_other_ways_to_write_an_amount_are_what_they_are(counter: Counter) -> None:
    for amount in ("1e1", "30.50", '"31.50"'):
        [result] = await counter.wants(written(amount), run=f"run-{amount}")
        assert result.is_done, amount
    [result] = await counter.wants(written("0.7e3"))
    assert not result.is_done
    assert await counter.refunded() == ["10.00", "30.50", "31.50"]


async def test_p6_an_amount_that_stands_twice_is_judged_as_it_would_be_run(counter: Counter) -> None:
    for first, second in ((5, 600), (600, 5)):
        given = (
            f'{{"customer_email": "{ANA.email}", "amount_usd": {first}, "amount_usd": {second}, "reason": "double"}}'
        )
        [result] = await counter.wants(("issue_refund", given), run=f"run-{first}")
        assert result.is_done == (second == 5)
    assert await counter.refunded() == ["5.00"]


async def test_nobody_is_asked_about_what_could_not_be_done_anyway(counter: Counter) -> None:
    for call, told in [
        (refund(5000), "At most $710.71"),
        (refund(250, customer_email="bo@northpine.example"), "Only the account of the person who is writing"),
        (refund(250, note="x"), "Extra inputs are not permitted"),
    ]:
        [result] = await counter.wants(call, run=f"run-{told}")
        assert result.is_error
        assert told in str(result.content)
    assert await counter.cards() == 0


async def test_what_was_refunded_already_is_not_asked_for_again(counter: Counter) -> None:
    await counter.carries_out(await approved(counter))
    [again] = await counter.wants(LARGE, run="run-2")
    assert again.is_error
    assert "was issued already in this conversation" in str(again.content)
    assert await counter.cards() == 1


async def test_a_run_that_was_taken_over_can_ask_for_nothing(counter: Counter) -> None:
    async with counter.store.write() as tx:
        await tx.conversations.set_owner(THREAD.id, Standing.HUMAN, "U0SAM")
    context = ToolContext(ANA, THREAD.id, "run-1", "", 1, profile="support")
    tool = next(tool for tool in counter.tools if tool.name == "issue_refund")
    gate = counter.toolbox._gate
    assert gate is not None
    with pytest.raises(ToolError, match="already in charge"):
        await gate.run(tool, json.dumps(LARGE[1]), context)
    assert await counter.cards() == 0


async def test_a_reply_that_waits_gives_way_to_a_call_of_a_later_turn_but_a_call_never_does(counter: Counter) -> None:
    await counter.wants(LARGE)
    [other] = await counter.wants(refund(300), run="run-2")
    assert other.is_error
    assert json.loads((await counter.proposed()).arguments)["amount_usd"] == "250.00"


# --- forms ---


async def test_a_form_shows_typed_fields_and_its_edit_is_a_call_of_its_own(counter: Counter) -> None:
    await counter.wants(LARGE)
    call = await counter.proposed()
    fields = {field.name: field for field in counter.forms.fields_of(call)}
    assert {name: (f.label, f.kind, f.value) for name, f in fields.items()} == {
        "customer_email": ("Customer email", "text", ANA.email),
        "amount_usd": ("Amount (USD)", "number", "250.00"),
        "reason": ("Reason", "text", "INV-2026-15477 was charged twice"),
    }
    edited = await counter.edits(call, amount_usd="126.5")
    assert json.loads(edited.arguments) == json.loads(call.arguments) | {"amount_usd": "126.50"}
    assert Proposal("", (), edited).digest != Proposal("", (), call).digest
    assert await counter.edits(edited, amount_usd="250") == call
    assert (await counter.edits(call, amount_usd="50")).why == call.why


async def test_an_edit_that_does_not_fit_says_which_field_is_wrong(counter: Counter) -> None:
    await counter.wants(LARGE)
    for arguments in ({"amount_usd": "a lot"}, {"amount_usd": "-1"}, {"tip": "1"}, {"reason": ""}):
        with pytest.raises(ToolError, match=next(iter(arguments))):
            await counter.edits(await counter.proposed(), **arguments)


async def test_an_edit_that_could_not_work_says_so_in_the_form(counter: Counter) -> None:
    await counter.wants(refund(30))
    await counter.wants(LARGE, run="run-2")
    call = await counter.proposed()
    with pytest.raises(ToolError, match="At most"):
        await counter.edits(call, amount_usd="5000")
    with pytest.raises(ToolError, match="Only the account"):
        await counter.edits(call, customer_email="bo@northpine.example")
    assert json.loads((await counter.edits(call, amount_usd="30")).arguments)["amount_usd"] == "30.00"
    counter.town.is_dumb = True
    assert await counter.edits(call, amount_usd="5000"), "who it is for is not known now: the run looks again"


async def test_a_choice_is_shown_with_its_options(counter: Counter) -> None:
    guest = Principal("T1", "U1", Role.EXTERNAL, "Ana", ANA.email)
    ticket = {
        "customer_email": ANA.email, "subject": "It burns", "body": "Everything is down.", "priority": "urgent",
        "category": "technical",
    }  # fmt: skip
    [result] = await counter.wants(("create_ticket", ticket), who=guest)
    assert result.is_pending
    fields = {field.name: field for field in counter.forms.fields_of(await counter.proposed())}
    assert (fields["priority"].kind, fields["priority"].options) == ("choice", ("low", "medium", "high", "urgent"))


async def test_the_digest_is_of_everything_the_consent_is_about(counter: Counter) -> None:
    await counter.wants(LARGE)
    call = await counter.proposed()
    others = [
        replace(call, tool="x"), replace(call, arguments="{}"), replace(call, principal="T1:U2"),
        replace(call, role="staff"), replace(call, profile="triage"), replace(call, policy="other"),
    ]  # fmt: skip
    assert len({Proposal("", (), one).digest for one in (call, *others)}) == 7
    assert Proposal("", (), replace(call, why="other words")).digest == Proposal("", (), call).digest
    assert NOW
