"""P6 for tools that are not our own: people consent to what a tool was when the call was put before them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.escalation import Decision, GatedCall, Proposal, State
from bot.domain.incoming import CallApproved, ProposalEdited
from bot.domain.revision import Fault
from bot.ports.slack import Person
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, database, open_store, queued
from tests.fakes.deciders import POLICY, Deciders, Town
from tools.base import Tool, ToolContext, ToolError, ToolOutput
from tools.mcp.definition import Definition
from tools.mcp.shape import OpenArguments, arguments_of

SEND = Definition.of("files", "send", "Sends a file.", {"properties": {"path": {"type": "string"}}})
ANOTHER = "files__send has become another tool since it was put before people"


class Place(Town):
    """Slack's directory; something may happen while it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.after: dict[tuple[str, str], Callable[[], None]] = {}
        """What happens when the second of two people is asked about after the first."""

    async def person(self, user_id: str) -> Person:
        for earlier in self.asked:
            self.after.get((earlier, user_id), lambda: None)()
        self.asked.append(user_id)
        return replace(await super().person(user_id), email="ana@cobalt-studio.example")


class Shop(Deciders):
    """Deciders about a call of `files__send`, which its server may describe otherwise by now."""

    def __init__(self, store: SqlStore) -> None:
        self.place = Place()
        super().__init__(store, town=self.place)
        self.sent: list[str] = []
        self.is_killed = self.is_off = False
        self.offers(SEND)
        self.call = GatedCall("files__send", '{"path":"a"}', "T1:U1", "support", POLICY.version, "Asks people.",
                              "customer", SEND.digest)  # fmt: skip

    def offers(self, definition: Definition) -> None:
        async def send(arguments: OpenArguments, _: ToolContext) -> ToolOutput:
            if self.is_off:
                raise ToolError("switched off")
            self.sent.append(f"{definition.description} {arguments.model_dump_json()}")
            if self.is_killed:
                raise asyncio.CancelledError
            return ToolOutput("sent")

        self.tools[definition.name] = Tool(
            definition.name, "", arguments_of(definition), send, "", version=definition.digest
        )

    def changes(self) -> None:
        """What an admin approved meanwhile."""
        self.offers(replace(SEND, description="Sends a file to everybody."))

    async def proposed(self) -> GatedCall:
        case = await self.case()
        assert case.proposal is not None
        assert case.proposal.call is not None
        return case.proposal.call

    async def carries_out(self) -> None:
        """What follows an approval."""
        async with self.store.read() as tx:
            ids = list(await tx.connection.scalars(_APPROVED))
            waiting = await tx.inbox.get(ids[-1])
        assert waiting is not None
        assert isinstance(waiting.incoming, CallApproved)
        await self.calls.carry_out(waiting, waiting.incoming)


_APPROVED = sa.text("select id from inbox where kind = 'approved_call' order by id")
EDIT = ProposalEdited("esc", "T1", "USAM", "C0STAFF", None, "p1", 1, "", (("path", "b"),), approve=True, user_team="T1")


@pytest.fixture(params=KINDS)
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shop]:
    async with database(request.param, tmp_path) as url, open_store(url) as store:
        await queued(store)
        opened = Shop(store)
        await opened.open(Proposal("", (), opened.call))
        yield opened


async def test_p6_an_edited_call_is_made_by_the_tool_it_was_proposed_for(shop: Shop) -> None:
    assert await shop.edits("USAM", 1, approve=True, path="b") == ""
    await shop.carries_out()
    assert shop.sent == ['Sends a file. {"path":"b"}']


async def test_p6_a_form_that_was_opened_before_a_tool_changed_is_not_taken_and_keeps_its_words(shop: Shop) -> None:
    assert [one.name for one in (await shop.revisions.sheet("esc")).fields] == ["path"]
    shop.changes()
    problem = await shop.revisions.problem(EDIT)
    assert problem is not None
    assert (problem.fault, problem.text.startswith(ANOTHER)) == (Fault.REFUSED, True)
    told = await shop.edits("USAM", 1, approve=True, path="b")
    assert ANOTHER in told
    assert "path: b" in told
    case = await shop.case()
    assert (case.state, case.version, await shop.proposed(), await shop.deeds()) == (State.OPEN, 1, shop.call, [])


async def test_p6_no_form_is_opened_for_a_tool_that_is_another_or_none_by_now(shop: Shop) -> None:
    shop.changes()
    sheet = await shop.revisions.sheet("esc")
    assert sheet.refusal.startswith(ANOTHER)
    shop.tools.clear()
    sheet = await shop.revisions.sheet("esc")
    assert (sheet.fields, "no tool named 'files__send' any more" in sheet.refusal) == ((), True)
    shop.offers(SEND)
    assert not (await shop.revisions.sheet("esc")).refusal


async def test_p6_a_tool_that_changes_while_an_edit_is_taken_is_not_what_was_consented_to(shop: Shop) -> None:
    shop.place.after["U1", "USAM"] = shop.changes  # Ana is looked up for the call, then Sam for the record
    assert await shop.edits("USAM", 1, approve=True, path="b") == ""
    assert await shop.proposed() == replace(shop.call, arguments='{"path":"b"}')
    await shop.carries_out()
    assert shop.sent == []
    assert ANOTHER in await shop.under_card()


async def test_p6_what_changed_between_the_decision_and_the_deed_is_not_done(shop: Shop) -> None:
    assert await shop.press("USAM", Decision.APPROVE, version=1) == ""
    shop.changes()
    await shop.carries_out()
    assert shop.sent == []
    assert ANOTHER in await shop.under_card()


@pytest.mark.parametrize("meanwhile", ["changed", "switched off"])
async def test_p11_of_a_call_that_was_cut_off_nobody_claims_that_it_was_not_made(shop: Shop, meanwhile: str) -> None:
    assert await shop.press("USAM", Decision.APPROVE, version=1) == ""
    shop.is_killed = True
    with pytest.raises(asyncio.CancelledError):
        await shop.carries_out()
    if meanwhile == "changed":
        shop.changes()
    else:
        shop.is_off = True
    await shop.carries_out()
    assert shop.sent == ['Sends a file. {"path":"a"}']
    told = await shop.under_card()
    assert "it is not certain" in told
    assert "not carried out" not in told
