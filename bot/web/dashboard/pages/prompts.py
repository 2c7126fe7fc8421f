"""Versions of the prompts: their figures side by side, texts, what differs between two, and how they were tried."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aiohttp import web

from bot.domain.browsing import PromptText
from bot.domain.evaluation import Evaluation
from bot.domain.insight import Figures, Selection
from bot.ports.browsing import EvaluationShelf, PromptShelf
from bot.ports.clock import Clock
from bot.ports.insight import Insight
from bot.web.dashboard import asked
from bot.web.dashboard.frame import VIEWER, ZONE, render

PATH = "/prompts"
DAYS = 90
MOST_VERSIONS = 6
"""Side by side; each takes a question to the figures."""
MOST_FAILED = 100
_CONTEXT = 3
"""Lines around a difference."""


@dataclass(frozen=True, slots=True)
class Version:
    """One prompt, as conversations lived through it."""

    name: str
    figures: Figures
    evaluations: tuple[Evaluation, ...] = ()
    """The last one of each set and model."""


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a difference."""

    kind: str
    """added, removed, same or gap."""
    text: str


class PromptsPage:
    """Answers `/prompts` and what lies under it."""

    def __init__(self, shelf: PromptShelf, insight: Insight, evaluations: EvaluationShelf, clock: Clock) -> None:
        self._shelf = shelf
        self._insight = insight
        self._evaluations = evaluations
        self._clock = clock

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The versions of some days, the newest first."""
        team_id = request[VIEWER].team_id
        days = asked.number(request.query, "days", DAYS, 366)
        today = datetime.fromtimestamp(self._clock(), request[ZONE]).date()
        selection = Selection(today - timedelta(days=days - 1), today)
        known = [one for one in (await self._insight.choices(team_id)).prompt_versions if one]
        versions = known[:MOST_VERSIONS]
        tried = await self._tried(team_id, versions)
        shown = [await self._version(team_id, selection, name, tried.get(name, ())) for name in versions]
        left_out = len(known) - len(versions)
        return render(request, "prompts.html", versions=shown, days=days, left_out=left_out)

    async def one(self, request: web.Request) -> web.StreamResponse:
        """The text of a version, or (`?against=`) what differs from another; and the cases that failed with it."""
        team_id, version = request[VIEWER].team_id, request.match_info["version"]
        against = asked.text(request.query, "against")
        texts = {one.version: one for one in await self._shelf.texts(team_id, [version, against])}
        if version not in texts:
            raise web.HTTPNotFound
        evaluations = (await self._tried(team_id, [version])).get(version, ())
        return render(
            request,
            "prompt.html",
            prompt=texts[version],
            other=texts.get(against),
            against=against,
            difference=list(difference(texts[against], texts[version])) if against in texts else [],
            evaluations=evaluations,
            failed={one.id: await self._evaluations.failed(team_id, one, MOST_FAILED) for one in evaluations},
            others=[one for one in (await self._insight.choices(team_id)).prompt_versions if one and one != version],
        )

    async def _version(
        self, team_id: str, selection: Selection, name: str, evaluations: tuple[Evaluation, ...]
    ) -> Version:
        overview = await self._insight.overview(team_id, replace(selection, prompt_version=name))
        return Version(name, overview.total, evaluations)

    async def _tried(self, team_id: str, versions: Sequence[str]) -> Mapping[str, tuple[Evaluation, ...]]:
        found: dict[str, tuple[Evaluation, ...]] = {}
        for one in await self._evaluations.tried(team_id, versions):
            found[one.prompt_version] = (*found.get(one.prompt_version, ()), one)
        return found


def difference(old: PromptText, new: PromptText) -> Iterator[DiffLine]:
    """Line by line, with a few lines around."""
    lines = difflib.unified_diff(_lines(old), _lines(new), lineterm="", n=_CONTEXT)
    kinds = {"+": "added", "-": "removed", " ": "same", "@": "gap"}
    for number, line in enumerate(lines):
        if number > 1:  # the first two name the files
            kind = kinds.get(line[:1], "same")
            yield DiffLine(kind, "…" if kind == "gap" else line[1:])


def _lines(prompt: PromptText) -> list[str]:
    return [*prompt.system.splitlines(), *(line for tool in prompt.tools for line in ("", *tool.splitlines()))]


def routes(shelf: PromptShelf, insight: Insight, evaluations: EvaluationShelf, clock: Clock) -> list[web.RouteDef]:
    """What this module answers."""
    page = PromptsPage(shelf, insight, evaluations, clock)
    return [web.get(PATH, page.show), web.get(f"{PATH}/{{version}}", page.one)]
