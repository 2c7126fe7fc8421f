"""`deskhand audit verify`: whether the audit log is as it was written."""

import asyncio
from collections.abc import Sequence

from bot.app import open_store
from bot.cli.database import check_database
from bot.config import Settings
from bot.store.audit_chain import Verdict

_NOT_FOUND = (
    "BROKEN: the head you gave is in none of these logs. Entries that were there when it was printed are missing or "
    "were written anew."
)


def verify(settings: Settings, team_id: str | None, head: str) -> int:
    """Look at every entry; 1 when one is not as it was written, or the given head is not found."""
    verdicts = asyncio.run(_verdicts(settings, team_id, head))
    for verdict in verdicts:
        print(line(verdict))
    if not verdicts:
        print("Nothing has been decided or changed yet.")
    lost = bool(head) and not any(verdict.has_outside for verdict in verdicts)
    if lost:
        print(_NOT_FOUND)
    elif head and not any(verdict.broken for verdict in verdicts):
        print("The head you gave is in the chain.")
    return int(lost or any(verdict.broken for verdict in verdicts))


def line(verdict: Verdict) -> str:
    """What was found in one workspace."""
    whose = verdict.team_id or "(installation)"
    if verdict.broken:
        return f"{whose}: BROKEN. {verdict.broken} {verdict.entries} entries before it are as they were written."
    loose = f", {verdict.loose} of them from before the chain and not anchored yet" if verdict.loose else ""
    return f"{whose}: {verdict.entries} entries, all as they were written{loose}. Head: {verdict.head or 'none yet'}"


async def _verdicts(settings: Settings, team_id: str | None, head: str) -> Sequence[Verdict]:
    await check_database(settings.database_url)
    async with open_store(settings) as store:
        teams = await store.audit_chain.teams() if team_id is None else [team_id]
        return [await store.audit_chain.verify(team, outside=head) for team in teams]
