"""Suggestions made of people's answers: table and queries.

Accepted ones are kept until they are taken back or their workspace goes: articles and cases of the evaluation are made
of them again and again. The others go with the conversation they came from.
"""

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.lesson import JOURNAL, Choice, Draft, Lesson
from bot.domain.workspace import SETTINGS
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.dialect import AnyRow, insert_new
from bot.store.tables import escalations, journal, metadata, workspaces

lessons = sa.Table(
    "lessons",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("team_id", sa.Text, nullable=False),
    sa.Column("case_id", sa.Text, nullable=False, unique=True),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("taught_by", sa.Text, nullable=False),
    sa.Column("suggested_at", sa.Double, nullable=False),
    sa.Column("audience", sa.Text, nullable=False),  # public | internal; empty: no article
    sa.Column("article_by", sa.Text, nullable=False),
    sa.Column("is_case", sa.Boolean, nullable=False),
    sa.Column("case_by", sa.Text, nullable=False),
    sa.Column("dismissed_by", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Double, nullable=False),
    sa.Index("ix_lessons_team", "team_id", "suggested_at"),
    sa.Index("ix_lessons_conversation", "conversation_id"),
)
_OPEN = lessons.c.dismissed_by == ""
_NO_ARTICLE = lessons.c.audience == ""
_NO_WORDS = {"title": "", "question": "", "answer": ""}
_NOTHING = {**_NO_WORDS, "audience": "", "article_by": "", "is_case": False, "case_by": ""}


class SqlLessons:
    """ports.lessons.Lessons on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._bounds = bounds
        self._mine = bounds.team(lessons.c.team_id)

    async def suggest(self, lesson: Lesson) -> bool:
        self._bounds.check(lesson.team_id)
        self._bounds.check_conversation(lesson.conversation_id)
        row = {column.name: getattr(lesson, column.name, None) for column in lessons.columns}
        draft = asdict(lesson.draft)
        return await insert_new(self._connection, lessons, {**row, **draft})

    async def get(self, lesson_id: str) -> Lesson | None:
        query = sa.select(lessons).where(lessons.c.id == lesson_id, self._mine)
        row = (await self._connection.execute(query)).first()
        return _lesson(row) if row else None

    async def choose(self, lesson_id: str, choice: Choice, *, by: str, at: float) -> Lesson | None:
        still: sa.ColumnElement[bool]
        match choice:
            case Choice.CASE:
                still, change = lessons.c.is_case.is_(False), {"is_case": True, "case_by": by}
            case Choice.DISMISS:
                still, change = sa.and_(_NO_ARTICLE, lessons.c.is_case.is_(False)), {"dismissed_by": by, **_NO_WORDS}
            case Choice.TAKE_BACK:
                still, change = sa.or_(lessons.c.audience != "", lessons.c.is_case), {"dismissed_by": by, **_NOTHING}
            case Choice.PUBLIC | Choice.INTERNAL:
                still, change = _NO_ARTICLE, {"audience": choice.value, "article_by": by}
        this = (lessons.c.id == lesson_id, self._mine, _OPEN, still)
        update = sa.update(lessons).where(*this).values(**change, changed_at=at).returning(lessons)
        row = (await self._connection.execute(update)).first()
        return _lesson(row) if row else None

    async def articles(self) -> list[Lesson]:
        return await self._those(lessons.c.audience != "")

    async def cases(self) -> list[Lesson]:
        rows = await self._connection.execute(sa.select(workspaces.c.team_id, workspaces.c.settings))
        strangers = {row.team_id for row in rows if not SETTINGS.validate_json(row.settings).shares_data}
        return [one for one in await self._those(lessons.c.is_case.is_(True)) if one.team_id not in strangers]

    async def _those(self, which: sa.ColumnElement[bool]) -> list[Lesson]:
        query = sa.select(lessons).where(which, self._mine).order_by(lessons.c.suggested_at, lessons.c.id)
        return [_lesson(row) for row in await self._connection.execute(query)]


def of_conversations(gone: Sequence[str]) -> tuple[sa.Table, sa.ColumnElement[bool]]:
    """What goes with conversations: suggestions that nobody accepted."""
    nothing = sa.and_(_NO_ARTICLE, lessons.c.is_case.is_(False))
    return lessons, sa.and_(lessons.c.conversation_id.in_(gone), nothing)


def journal_of(cases: sa.ColumnElement[bool]) -> tuple[sa.Table, sa.ColumnElement[bool]]:
    """What the helper model wrote about these cases; to be deleted before them."""
    names = sa.select(sa.literal(JOURNAL).concat(escalations.c.id)).where(cases)
    return journal, journal.c.run_id.in_(names)


def _draft(row: AnyRow) -> Draft:
    return Draft(row.title, row.question, row.answer, row.category)


def _lesson(row: AnyRow) -> Lesson:
    return Lesson(
        row.id, row.team_id, row.case_id, row.conversation_id, _draft(row), row.language,
        row.taught_by, row.suggested_at, row.audience, row.article_by, row.is_case, row.case_by, row.dismissed_by,
        row.changed_at,
    )  # fmt: skip
