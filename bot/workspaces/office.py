"""What serves one workspace: its desk, and its own way to Slack."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from functools import cached_property, partial

from slack_sdk.web.async_client import AsyncWebClient

from bot.agent.approvals import ApprovalRules
from bot.agent.breakers import ModelBreakers
from bot.agent.calls import ModelCalls
from bot.agent.confidence import Judge
from bot.agent.discretion import Discretion
from bot.agent.gate import Gate
from bot.agent.human_part import HumanPart
from bot.agent.links import Links, no_hosts
from bot.agent.loop import Agent
from bot.agent.profile import Profiles, redactors_of
from bot.agent.recaps import Recaps
from bot.agent.review import Reviewer
from bot.agent.summing_up import Summarist
from bot.agent.teaching import Teacher
from bot.agent.tool_settings import SettingsBook
from bot.agent.toolbox import Toolbox
from bot.config import Settings
from bot.desk.alerts import Alerts
from bot.desk.allowing import Allowing
from bot.desk.approved_calls import ApprovedCalls
from bot.desk.attachments import Attachments
from bot.desk.authority import Authority
from bot.desk.budget_pauses import BudgetPauses
from bot.desk.case_clocks import CaseClocks
from bot.desk.cases import Cases
from bot.desk.consequences import Consequences
from bot.desk.deadlines import Deadlines, Terms
from bot.desk.decisions import Decisions
from bot.desk.desk import Desk, Guard, welcome
from bot.desk.endings import Endings
from bot.desk.expiry import Expiry
from bot.desk.gated_calls import ConsentRequests
from bot.desk.going_on import GoingOn
from bot.desk.handed_back import Briefing
from bot.desk.intake import Intake
from bot.desk.last_words import LastWords
from bot.desk.lessons import Learning, Lessons
from bot.desk.money_desk import BudgetDesk
from bot.desk.money_report import MoneyReports
from bot.desk.own_budget import OwnBudget
from bot.desk.ownership import Ownership
from bot.desk.people import People, StaffRoom
from bot.desk.polished import PolishedEscalations
from bot.desk.questions import Questions
from bot.desk.rating import Ratings
from bot.desk.relay import RelayRoom
from bot.desk.revisions import Revisions
from bot.desk.rooms import Rooms
from bot.desk.staffroom import ChooseChannel, StaffRoomTalk
from bot.desk.stepping_in import SteppingIn
from bot.desk.stopping import Stopping
from bot.desk.turns import Turns
from bot.desk.unsent import UnsentWords
from bot.desk.waiting import Waiting
from bot.desk.work import Crew, Work
from bot.desk.workshop import Workshop
from bot.domain.budget import Limit, Period, Scope
from bot.domain.redaction import Redactors
from bot.domain.service import Service
from bot.domain.workspace import WorkspaceSettings
from bot.domain.zones import zone_of
from bot.ports.clock import Clock, sortable_id, system_clock
from bot.ports.insight import Invitations
from bot.ports.model import Model
from bot.ports.pager import Pager
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
from tools.base import AnyTool
from tools.catalogue import Backing, build_catalogue
from tools.guards import Guards
from tools.noticeboard import Noticeboard
from tools.resilience import Instruments


@dataclass(frozen=True, slots=True)
class Office:
    """Serves one workspace; sees nothing of the others."""

    me: Identity
    client: AsyncWebClient
    messenger: Messenger
    desk: Desk
    directory: Directory
    zone: tzinfo
    """Whose days it counts by."""
    ceiling: Limit | None = None
    """What its admins cannot raise."""


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
    reports: MoneyReports
    waiting: Waiting
    deadlines: Deadlines


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
    clock: Clock = system_clock
    pager: Pager | None = None
    """Wakes somebody outside Slack when nobody answers at home."""
    links: Invitations | None = None
    """To the dashboard, for who may look there."""
    coming: MutableMapping[str, AnyTool] = field(default_factory=dict)
    """Tools of MCP servers, for home and for whom it trusts."""

    @cached_property
    def breakers(self) -> ModelBreakers:
        """Of all models; for the calls, and for whoever asks how they are."""
        return ModelBreakers(self._board, longest_call=self.settings.model_seconds)

    @cached_property
    def _board(self) -> Noticeboard:
        return Noticeboard(self.store.breakers)

    @cached_property
    def guards(self) -> Guards:
        """Of the tools' back-ends; for all workspaces, which share them."""
        book = SettingsBook({name: profile.resilience for name, profile in self.plan.profiles.items()})
        return Guards(Instruments(board=self._board, adapt=book.adapt))

    @cached_property
    def _redactors(self) -> Redactors:
        return redactors_of(self.settings.redactor, self.plan.profiles)

    @cached_property
    def _discretion(self) -> Discretion:
        return Discretion(self.settings.redactor)

    @property
    def _rules(self) -> ApprovalRules:
        return self.plan.policy.file

    def open_home(self, me: Identity, client: AsyncWebClient, settings: WorkspaceSettings) -> Office:
        """For the workspace of SLACK_BOT_TOKEN. Nothing is asked of Slack yet."""
        shelf = replace(self.backends.of_home(me.team_id), coming=self.coming)
        return self._open(me, client, settings, shelf, None, None)

    def open_guest(
        self, me: Identity, client: AsyncWebClient, settings: WorkspaceSettings, choose_channel: ChooseChannel
    ) -> Office:
        """For a workspace that installed the app. Nothing is asked of Slack yet."""
        shelf = self.backends.of_guest(me.team_id, trusted=settings.shares_data)
        if settings.shares_data:
            shelf = replace(shelf, coming=self.coming)
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
        # The file names people and channels of home; guests have its defaults.
        clocks = CaseClocks(self.plan.service if ceiling is None else Service(), self.clock)
        deadlines = Deadlines(Profiles(self.plan.profiles), clocks.service.hours, self.clock)
        cases = Cases(store, people, directory, room, self.clock, Terms(deadlines, self._rules), clocks)
        zone = zone_of(settings.timezone or self.settings.timezone or clocks.service.hours.zone.key)
        pager = self.pager if ceiling is None else None
        waiting = Waiting(store, cases, clocks, directory, self.clock, pager)
        profiles = Profiles(self.plan.profiles)
        reports = MoneyReports(store, people, directory, profiles, self.clock, zone, ceiling=ceiling)
        messenger = SlackMessenger(
            client, cases.view, homes=partial(reports.home, me.team_id), streams=self.settings.stream_in_dms
        )
        around = _Around(
            store, settings, directory, room, people, cases, messenger, choose_channel, reports, waiting, deadlines
        )
        crew = replace(self._crew(store, client, cases, shelf, zone), ceiling=ceiling, zone=zone)
        learning = Learning(self._teacher(store), shelf.writing, profiles, ceiling, zone)
        return Office(me, client, messenger, self._desk(around, crew, learning), directory, zone, ceiling)

    def _calls(self, store: Store) -> ModelCalls:
        return ModelCalls(
            self.model, self.plan.prices, store, self.clock, breakers=self.breakers, discretion=self._discretion
        )

    def _teacher(self, store: Store) -> Teacher:
        helper = self.plan.models.helper[0]
        return Teacher(self._calls(store), helper, is_plain=helper == self.plan.models.degraded)

    def _crew(self, store: Store, client: AsyncWebClient, cases: Cases, shelf: Shelf, zone: tzinfo) -> Crew:
        """Everything that works on a turn."""
        plan = self.plan
        links = Links(shelf.hosts or no_hosts, self.settings.link_hosts)
        calls = self._calls(store)
        tools = build_catalogue(
            Backing(
                knowledge=shelf.knowledge,
                customers=shelf.customers,
                tickets=shelf.tickets,
                books=shelf.books,
                escalations=PolishedEscalations(cases, links),
                own_budget=OwnBudget(store, Profiles(plan.profiles), self.clock, zone),
                gaps=self.backends.gaps,
                guards=self.guards,
            )
        )
        return Crew(
            agent=Agent(calls),
            reviewer=Reviewer(Judge(calls, plan.models.helper), store, self.clock),
            recaps=Recaps(store, calls, plan.models.helper[0]),
            summarist=Summarist(calls, plan.models.helper[0]),
            briefing=Briefing(store, HumanPart(calls, plan.models.helper[0]), self.clock),
            toolbox=Toolbox(
                tools,
                store,
                self.clock,
                Gate(plan.policy, ConsentRequests(store, cases)),
                coming=shelf.coming,
                redactors=self._redactors,
            ),
            attachments=Attachments(SlackFiles(client), self.workshop),
            profiles=Profiles(plan.profiles),
            models=plan.models,
            prices=plan.prices,
            external_tools=self.settings.tools_for_outsiders,
            redactors=self._redactors,
            waiting=cases.waiting_note,
            links=links,
        )

    def _intake(self, around: "_Around") -> Intake:
        known = around.settings.agent_profiles.items()
        return Intake(
            around.store,
            around.people,
            around.cases,
            self.clock,
            sortable_id,
            profile_for={channel: name for channel, name in known if name in self.plan.profiles},
            redactors=self._redactors,
        )

    def _desk(self, around: "_Around", crew: Crew, learning: Learning) -> Desk:
        store, settings, room, people, cases = around.store, around.settings, around.room, around.people, around.cases
        ownership, relay = Ownership(self.clock), RelayRoom(store, people, cases, self.clock)
        authority = Authority(people, around.directory, room, self._rules)
        expiry = Expiry(store, cases, self.clock)
        gated = crew.toolbox.gated(self.plan.policy)
        calls = ApprovedCalls(store, people, cases, gated, crew.profiles, self.clock, sortable_id)
        consequences = Consequences(cases, ownership, calls, crew.profiles, self.clock, sortable_id)
        decisions = Decisions(store, authority, cases, expiry, consequences, self.clock)
        revisions = Revisions(store, people, authority, cases, decisions, gated, around.deadlines, self.clock)
        alerts = Alerts(store, around.directory, room, crew.profiles, self.clock, zone=crew.zone, ceiling=crew.ceiling)
        endings = Endings(store, cases, alerts, crew.profiles, self.clock)
        work = Work(store, crew, room, around.messenger)
        pauses = BudgetPauses(store, cases, around.deadlines, crew.profiles, self.clock, ceiling=crew.ceiling)
        quiet = self.settings.quiet_seconds if settings.quiet_seconds is None else settings.quiet_seconds
        going_on = GoingOn(cases, crew.profiles, self.clock, sortable_id, crew.zone)
        rooms = Rooms(
            store=store,
            clock=self.clock,
            people=people,
            turns=Turns(store, people, cases, work, endings, pauses, self.clock, quiet=quiet),
            talk=StaffRoomTalk(
                store, people, cases, ownership, relay, self.clock, sortable_id, choose_channel=around.choose_channel
            ),
            relay=relay,
            stepping_in=SteppingIn(store, people, cases, ownership, self.clock),
            stopping=Stopping(store, people, self.clock, sortable_id),
            decisions=decisions,
            allowing=Allowing(store, people, authority, cases, going_on, crew.profiles, self.clock, new_id=sortable_id),
            calls=calls,
            revisions=revisions,
            questions=Questions(store, people, authority, cases, self.clock),
            expiry=expiry,
            waiting=around.waiting,
            ratings=Ratings(store, cases, self.clock),
            lessons=Lessons(store, people, learning, self.clock),
            budgets=BudgetDesk(store, people, room, around.reports, going_on, self.clock, sortable_id),
        )
        return Desk(
            store=store,
            people=people,
            intake=self._intake(around),
            rooms=rooms,
            cases=cases,
            words=UnsentWords(store, cases, room, self.clock),
            farewell=LastWords(store, cases, self.clock),
            guard=self.guard,
            links=self.links,
        )
