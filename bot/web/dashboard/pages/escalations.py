"""Cases before people: what is overdue, who has what, and how fast the teams are."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.domain.browsing import CaseRow
from bot.domain.escalation import Deadline, State
from bot.domain.service import Service
from bot.ports.browsing import Around, CaseShelf
from bot.ports.clock import Clock
from bot.web.dashboard import asked
from bot.web.dashboard.frame import VIEWER, link, render

PATH = "/escalations"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A live case and its clock."""

    row: CaseRow
    deadline: Deadline | None
    """None: somebody has taken it over."""

    @property
    def is_overdue(self) -> bool:
        """Whether the first answer should have been there."""
        return self.deadline is not None and self.deadline.used >= 1

    @property
    def whose(self) -> str:
        """Id of whoever has it, or whose turn it is; empty when nobody is named."""
        if self.deadline is None:
            return self.row.case.decided_by
        return self.deadline.responder


class EscalationsPage:
    """Answers `/escalations`."""

    def __init__(self, shelf: CaseShelf, around: Around, clock: Clock) -> None:
        self._shelf = shelf
        self._around = around
        self._clock = clock

    async def show(self, request: web.Request) -> web.StreamResponse:
        """All that wait, and some that do not any more."""
        team_id, now = request[VIEWER].team_id, self._clock()
        page = await self._shelf.cases(team_id, now=now, after=asked.position(request.query))
        live = waiting(page.live, await self._around.service(team_id), now)
        ids = {one.whose for one in live} | {row.case.decided_by for row in page.decided}
        return render(
            request,
            "escalations.html",
            live=live,
            page=page,
            now=now,
            names=await self._around.people(team_id, ids - {""}),
            older=asked.address(link(PATH), {}, after=asked.after(page.next)) if page.next else "",
            newest=link(PATH) if request.query.get("after") else "",
        )


def waiting(rows: Sequence[CaseRow], service: Service, now: float) -> list[Waiting]:
    """With their clocks: the most overdue first, those that somebody has last."""
    found = [Waiting(row, service.deadline(row.case, now) if row.case.state is State.OPEN else None) for row in rows]
    return sorted(found, key=lambda one: (one.deadline is None, one.deadline.due_at if one.deadline else 0.0))


def routes(shelf: CaseShelf, around: Around, clock: Clock) -> list[web.RouteDef]:
    """What this module answers."""
    return [web.get(PATH, EscalationsPage(shelf, around, clock).show)]
