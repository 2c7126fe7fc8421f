"""Texts of the prompt versions that conversations of a workspace were opened with."""

import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain.browsing import PromptText
from bot.store.engine import reading_at_length
from bot.store.tables import conversations, prompts

MOST = 20


class SqlPromptShelf:
    """ports.browsing.PromptShelf."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def texts(self, team_id: str, versions: Sequence[str]) -> tuple[PromptText, ...]:
        used = sa.exists().where(
            conversations.c.team_id == team_id, conversations.c.prompt_version == prompts.c.version
        )
        query = sa.select(prompts).where(prompts.c.version.in_(list(versions)[:MOST]), used)
        async with reading_at_length(self._engine) as connection:
            found = {row.version: row.body for row in await connection.execute(query)}
        return tuple(_text(version, found[version]) for version in versions if version in found)


def _text(version: str, body: str) -> PromptText:
    """As `bot.agent.pinning` keeps it."""
    kept = json.loads(body)
    return PromptText(version, kept.get("system", ""), tuple(_tool(one) for one in kept.get("tools", ())))


def _tool(kept: dict[str, str]) -> str:
    schema = json.dumps(json.loads(kept.get("schema") or "{}"), indent=2, ensure_ascii=False)
    return f"{kept.get('name', '')}\n\n{kept.get('description', '')}\n\n{schema}"
