"""Suggestions made of people's answers, on both databases."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.lesson import Choice, Draft, Lesson
from bot.domain.workspace import SETTINGS, WorkspaceSettings
from bot.store.store import SqlStore
from bot.store.tables import workspaces
from tests.contract.store_kit import KINDS, NOW, THREAD, conversation, database, open_store

LESSON = Lesson("L1", "T1", "E1", THREAD.id, Draft("Title", "Question?", "Answer."), "en", "Sam", NOW)


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        async with opened.write() as tx:
            await tx.conversations.open(conversation())
            assert await tx.lessons.suggest(LESSON)
        yield opened


async def test_p2_one_suggestion_a_case_and_each_choice_once(store: SqlStore) -> None:
    async with store.write() as tx:
        assert not await tx.lessons.suggest(replace(LESSON, id="L2"))
        public = await tx.lessons.choose("L1", Choice.PUBLIC, by="U1", at=NOW + 1)
        assert public == replace(LESSON, audience="public", article_by="U1", changed_at=NOW + 1)
        for late in (Choice.PUBLIC, Choice.INTERNAL, Choice.DISMISS):
            assert await tx.lessons.choose("L1", late, by="U2", at=NOW + 2) is None
            assert not public.may(late)
        assert public.may(Choice.CASE)
        case = await tx.lessons.choose("L1", Choice.CASE, by="U2", at=NOW + 3)
        assert case is not None
        assert await tx.lessons.choose("L1", Choice.CASE, by="U3", at=NOW + 4) is None
        assert await tx.lessons.articles() == await tx.lessons.cases() == [case]
        assert (await tx.lessons.choose("L1", Choice.TAKE_BACK, by="U4", at=NOW + 5)) is not None
        assert await tx.lessons.choose("L1", Choice.TAKE_BACK, by="U5", at=NOW + 6) is None
        assert await tx.lessons.articles() == await tx.lessons.cases() == []


async def test_what_was_dismissed_stays_so(store: SqlStore) -> None:
    async with store.write() as tx:
        dismissed = await tx.lessons.choose("L1", Choice.DISMISS, by="U1", at=NOW)
        assert dismissed is not None
        assert not any(dismissed.may(choice) for choice in Choice)
        for late in Choice:
            assert await tx.lessons.choose("L1", late, by="U2", at=NOW) is None
        assert await tx.lessons.articles() == await tx.lessons.cases() == []


async def test_p7_another_workspace_sees_and_changes_nothing(store: SqlStore) -> None:
    async with store.of("T2").write() as tx:
        assert await tx.lessons.get("L1") is None
        assert await tx.lessons.choose("L1", Choice.PUBLIC, by="U9", at=NOW) is None
        assert await tx.lessons.articles() == []


async def test_workspaces_that_are_not_trusted_have_no_say_in_what_is_evaluated(store: SqlStore) -> None:
    for team, is_trusted in (("T2", True), ("T3", False)):
        there = replace(LESSON, id=team, case_id=team, team_id=team, conversation_id=f"{team}:C1:1.0")
        settings = SETTINGS.dump_json(WorkspaceSettings(shares_data=is_trusted)).decode()
        row = {"team_id": team, "enterprise_id": "", "settings": settings, "version": 1, "changed_at": NOW}
        async with store.write() as tx:
            await tx.connection.execute(sa.insert(workspaces).values(row))
            await tx.lessons.suggest(there)
    async with store.write() as tx:
        for lesson_id in ("L1", "T2", "T3"):
            assert await tx.lessons.choose(lesson_id, Choice.CASE, by="U1", at=NOW) is not None
        assert sorted(lesson.team_id for lesson in await tx.lessons.cases()) == ["T1", "T2"]
