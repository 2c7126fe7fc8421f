"""A sandbox and a Bolt app on it."""

from collections.abc import AsyncIterator

import pytest
from slack_bolt.async_app import AsyncApp

from tests.fakes.bolt_app import new_app
from tests.fakes.sandbox_driver import IMPATIENT, SandboxDriver, sandbox_running


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    for name in (*proxies, "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxDriver]:
    async with sandbox_running() as driver:
        yield driver


@pytest.fixture
async def impatient() -> AsyncIterator[SandboxDriver]:
    async with sandbox_running(IMPATIENT) as driver:
        yield driver


@pytest.fixture
def app(sandbox: SandboxDriver) -> AsyncApp:
    return new_app(sandbox)
