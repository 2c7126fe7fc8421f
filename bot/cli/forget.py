"""`deskhand forget USER`: erases a person, and says honestly what it cannot reach."""

import argparse
import asyncio
import getpass
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.app import open_store
from bot.cli.database import check_database
from bot.config import Settings, load_settings
from bot.domain.errors import PermanentError
from bot.logs import configure_logging
from bot.store.personal import Found, Person
from bot.store.store import SqlStore

Ask = Callable[[str], str]

AGAIN_SECONDS = 2.0
"""After so long a bot that was in the middle of something has noticed."""
MOST_ROUNDS = 5
_ELSEWHERE = """\
Not in this database, and still there:
- the messages in Slack itself: Slack's own retention, or an admin of the workspace, deletes them
- tickets and customer records in services that you connected (CONNECTORS_FILE), and your directory of customers
- refunds: amount, date and e-mail address stay, so that nothing is given back twice
- articles and evaluation cases that staff accepted from suggestions: read whether they name the person
- logs, traces and metrics that were sent to a collector, and what the model's vendor keeps
- backups of this database
A running bot remembers a name and an e-mail address of Slack's for ten minutes; its queue names threads for a day."""


def run(arguments: argparse.Namespace, ask: Ask = input) -> int:
    """Erase; 1 when nothing was, because the person is unknown, ambiguous or nobody agreed."""
    settings = load_settings()
    configure_logging("WARNING")
    try:
        return asyncio.run(_run(settings, arguments, ask))
    except PermanentError as error:
        print(error, file=sys.stderr)
        return 1


async def _run(settings: Settings, arguments: argparse.Namespace, ask: Ask) -> int:
    await check_database(settings.database_url)
    async with open_store(settings) as store:
        team_id = arguments.workspace or await _only_workspace(store, arguments.user)
        errand = _Errand(store, store.forgetting.person(team_id, arguments.user))
        return await errand.run(ask, dry=arguments.dry_run, agreed=arguments.yes)


async def _only_workspace(store: SqlStore, user_id: str) -> str:
    known = await store.forgetting.workspaces(user_id)
    if len(known) > 1:
        raise PermanentError(f"{user_id} is known in {', '.join(known)}. Say where: --workspace TEAM")
    if not known:
        raise PermanentError(
            f"Nothing is known of {user_id}. If it has written all the same, say where: --workspace TEAM"
        )
    return known[0]


@dataclass(frozen=True, slots=True)
class _Errand:
    store: SqlStore
    person: Person

    async def run(self, ask: Ask, *, dry: bool, agreed: bool) -> int:
        """Look, ask, erase, look again."""
        found = await self.store.forgetting.find(self.person)
        counts = await self.store.forgetting.count(self.person, found)
        whom = f"{self.person.user_id} in {self.person.team_id}"
        if not counts:
            print(f"Nothing is kept of {whom}.\n\n{_ELSEWHERE}")
            return 0
        if dry or not agreed:
            print(_told(f"Of {whom} this would go or lose what tells of them:", counts, found))
        if dry:
            print(f"\n{_ELSEWHERE}")
            return 0
        if not agreed and not _agrees(ask, self.person.user_id):
            print("Nothing was erased.")
            return 1
        done = await self._erase(found)
        print(_told(f"Of {whom} this went or lost what told of them:", done, found))
        print(f"\n{_ELSEWHERE}")
        return 0

    async def _erase(self, found: Found) -> Mapping[str, int]:
        forgetting = self.store.forgetting
        done = Counter(await forgetting.erase(self.person, found))
        for _ in range(MOST_ROUNDS):  # what is written for conversations that are gone, only the old list finds
            await asyncio.sleep(AGAIN_SECONDS)
            late = Counter(await forgetting.erase(self.person, found))
            late += Counter(await forgetting.erase(self.person, await forgetting.find(self.person)))
            done += late
            if not late:
                break
        await forgetting.record(self.person, f"os:{getpass.getuser()}", sum(done.values()))
        return done


def _agrees(ask: Ask, user_id: str) -> bool:
    if not sys.stdin.isatty():
        print("Nobody can be asked here; add --yes.")
        return False
    return ask(f"It cannot be undone. Type {user_id} to go on: ").strip() == user_id


def _told(head: str, counts: Mapping[str, int], found: Found) -> str:
    lines = [head, *(f"  {rows:>7}  {name}" for name, rows in sorted(counts.items()))]
    lines.append(f"  ({len(found.own)} conversations of their own, a part in {len(found.shared)} of others)")
    if found.in_charge:
        lines.append(f"  {found.in_charge} conversations are in their hands: hand them back, then do this again.")
    return "\n".join(lines)
