"""What serves one workspace: its desk, and its own way to Slack."""

from dataclasses import dataclass, replace
from functools import cached_property

from slack_sdk.web.async_client import AsyncWebClient

import prompts
from bot.agent.breakers import ModelBreakers
from bot.agent.calls import ModelCalls
from bot.agent.confidence import Judge
from bot.agent.loop import Agent
from bot.agent.profile import Profiles
from bot.agent.summing_up import Summarist
from bot.agent.toolbox import Toolbox
from bot.config import Settings
from bot.desk.attachments import Attachments, Workshop
from bot.desk.budgets import BudgetDesk
from bot.desk.cases import Cases
from bot.desk.decisions import Decisions
from bot.desk.desk import Desk, Guard, welcome
from bot.desk.endings import Endings
from bot.desk.intake import Intake
from bot.desk.last_words import LastWords
from bot.desk.ownership import Ownership
from bot.desk.people import People, StaffRoom
from bot.desk.staffroom import ChooseChannel, StaffRoomTalk
from bot.desk.turns import Turns
from bot.desk.unsent import UnsentWords
from bot.desk.work import Crew, Work
from bot.domain.budget import Limit, Period, Scope
from bot.domain.workspace import WorkspaceSettings
from bot.ports.clock import sortable_id, system_clock
from bot.ports.model import Model
from bot.ports.slack import Directory, Messenger
from bot.ports.store import Store
from bot.slack.delivery import SlackMessenger
from bot.slack.directory import SlackDirectory
from bot.slack.files import SlackFiles
from bot.slack.identity import Identity
from bot.slack.web import Manners, PacedClient
from bot.store.store import SqlStore
from bot.workspaces.plan import Plan
from tools.backends import Backends, Shelf
from tools.catalogue import build_catalogue
from tools.noticeboard import Noticeboard
from tools.resilience import Instruments


@dataclass(frozen=True, slots=True)
class Office:
    """Serves one workspace; sees nothing of the others."""

    me: Identity
    client: AsyncWebClient
    messenger: Messenger
    desk: Desk


@dataclass(frozen=True, slots=True)
class _Around:
    """What the rooms of one desk have in common."""

    store: Store
    settings: WorkspaceSettings
    directory: Directory
    room: StaffRoom
    people: People
    cases: Cases
    messenger: Messenger
    choose_channel: ChooseChannel | None


@dataclass(frozen=True)
class Offices:
    """Sets up an office for a workspace. Its own fields are what all offices share."""

    store: SqlStore
    plan: Plan
    model: Model
    backends: Backends
    workshop: Workshop
    settings: Settings
    manners: Manners
    guard: Guard = welcome

    @cached_property
    def breakers(self) -> ModelBreakers:
        """Of all models; for the calls, and for whoever asks how they are."""
        return ModelBreakers(self._board)

    @cached_property
    def _board(self) -> Noticeboard:
        return Noticeboard(self.store.breakers)

    def open_home(self, me: Identity, client: AsyncWebClient, settings: WorkspaceSettings) -> Office:
        """For the workspace of SLACK_BOT_TOKEN. Nothing is asked of Slack yet."""
        return self._open(me, client, settings, self.backends.of_home(me.team_id), None, None)

    def open_guest(
        self, me: Identity, client: AsyncWebClient, settings: WorkspaceSettings, choose_channel: ChooseChannel
    ) -> Office:
        """For a workspace that installed the app. Nothing is asked of Slack yet."""
        shelf = self.backends.of_guest(me.team_id, trusted=settings.shares_data)
        usd = settings.monthly_usd or self.settings.guest_monthly_usd
        ceiling = Limit(Scope.WORKSPACE, me.team_id, usd, Period.MONTH)
        return self._open(me, client, settings, shelf, choose_channel, ceiling)

    def _open(
        self,
        me: Identity,
        client: AsyncWebClient,
        settings: WorkspaceSettings,
        shelf: Shelf,
        choose_channel: ChooseChannel | None,
        ceiling: Limit | None,
    ) -> Office:
        """Put the desk of one workspace together."""
        if isinstance(client, PacedClient):
            client.behave(self.manners, me.team_id)
        store, directory = self.store.of(me.team_id), SlackDirectory(client)
        room = StaffRoom(
            settings.staff_channel,
            {team.value: channel for team, channel in settings.staff_channels.items()},
            frozenset(settings.admins),
            frozenset(settings.agent_bots),
        )
        people = People(directory, room, me.team_id)
        cases = Cases(store, people, directory, room, system_clock)
        messenger = SlackMessenger(client, cases.view, streams=self.settings.stream_in_dms)
        around = _Around(store, settings, directory, room, people, cases, messenger, choose_channel)
        return Office(
            me, client, messenger, self._desk(around, replace(self._crew(store, client, cases, shelf), ceiling=ceiling))
        )

    def _crew(self, store: Store, client: AsyncWebClient, cases: Cases, shelf: Shelf) -> Crew:
        """Everything that works on a turn."""
        plan = self.plan
        calls = ModelCalls(self.model, plan.prices, store, system_clock, breakers=self.breakers)
        tools = build_catalogue(
            knowledge=shelf.knowledge,
            customers=shelf.customers,
            tickets=shelf.tickets,
            escalations=cases,
            instruments=Instruments(board=self._board),
        )
        return Crew(
            agent=Agent(calls),
            judge=Judge(calls, plan.models.helper),
            summarist=Summarist(calls, plan.models.helper[0]),
            toolbox=Toolbox(tools, store, system_clock),
            attachments=Attachments(SlackFiles(client), self.workshop),
            profiles=Profiles(plan.profiles),
            models=plan.models,
            prices=plan.prices,
        )

    def _desk(self, around: "_Around", crew: Crew) -> Desk:
        store, settings, room, people, cases = around.store, around.settings, around.room, around.people, around.cases
        ownership = Ownership(system_clock)
        decisions = Decisions(store, people, cases, ownership, crew.profiles, system_clock, sortable_id)
        endings = Endings(store, cases, around.directory, room, crew.profiles, system_clock)
        work = Work(store, crew, room, around.messenger)
        quiet = self.settings.quiet_seconds if settings.quiet_seconds is None else settings.quiet_seconds
        return Desk(
            store=store,
            people=people,
            intake=Intake(
                store,
                people,
                system_clock,
                sortable_id,
                profile_for={c: name for c, name in settings.agent_profiles.items() if name in self.plan.profiles},
                first_sign=prompts.sentences()["live_first"],
            ),
            turns=Turns(store, people, cases, work, endings, system_clock, quiet=quiet),
            cases=cases,
            decisions=decisions,
            talk=StaffRoomTalk(store, people, cases, ownership, system_clock, choose_channel=around.choose_channel),
            words=UnsentWords(store, cases, room, system_clock),
            farewell=LastWords(store, cases, system_clock),
            budgets=BudgetDesk(store, people, around.directory, crew.profiles, system_clock),
            clock=system_clock,
            guard=self.guard,
        )
