"""A desk for each story, and what must hold in every story whatever it tells."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.desk import Desk, open_desk, prepare_template
from tests.fakes.desk_claude import Claude
from tests.fakes.discretion import assert_discreet, assert_logs_are_discreet


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asyncio.run(prepare_template(tmp_path_factory.mktemp("template")))


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def claude() -> AsyncIterator[Claude]:
    async with Claude() as api:
        yield api
        assert api.refused == [], "the Messages API found fault with a request"


@pytest.fixture
async def desk(tmp_path: Path, template: Path, claude: Claude) -> AsyncIterator[Desk]:
    """With a Claude that says what the story planned."""
    async with open_desk(tmp_path, claude=claude, template=template) as opened:
        yield opened
    assert_discreet(opened)
    assert_logs_are_discreet(opened)


@pytest.fixture
async def offline(tmp_path: Path, template: Path) -> AsyncIterator[Desk]:
    """Without a key: the offline model answers."""
    async with open_desk(tmp_path, template=template) as opened:
        yield opened
    assert_discreet(opened)
    assert_logs_are_discreet(opened)
