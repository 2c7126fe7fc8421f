"""Learning from people: what they told a customer is suggested to their team, and kept when somebody accepts it.

A press that makes an article takes the choice down first and writes the article then: whoever is killed in between
does it again, because the articles of this source are always made of all that was accepted. Who has written looks once
more: another process may have accepted one meanwhile, and lost it to ours.
"""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import prompts
from bot.agent.calls import Purse
from bot.agent.human_part import Words
from bot.agent.profile import Profiles
from bot.agent.teaching import Teacher
from bot.desk.budgets import limits_of
from bot.desk.cases import card_key, lane_of_case
from bot.desk.ownership import RESOLVED
from bot.desk.people import People
from bot.desk.tracing import decided
from bot.domain.audit import AuditEntry
from bot.domain.budget import Account, Limit
from bot.domain.conversation import Conversation, Line, Speaker
from bot.domain.effects import Outgoing, Place, ShowLesson, Whisper
from bot.domain.errors import TransientError
from bot.domain.escalation import Escalation
from bot.domain.incoming import CaseResolved, LessonChosen
from bot.domain.language import language_of
from bot.domain.lesson import JOURNAL, SOURCE, Draft, Lesson
from bot.ports.clock import Clock
from bot.ports.ledger import Ledger
from bot.ports.lessons import ArticleWriting
from bot.ports.store import Queued, Store, Transaction
from tools.base import ToolUnavailableError
from tools.knowledge_base.articles import Article, Audience
from tools.knowledge_base.embedder import EmbedderUnavailableError
from tools.knowledge_base.sources.base import Document, Found, Known, SourceError

logger = logging.getLogger(__name__)

PART_LINES = 200
"""Of the transcript, among which the person's answer is."""
_TAKEN = "taken"
"""Journal name under which a press remembers that it counted."""


@dataclass(frozen=True)
class Learning:
    """What suggestions are made with."""

    teacher: Teacher
    writing: ArticleWriting
    profiles: Profiles
    ceiling: Limit | None
    zone: tzinfo


