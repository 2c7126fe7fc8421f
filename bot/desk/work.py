"""From a turn to an ending: assemble what the agent needs, let it run, judge what it wrote."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from functools import partial

from pydantic import TypeAdapter

from bot.agent.calls import Purse
from bot.agent.confidence import Case
from bot.agent.context import Attachment, Said, TextFile, build_messages
from bot.agent.links import Links, Polish, unpolished
from bot.agent.loop import Agent, Assignment, Halt, RunResult
from bot.agent.pinning import Pinned, pin
from bot.agent.profile import Profile, Profiles
from bot.agent.recaps import Recaps, SoFar
from bot.agent.review import Review, Reviewer
from bot.agent.summing_up import KEPT_TOKENS, Summarist, kept_back
from bot.agent.toolbox import Evidence, Toolbox
from bot.desk.attachments import Attachments, Room
from bot.desk.budgets import limits_of
from bot.desk.endings import Ending
from bot.desk.handed_back import Briefing
from bot.desk.live import LiveLine, live_line
from bot.desk.lookout import Lookout
from bot.desk.outsiders import has_outsiders
from bot.desk.people import StaffRoom
from bot.domain.answer import Outcome
from bot.domain.budget import Account, Limit
from bot.domain.conversation import Conversation, Surface
from bot.domain.exchange import Message
from bot.domain.incoming import CarryOn, MessageReceived
from bot.domain.principal import Principal
from bot.domain.redaction import Redactor, Redactors
from bot.ports.ledger import Ledger
from bot.ports.model import Prices
from bot.ports.slack import Messenger
from bot.ports.store import Queued, Run, Store
from tools.base import ToolContext

TURN_SECONDS = 600.0
"""A turn that takes longer is handed to a person."""
FILE_CHARS = 2_000
"""Of each text file, for whoever weighs the answer."""
_MESSAGES: TypeAdapter[tuple[Message, ...]] = TypeAdapter(tuple[Message, ...])


@dataclass(frozen=True, slots=True)
class Models:
    """Which models do what."""

    main: tuple[str, ...]
    """First choice, then the second model."""
    helper: tuple[str, ...]
    degraded: str
    """Answers from the help centre without a language model when none can be reached."""

    def of(self, profile: Profile) -> tuple[str, ...]:
        """First choice and second model of a profile."""
        return tuple(dict.fromkeys((*self.helper, *self.main) if profile.model == "helper" else self.main))


@dataclass(frozen=True, slots=True)
class Crew:
    """Everything that works on a turn."""

    agent: Agent
    reviewer: Reviewer
    recaps: Recaps
    summarist: Summarist
    toolbox: Toolbox
    attachments: Attachments
    profiles: Profiles
    models: Models
    prices: Prices
    external_tools: frozenset[str] = frozenset()
    """All that is used for people of other organisations, guests and other bots."""
    ceiling: Limit | None = None
    """What no admin of the workspace can raise: set by whoever pays for the model."""
    briefing: Briefing | None = None
    """Tells the agent what a person did who handed back; None: it reads the bare transcript."""
    zone: tzinfo = UTC
    """Whose days, weeks and months limits count by."""
    links: Links | None = None
    """Where the links of an answer may lead; None: wherever they do."""
    redactors: Redactors = field(default_factory=Redactors)
    """What is hidden of what a file says."""
    waiting: Callable[[Conversation], Awaitable[str]] | None = None
    """Tells the agent of a case that still waits for people; None: nothing is told."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said in a turn."""

    said: tuple[Said, ...]
    remarks: tuple[str, ...]
    """What happened around it, for the model."""
    left_out: tuple[str, ...]
    """Files the model cannot be shown."""
    deeds: tuple[Evidence, ...] = ()
    """What was done in answer to an approval."""

    @property
    def is_empty(self) -> bool:
        """True when there is nothing a model could work on."""
        return not self.remarks and not any(s.text or s.quoted or s.attachments for s in self.said)

    @property
    def question(self) -> str:
        """The words of the turn, for judge and summary."""
        return "\n\n".join(s.text for s in self.said if s.text) or " ".join(self.remarks) or "(a file)"

    @property
    def attached(self) -> tuple[Attachment, ...]:
        """What the model is shown besides words."""
        return tuple(a for s in self.said for a in s.attachments)

    @property
    def note(self) -> str:
        """Remarks for the model's context."""
        return " ".join((*self.remarks, *self.left_out))


@dataclass(frozen=True, slots=True)
class _Turn:
    """Everything known about the turn at hand."""

    run: Run
    asker: Principal
    conversation: Conversation
    profile: Profile
    purse: Purse
    tools: Toolbox
    """Those of the profile that this asker, in this place, may have used for them."""
    among_staff: bool
    """Whether only staff can read the answer."""


