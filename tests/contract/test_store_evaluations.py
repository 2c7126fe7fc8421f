"""Results of evaluations, on both databases."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.errors import ForeignWorkspaceError
from bot.domain.evaluation import CaseResult, Evaluation
from bot.ports.keeping import Ages, Batch
from bot.store.store import SqlStore
from bot.store.tables import installations
from tests.contract.store_kit import KINDS, NOW, database, open_store

ONE = Evaluation(
    "E1", NOW, "golden", "v1", "digest", "claude-test", "judge-test", 2, 3, 2, 1, Decimal("0.123456"), 12.5, "",
    "data/E1",
)  # fmt: skip

AGES = Ages(NOW, NOW, NOW, costs=NOW - 1)


def result(case_id: str, epoch: int, **changes: object) -> CaseResult:
    plain = CaseResult(
        "E1", case_id, epoch, "billing", passed=True, score=1.0, why="", cost=Decimal("0.01"), tokens=900, steps=2,
        seconds=1.5, conversation_id="T1:C1:1.0", run_id="run-1",
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]  # a dict of mixed fields


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        yield opened


async def test_an_evaluation_is_found_again_with_all_its_cases_by_id_version_and_set(store: SqlStore) -> None:
    cases = [result("b", 1), result("a", 2, passed=False, why="Said nothing.", score=0.5), result("a", 1)]
    async with store.write() as tx:
        await tx.evaluations.add(ONE, cases)
        await tx.evaluations.add(replace(ONE, id="E2", at=NOW + 1, set_name="adversarial"), ())
        await tx.evaluations.add(replace(ONE, id="E3", at=NOW + 2), ())
        await tx.evaluations.add(replace(ONE, id="E4", at=NOW + 3, prompt_version="v2"), ())
    async with store.read() as tx:
        assert await tx.evaluations.get("E1") == ONE
        assert await tx.evaluations.get("E9") is None
        assert await tx.evaluations.results("E1") == [cases[2], cases[1], cases[0]]
        assert [one.id for one in await tx.evaluations.recent(9)] == ["E4", "E3", "E2", "E1"]
        assert [one.id for one in await tx.evaluations.recent(1, prompt_version="v1", set_name="golden")] == ["E3"]
        latest = await tx.evaluations.latest_by_version(["v1", "v2"])
        assert [one.id for one in latest] == ["E4", "E3", "E2"]


async def test_a_workspace_that_installed_the_app_does_not_see_the_operators_evaluations(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.evaluations.add(ONE, [result("a", 1)])
        await tx.evaluations.add(replace(ONE, id="E2", team_id="T2"), [result("a", 1, evaluation_id="E2")])
        await tx.connection.execute(sa.insert(installations).values(_installation("T2")))
    async with store.of("T1").read() as tx:
        assert [one.id for one in await tx.evaluations.recent(9)] == ["E1"]
        assert await tx.evaluations.results("E2") == []
    async with store.of("T2").read() as tx:
        assert [one.id for one in await tx.evaluations.recent(9)] == ["E2"]
        assert await tx.evaluations.results("E1") == []
    with pytest.raises(ForeignWorkspaceError):
        async with store.of("T1").write() as tx:
            await tx.evaluations.add(replace(ONE, id="E3", team_id="T2"), ())


async def test_results_go_with_their_workspace_and_when_they_are_old(store: SqlStore) -> None:
    async with store.write() as tx:
        await tx.evaluations.add(replace(ONE, team_id="T2"), [result("a", 1)])
        await tx.evaluations.add(replace(ONE, id="E2"), [result("a", 1, evaluation_id="E2")])
    await store.delete_workspace("T2")
    assert await store.archive.clear("evaluations", AGES, None) == Batch(0, None)
    async with store.read() as tx:
        assert [one.id for one in await tx.evaluations.recent(9)] == ["E2"]
        rows = (await tx.connection.execute(sa.text("select evaluation_id from evaluation_cases"))).scalars()
        assert list(rows) == ["E2"]
    assert await store.archive.clear("evaluations", replace(AGES, costs=NOW + 1), None) == Batch(2, None)
    async with store.read() as tx:
        assert await tx.evaluations.recent(9) == []


def _installation(team_id: str) -> dict[str, object]:
    words = ("name", "app_id", "bot_user_id", "bot_id", "scopes", "installed_by", "bot_token", "refresh_token")
    values: dict[str, object] = dict.fromkeys(words, "")
    return values | {"enterprise_id": "", "team_id": team_id, "installed_at": NOW, "version": 1}