class Lessons:
    """Suggests, and keeps what was accepted."""

    def __init__(self, store: Store, people: People, learning: Learning, clock: Clock) -> None:
        self._store = store
        self._people = people
        self._with = learning
        self._clock = clock
        self._sentences = prompts.sentences()

    async def suggest(self, queued: Queued, cause: CaseResolved) -> None:
        """Put what the person said before their team, under the case's card; nothing when it teaches nothing."""
        async with self._store.read() as tx:
            case = await tx.escalations.get(cause.escalation_id)
            conversation = await tx.conversations.get(cause.thread.id)
            lines = await tx.conversations.lines(cause.thread.id, PART_LINES)
        draft = await self._draft(case, conversation, lines) if case and conversation else None
        async with self._store.write() as tx:
            is_there = await tx.conversations.get(cause.thread.id) is not None  # it may be forgotten by now
            if is_there and case is not None and conversation is not None and draft is not None:
                lesson = self._lesson(case, conversation, draft, _name_of_teacher(lines))
                if await tx.lessons.suggest(lesson):
                    await tx.outbox.add(_shown(lesson, case))
            await tx.inbox.mark_handled([queued.id])

    async def choose(self, queued: Queued, chosen: LessonChosen) -> None:
        """Carry out a press: once, by staff, while it is open."""
        if queued.handled:
            return
        async with self._store.read() as tx:
            is_taken = await _is_taken(tx, queued)  # then it counts, whoever is staff by now
        refusal = None if is_taken else await self._people.why_not_staff(chosen.user_team, chosen.user_id)
        is_taken = is_taken or (refusal is None and await self._take(queued, chosen))
        if is_taken and chosen.choice.changes_articles:
            await self._shelve()
        async with self._store.write() as tx:
            lesson = await tx.lessons.get(chosen.lesson_id)
            case = await tx.escalations.get(lesson.case_id) if lesson else None
            if lesson is not None and case is not None:
                await tx.outbox.add(_shown(lesson, case, again=queued.id))
            if not is_taken:
                await tx.outbox.add(_whisper(chosen, refusal or self._sentences["lesson_gone"]))
            await tx.inbox.mark_handled([queued.id])

    async def _take(self, queued: Queued, chosen: LessonChosen) -> bool:
        """Whether this press counts."""
        async with self._store.write() as tx:
            if await _is_taken(tx, queued):
                return True
            now = self._clock()
            lesson = await tx.lessons.choose(chosen.lesson_id, chosen.choice, by=chosen.user_id, at=now)
            if lesson is None:
                return False
            await tx.runs.record(_run_of(queued), _TAKEN, chosen.choice.value)
            await tx.audit.add(
                AuditEntry(
                    now, lesson.team_id, chosen.user_id, f"lesson.{chosen.choice}", lesson.id, lesson.draft.title,
                    lesson.conversation_id, after=lesson.draft.answer,  # nothing when it is dismissed
                )
            )  # fmt: skip
            case = await tx.escalations.get(lesson.case_id)
            if case is not None:
                await tx.traces.add(decided(case, f"lesson_{chosen.choice}", now))
            return True

    async def _shelve(self) -> None:
        written: list[Lesson] | None = None
        try:
            while (accepted := await self._accepted()) != written:
                await self._write(accepted)
                written = accepted
        except (ToolUnavailableError, EmbedderUnavailableError, SourceError) as error:
            raise TransientError("the accepted article could not be written") from error

    async def _write(self, accepted: list[Lesson]) -> None:
        if accepted:
            await self._with.writing.run(AcceptedArticles(tuple(accepted)))
        else:
            await self._with.writing.clear(SOURCE)

    async def _accepted(self) -> list[Lesson]:
        async with self._store.read() as tx:
            return await tx.lessons.articles()

    async def _draft(self, case: Escalation, conversation: Conversation, lines: list[Line]) -> Draft | None:
        """A paused bot spends nothing."""
        key = conversation.key
        async with self._store.read() as tx:
            is_paused = await tx.bot_pauses.holding(key.team_id, key.channel_id) is not None
        purse = None if is_paused else self._purse(case, conversation)
        return await self._with.teacher.draft(_words(lines, case), purse)

    def _purse(self, case: Escalation, conversation: Conversation) -> Purse:
        """It is the conversation's money, and the summary's part of it."""
        profile, key, learning = self._with.profiles.of(conversation.profile), conversation.key, self._with
        account = Account(key.team_id, key.channel_id, conversation.opened_by, conversation.id, f"{JOURNAL}{case.id}")

        async def limits(ledger: Ledger, at: float) -> tuple[Limit, ...]:
            own = await limits_of(ledger, conversation, profile, account, at, learning.zone)
            return (*own, learning.ceiling) if learning.ceiling else own

        return Purse(account, limits, profile.max_tokens_per_conversation, zone=learning.zone)

    def _lesson(self, case: Escalation, conversation: Conversation, draft: Draft, taught_by: str) -> Lesson:
        return Lesson(
            f"lesson-{case.id}", conversation.key.team_id, case.id, conversation.id, draft,
            language_of(draft.answer) or conversation.language, taught_by, self._clock(),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AcceptedArticles:
    """Everything that was accepted as an article; implements the knowledge base's `Source`."""

    lessons: tuple[Lesson, ...]
    name: str = SOURCE

    async def read(self, known: Known) -> AsyncIterator[Found]:  # noqa: ARG002 - there are few, and all are at hand
        """Each with its question, so that it is found by its words."""
        for lesson in self.lessons:
            yield Document(_article(lesson))


def _article(lesson: Lesson) -> Article:
    body = f"{lesson.draft.question}\n\n{lesson.draft.answer}"
    day = datetime.fromtimestamp(lesson.changed_at, UTC).date().isoformat()
    audience = Audience(lesson.audience)
    return Article(lesson.slug, lesson.draft.title, lesson.draft.category, "", day, audience, body, lesson.language)


def _words(lines: list[Line], case: Escalation) -> list[Words]:
    """What was said since an earlier case was resolved; also before this one, which may have begun with an answer."""
    ends = [n for n, line in enumerate(lines, 1) if _is_resolution(line) and line.at < case.opened_at]
    said = (line for line in lines[max(ends, default=0) :] if line.speaker in (Speaker.CUSTOMER, Speaker.PERSON))
    return [Words(line.name, line.text, line.speaker is Speaker.CUSTOMER) for line in said]


def _is_resolution(line: Line) -> bool:
    return line.speaker is Speaker.NOTE and line.text.endswith(RESOLVED)


async def _is_taken(tx: Transaction, queued: Queued) -> bool:
    """Whether this press was taken down already, before a crash."""
    return await tx.runs.recall(_run_of(queued), _TAKEN) is not None


def _run_of(queued: Queued) -> str:
    return f"lesson-press:{queued.id}"


def _name_of_teacher(lines: list[Line]) -> str:
    return next((line.name for line in reversed(lines) if line.speaker is Speaker.PERSON), "")


def _shown(lesson: Lesson, case: Escalation, *, again: str = "") -> Outgoing:
    """`again`: what it is drawn anew for."""
    effect = ShowLesson(Place(lesson.team_id, case.staff_channel), lesson)
    key = f"shown:{lesson.id}"
    lane, card = lane_of_case(case), card_key(case.id)
    if again:
        return Outgoing(f"{key}:{again}", effect, lane, lesson.conversation_id, under=card, edits=key)
    return Outgoing(key, effect, lane, lesson.conversation_id, under=card)


def _whisper(chosen: LessonChosen, text: str) -> Outgoing:
    place = Place(chosen.team_id, chosen.channel_id, chosen.thread_ts)
    key = f"whisper:{chosen.team_id}:{chosen.press_id}"
    return Outgoing(key, Whisper(place, chosen.user_id, text), f"whisper:{chosen.team_id}:{chosen.user_id}")
