"""`deskhand kb gaps`, `kb stale` and `kb sources`: what an author looks at."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from bot.cli.kb_shelf import OpenShelf
from bot.domain.gaps import Gap
from bot.domain.hidden import visible
from bot.store.browsing.knowledge import times_cited
from tools.knowledge_base.gaps import GapBook
from tools.knowledge_base.schedule import Schedule
from tools.knowledge_base.store import Standing

_DAY = 86_400.0
_SHOWN = 100
_CITED_DAYS = 30
_WHY = 36
"""Characters of the longest single cause."""


async def list_gaps(shelf: OpenShelf, days: int, workspace: str) -> int:
    """Print what was asked and not answered by the articles."""
    book = GapBook(shelf.store.engine, shelf.store.clock)
    found = await book.since(shelf.store.clock() - days * _DAY, workspace)
    print(visible("\n".join(_gaps(found, days))))
    return 0


async def list_stale(shelf: OpenShelf, days: int, workspace: str) -> int:
    """Print what nobody has touched for long, first what answers rest on."""
    standings = await shelf.store.standings()
    now = shelf.store.clock()
    cited = await times_cited(shelf.store.engine, since=now - _CITED_DAYS * _DAY, workspace=workspace)
    today = datetime.fromtimestamp(now, UTC).date()
    print(visible("\n".join(_stale(standings, cited, today - timedelta(days=days), days))))
    return 0


async def list_sources(shelf: OpenShelf) -> int:
    """Print where the articles come from, and how the bot's own last reading of each source ended."""
    standings = await shelf.store.standings()
    told = await Schedule(shelf.store.engine, shelf.store.clock).told()
    if not standings and not told:
        print("The knowledge base is empty; `deskhand kb import PATH` fills it.")
        return 1
    names = sorted({one.source for one in standings})
    for name in names:
        mine = [one for one in standings if one.source == name]
        last = datetime.fromtimestamp(max(one.imported_at for one in mine), UTC)
        count = _number(len(mine), "article")
        print(f"{name}: {count}, last change taken in {last:%Y-%m-%d %H:%M} UTC")
    for name in sorted({*names, *told}):
        if name in told:
            nothing = "" if name in names else "no articles; "
            print(visible(f"{name}: {nothing}last reading by the bot: {told[name]}"))
    return 0


def _gaps(found: Sequence[Gap], days: int) -> Iterator[str]:
    if not found:
        yield f"Nothing was asked in vain in the last {days} days."
        return
    asked = sum(gap.times for gap in found)
    yield f"{_number(len(found), 'gap')}, asked {_number(asked, 'time')} in {_number(days, 'day')}."
    yield "Conversations it was asked in, last asked, why, question:"
    for gap in found[:_SHOWN]:
        at = datetime.fromtimestamp(gap.last_at, UTC)
        yield f"{gap.times:5}  {at:%Y-%m-%d}  {gap.why:<{_WHY}}  {gap.query}"
    if len(found) > _SHOWN:
        yield f"… and {len(found) - _SHOWN} more"


def _number(count: int, of: str) -> str:
    return f"{count} {of}{'' if count == 1 else 's'}"


def _stale(standings: Sequence[Standing], cited: Mapping[str, int], before: date, days: int) -> Iterator[str]:
    dated = sorted((one for one in standings if one.updated), key=lambda one: (one.updated, one.slug))
    old = [one for one in dated if one.updated < before.isoformat()]
    undated = [one for one in standings if not one.updated]
    if not old and not undated:
        yield f"Every article was updated in the last {days} days."
        return
    were, have = "was" if len(old) == 1 else "were", "has" if len(undated) == 1 else "have"
    yield f"{len(old)} of {len(standings)} articles {were} not updated for {days} days; {len(undated)} {have} no date."
    yield f"Answers of the last {_CITED_DAYS} days that cite it, updated, article:"
    for one in sorted((*old, *undated), key=lambda one: -cited.get(one.slug, 0)):
        yield f"{cited.get(one.slug, 0):5}  {one.updated or 'no date':10}  {one.slug}  {one.title}"