class Work:
    """Does the work of one turn; visible effects are the business of `Endings`."""

    def __init__(self, store: Store, crew: Crew, room: StaffRoom, messenger: Messenger) -> None:
        self._store = store
        self._room = room
        self._crew = crew
        self._messenger = messenger
        self._lookout = Lookout(store)

    async def do(self, run: Run, rows: Sequence[Queued], asker: Principal) -> Ending:
        """How the turn ends. Resumes where a crash left it: every step is journaled."""
        turn = await self._turn(run, asker, rows)
        line = LiveLine(self._store, self._messenger, run, turn.profile.max_steps, turn.conversation.language)
        try:
            async with asyncio.timeout(TURN_SECONDS), live_line(line):
                line.progress(0, "Reading")
                ending = await self._until_stopped(run, self._work(turn, rows, line))
        except TimeoutError:
            ending = Ending.failed("the turn took too long")
        last = line.last(answered=ending.outcome is Outcome.ANSWERED)
        return replace(ending, builds_on_live=line.is_certain, progress=last)

    async def _until_stopped(self, run: Run, work: Coroutine[None, None, Ending]) -> Ending:
        """Break the work off when somebody takes over or presses Stop; a call under way is paid at its worst case."""
        loop = asyncio.get_running_loop()
        async with self._lookout.over(run.id) as overtaken:
            stopping = loop.create_task(overtaken.wait(), name=f"stop {run.id}")
            task = loop.create_task(work, name=run.id)
            try:
                await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                task.cancel()
                stopping.cancel()
                await asyncio.wait({task, stopping})
        return Ending.stopped() if task.cancelled() else task.result()

    async def _is_ours(self, run: Run) -> bool:
        async with self._store.read() as tx:
            return not await tx.runs.overtaken([run.id])

    async def _may_go_on(self, turn: _Turn, step: str) -> bool:
        """Asked between steps: the run is still ours, and the bot is not paused.

        A step that was made before a crash, or before the run waited for money, costs nothing any more: a pause does
        not keep it from being read again, and people get to know what was done.
        """
        key = turn.conversation.key
        async with self._store.read() as tx:
            paused = await tx.bot_pauses.holding(key.team_id, key.channel_id) is not None
            is_made = paused and await tx.runs.recall(turn.run.id, step) is not None
        return (is_made or not paused) and await self._is_ours(turn.run)

    async def _work(self, turn: _Turn, rows: Sequence[Queued], line: LiveLine) -> Ending:
        heard = await self._hear(rows, self._crew.redactors.of(turn.profile.name))
        if heard.is_empty:
            return Ending.fixed("file_unreadable" if heard.left_out else "empty")
        if self._crew.waiting is not None and (told := await self._crew.waiting(turn.conversation)):
            heard = replace(heard, remarks=(*heard.remarks, told))
        pinned, before, messages = await self._prepared(turn, heard)
        case = case_of(heard, before)
        review = self._crew.reviewer.of(case, turn.purse, turn.profile.confidence_threshold)
        objection = self._objection(turn, review)
        polish: Polish = unpolished
        if self._crew.links is not None:
            polish = await self._crew.links.polish(internal=turn.among_staff)
        job = self._assignment(turn, pinned, messages, line)
        job = replace(job, evidence=heard.deeds, objection=objection, polish=polish)
        result = await self._crew.agent.run(job)
        if result.outcome is Outcome.STOPPED and await self._is_ours(turn.run):
            return replace(Ending.of(result), outcome=Outcome.ESCALATED, halt=Halt.SWITCHED_OFF)
        return await self._weigh(job, case, result, review)

    def _objection(self, turn: _Turn, review: Review) -> Callable[[RunResult], Awaitable[str]] | None:
        """A language model can write an answer again; quotes of articles cannot."""
        is_plain = self._crew.models.of(turn.profile) == (self._crew.models.degraded,)
        return None if is_plain else review.objection

    async def _weigh(self, job: Assignment, case: Case, result: RunResult, review: Review) -> Ending:
        """Turn the loop's result into an ending; whatever is not a good answer gets a summary for people."""
        if result.outcome is Outcome.STOPPED:
            return Ending.of(result)
        if result.outcome is Outcome.ANSWERED:
            return Ending.of(result, verdict=await review.weigh(result))
        summary = await self._crew.summarist.sum_up(case.question, result.evidence, job.purse)
        ending = Ending.of(result, summary=summary)
        return replace(ending, degraded=await self._degraded(job, review)) if result.halt is Halt.MODELS else ending

    async def _degraded(self, job: Assignment, review: Review) -> RunResult | None:
        """What the help centre says, quoted without a language model; None when it says nothing."""
        search = job.toolbox.only(["search_knowledge_base"])
        plain = replace(
            job, models=(self._crew.models.degraded,), toolbox=search, specs=search.specs, prefix="d", objection=None
        )
        result = await self._crew.agent.run(plain)
        is_answer = result.outcome is Outcome.ANSWERED and result.citations
        return result if is_answer and await review.keeps_promises(result.text, result.evidence) else None

    async def _turn(self, run: Run, asker: Principal, rows: Sequence[Queued]) -> _Turn:
        async with self._store.read() as tx:
            conversation = await tx.conversations.get(run.conversation_id)
            if conversation is None:
                raise LookupError(run.conversation_id)
            is_outside = await has_outsiders(tx, conversation, asker, rows)
        profile = self._crew.profiles.of(conversation.profile)

        key, zone = conversation.key, self._crew.zone
        account = Account(key.team_id, key.channel_id, run.user_id, conversation.id, run.id)

        async def limits(ledger: Ledger, at: float) -> tuple[Limit, ...]:
            own = await limits_of(ledger, conversation, profile, account, at, zone)
            return (*own, self._crew.ceiling) if self._crew.ceiling else own

        purse = Purse(
            account=account,
            limits=limits,
            zone=zone,
            token_limit=profile.max_tokens_per_conversation,
            kept_usd=kept_back(self._crew.prices, self._crew.models.helper[0]),
            kept_tokens=KEPT_TOKENS,
        )
        private = conversation.surface is Surface.DM or self._room.is_private(key.channel_id)
        among_staff = asker.is_staff and private and not is_outside
        tools = self._tools(profile, is_outside=is_outside, among_staff=among_staff)
        return _Turn(run, asker, conversation, profile, purse, tools, among_staff)

    def _tools(self, profile: Profile, *, is_outside: bool, among_staff: bool) -> Toolbox:
        """Those of the profile that may be used here."""
        tools = self._crew.toolbox.only(profile.tools)
        if is_outside:
            tools = tools.within(self._crew.external_tools)
        return tools if among_staff else tools.for_everyone()

    async def _prepared(self, turn: _Turn, heard: Heard) -> tuple[Pinned, SoFar, tuple[Message, ...]]:
        """The pinned prefix, what was said before, and the run's first messages.

        After a crash these are the same again, whatever was edited or added meanwhile: they are journaled.
        """
        run, specs = turn.run, self._crew.toolbox.only(turn.profile.tools).specs
        if self._crew.briefing is not None:
            await self._crew.briefing.give(run, turn.purse)
        before = await self._crew.recaps.so_far(run.conversation_id, turn.purse)
        async with self._store.write() as tx:
            pinned = await pin(tx, turn.conversation, turn.profile, specs)
            known = await tx.runs.recall(run.id, "messages")
            if known is not None:
                return pinned, before, _MESSAGES.validate_json(known)
            spoken = turn.conversation.language
            messages = build_messages(before.lines, heard.said, turn.asker, heard.note, before.recap, spoken)
            await tx.runs.record(run.id, "messages", _MESSAGES.dump_json(messages).decode())
        return pinned, before, messages

    async def _hear(self, rows: Sequence[Queued], redactor: Redactor) -> Heard:
        """What was said in this turn, files fetched."""
        said: list[Said] = []
        remarks: list[str] = []
        left_out: list[str] = []
        room = Room()
        for row in rows:
            match row.incoming:
                case MessageReceived() as message:
                    attachments, unreadable = await self._crew.attachments.fetch(message.files, room, redactor)
                    left_out += unreadable
                    said.append(Said(message.text.strip(), message.quoted, attachments))
                case CarryOn() as cause:
                    remarks.append(cause.note)
                case _:
                    pass
        return Heard(tuple(said), tuple(remarks), tuple(left_out), _deeds(rows))

    def _assignment(self, turn: _Turn, pinned: Pinned, messages: tuple[Message, ...], line: LiveLine) -> Assignment:
        run, profile, asker = turn.run, turn.profile, turn.asker
        shown = (spec for spec in pinned.tools if turn.tools.has(spec.name) or not profile.has(spec.name))
        return Assignment(
            system=pinned.system,
            messages=messages,
            specs=tuple(map(turn.tools.as_it_is, shown)),
            toolbox=turn.tools,
            context=ToolContext(asker, run.conversation_id, run.id, "", run.epoch, turn.among_staff, profile.name),
            purse=turn.purse,
            models=self._crew.models.of(profile),
            effort=profile.effort,
            max_steps=profile.max_steps,
            max_tokens=profile.max_output_tokens,
            user_ref=hashlib.sha256(f"{asker.team_id}:{asker.user_id}".encode()).hexdigest()[:32],
            still_ours=partial(self._may_go_on, turn),
            progress=line.progress,
            stumbled=line.stumbled,
        )


def case_of(heard: Heard, before: SoFar) -> Case:
    """What the answer is weighed against. Names of files are the customer's words: they are no remarks of the desk."""
    read = (f"(file {a.name}) {a.text[:FILE_CHARS]}" for a in heard.attached if isinstance(a, TextFile))
    question = "\n".join((heard.question, *heard.left_out, *read))
    words = "\n\n".join(one.text for one in heard.said)
    return Case(question, before.lines, before.recap.text, " ".join(heard.remarks), words)


def _deeds(rows: Sequence[Queued]) -> tuple[Evidence, ...]:
    causes = (row.incoming for row in rows)
    deeds = (cause.deed for cause in causes if isinstance(cause, CarryOn) and cause.deed is not None)
    return tuple(Evidence(deed.tool, deed.arguments, deed.result) for deed in deeds)
