"""How the doctor asks the real Slack, the real model and the real database."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import aiohttp
from sqlalchemy.exc import SQLAlchemyError

from bot.config import Settings
from bot.doctor import Finding, Schema, Verdict
from bot.model.pricing import load_prices
from bot.slack.connect import check
from bot.slack.web import call, slack_client, slack_session
from bot.store.breakers import open_breakers
from bot.store.engine import create_engine
from bot.store.schema import revisions
from tools.base import ToolUnavailableError
from tools.knowledge_base.store import ArticleStore
from tools.tickets.doubts import Doubt, doubts


class SlackAnswers:
    """doctor.SlackProbe on the Web API."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession) -> None:
        self._client = slack_client(settings.slack_bot_token.get_secret_value(), settings.slack_api_url, session)
        self._settings = settings

    async def connection(self) -> list[Finding]:
        """Token, scopes, staff channels, app token."""
        channels = (self._settings.staff_channel, *self._settings.channels_by_team.values())
        app_token = self._settings.slack_app_token.get_secret_value()
        found = await check(self._client, staff_channels=channels, app_token=app_token)
        return [Finding(Verdict.GOOD if one.ok else Verdict.BAD, _sentence(one.name, one.detail)) for one in found]

    async def user_name(self, user_id: str) -> str:
        """The name people see."""
        user = (await call(self._client.users_info(user=user_id)))["user"]
        return str(user.get("real_name") or user.get("name") or user_id)

    async def group_size(self, group_id: str) -> int:
        """How many people are in a user group."""
        return len((await call(self._client.usergroups_users_list(usergroup=group_id)))["users"])


@asynccontextmanager
async def slack_answers(settings: Settings) -> AsyncIterator[SlackAnswers]:
    """A probe with a session of its own."""
    async with slack_session() as session:
        yield SlackAnswers(settings, session)


class ModelAnswers:
    """doctor.ModelProbe on Anthropic's API and our price list."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def reach(self, model: str) -> None:
        """Look the model up; free of charge."""
        from bot.model.reach import reach  # noqa: PLC0415 - imports Anthropic's library: a second, only with a key

        key = self._settings.anthropic_api_key.get_secret_value()
        await reach(model, api_key=key, base_url=self._settings.anthropic_base_url)

    def check_price(self, model: str) -> None:
        """PricesError when money could not be counted."""
        load_prices(self._settings.model_prices or None).check_prices([model])


class DatabaseAnswers:
    """doctor.DatabaseProbe on DATABASE_URL."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    async def schema(self) -> Schema:
        """Its state; nothing is created or changed."""
        present, newest = await revisions(self._url)
        if present is None:
            return Schema.NEW
        return Schema.CURRENT if newest is None or present >= newest else Schema.OLD

    async def left_alone(self) -> Mapping[str, str]:
        """Names of the breakers that are open, and why."""
        return await open_breakers(self._url, time.time())

    async def doubts(self) -> Sequence[Doubt]:
        """Orders of tickets whose outcome nobody knows."""
        engine = create_engine(self._url)
        try:
            return await doubts(engine, time.time())
        except (ToolUnavailableError, SQLAlchemyError):  # no bot has made the table yet
            return ()
        finally:
            await engine.dispose()

    async def articles(self) -> Mapping[str, int]:
        """How many articles came from which source."""
        engine = create_engine(self._url)
        try:
            standings = await ArticleStore(engine, time.time).standings()
        except (ToolUnavailableError, SQLAlchemyError):  # no bot has made the table yet, or an older one has
            return {}
        finally:
            await engine.dispose()
        return Counter(one.source for one in standings)


def _sentence(name: str, detail: str) -> str:
    return f"{name[0].upper()}{name[1:]}: {detail.rstrip('.')}."
