"""A desk that remembers what it was given, and Slack's adapter wired to a sandbox around it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.escalation import CardView
from bot.domain.incoming import Incoming, ProposalEdited
from bot.domain.reports import Asker, BudgetCommand, BudgetReply, FilledIn, FormAnswer, TraceReport
from bot.domain.revision import Problem, Sheet
from bot.slack.identity import OwnIdentity
from bot.slack.listeners.app import build_app
from bot.slack.socket import SocketRunner
from bot.slack.web import slack_client
from bot.slack.workspace import Departure, Origin, Workspace
from tests.fakes.sandbox_driver import SandboxDriver


@dataclass
class RememberingDesk:
    """Answers what a test put in; `broken` and `slow` are the store's bad days."""

    accepted: list[Incoming] = field(default_factory=list)
    cases: dict[str, CardView] = field(default_factory=dict)
    traces: dict[str, TraceReport] = field(default_factory=dict)
    staff: frozenset[str] = frozenset({"U0SAM", "U0GRACE"})
    reply: BudgetReply = "You have spent nothing."
    asked: list[BudgetCommand] = field(default_factory=list)
    admins: frozenset[str] = frozenset({"U0GRACE"})
    forms: list[FilledIn] = field(default_factory=list)
    form_answer: FormAnswer = field(default_factory=FormAnswer)
    resumed: list[tuple[str, Asker]] = field(default_factory=list)
    broken: int = 0
    """How many of the next attempts to store fail."""
    slow: float = 0.0

    async def accept(self, incoming: Incoming) -> bool:
        await asyncio.sleep(self.slow)
        if self.broken:
            self.broken -= 1
            raise RuntimeError("database is locked; parameters: ['what the customer wrote']")
        self.accepted.append(incoming)
        return True

    async def may_decide(self, team_id: str, user_id: str) -> str | None:
        return None if user_id in self.staff else "Only members of #support-staff can do this."

    async def case(self, escalation_id: str) -> CardView | None:
        return self.cases.get(escalation_id)

    async def trace_of(self, subject: str) -> TraceReport | None:
        return self.traces.get(subject)

    def may_change_budgets(self, asker: Asker) -> bool:
        return asker.user_id in self.admins

    async def limit_form(self, form: FilledIn) -> FormAnswer:
        self.forms.append(form)
        return self.form_answer

    async def pause_form(self, form: FilledIn) -> FormAnswer:
        self.forms.append(form)
        return self.form_answer

    async def resume(self, team_id: str, channel_id: str, asker: Asker) -> str:
        self.resumed.append((channel_id, asker))
        return "I am back at work."

    async def edit_sheet(self, escalation_id: str) -> Sheet | None:
        return None

    async def edit_problem(self, edit: ProposalEdited) -> Problem | None:
        return None

    async def budget_command(self, command: BudgetCommand) -> BudgetReply:
        await asyncio.sleep(self.slow)
        self.asked.append(command)
        return self.reply


class OneWorkspace:
    """bot.slack.workspace.Workspaces with a single one: whatever arrives is for it."""

    def __init__(self, client: AsyncWebClient, desk: RememberingDesk, identity: OwnIdentity) -> None:
        self._client = client
        self._desk = desk
        self._identity = identity

    async def find(self, origin: Origin) -> Workspace | None:
        """Asks Slack who we are, the first time."""
        return Workspace(await self._identity.get(), self._client, self._desk)

    async def leave(self, departure: Departure) -> None:
        """Nothing to forget; the token does not work any more."""


@asynccontextmanager
async def bot_client(sandbox: SandboxDriver, token: str = "xoxb-sandbox") -> AsyncIterator[AsyncWebClient]:  # noqa: S107 - the sandbox's public token
    """The bot's client of a sandbox."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield slack_client(token, sandbox.server.api_url, session)


def new_app(client: AsyncWebClient, desk: RememberingDesk) -> AsyncApp:
    """The Bolt application as the product builds it."""
    workspaces = OneWorkspace(client, desk, OwnIdentity(client))
    return build_app(signing_secret="sandbox-signing-secret", client=client, workspaces=workspaces)


@asynccontextmanager
async def on_socket(client: AsyncWebClient, desk: RememberingDesk) -> AsyncIterator[SocketRunner]:
    """The application connected by Socket Mode."""
    runner = SocketRunner(new_app(client, desk), client, "xapp-sandbox")
    await runner.start()
    try:
        yield runner
    finally:
        await runner.close()
        await asyncio.sleep(0.01)  # the SDK's cancelled tasks end in the next rounds of the loop
