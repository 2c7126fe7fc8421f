"""Conversations to look through: search, filters, a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aiohttp import web

from bot.domain.answer import Outcome
from bot.domain.browsing import ConversationFilter, ConversationPage, Opinion
from bot.domain.conversation import Surface
from bot.domain.insight import DIRECT, Choices
from bot.domain.reports import TalkState
from bot.ports.browsing import Around, ConversationShelf
from bot.ports.insight import Insight
from bot.web.dashboard import asked, lists, words
from bot.web.dashboard.frame import VIEWER, ZONE, link, render

PATH = "/conversations"
_FOLDED = ("owner", "channel", "profile", "version", "cost", "rating", "escalated")
"""Fields of the second row of the form."""


class ConversationsPage:
    """Answers `/conversations`."""

    def __init__(self, shelf: ConversationShelf, insight: Insight, around: Around) -> None:
        self._shelf = shelf
        self._insight = insight
        self._around = around

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The conversations its address asks for."""
        team_id, query = request[VIEWER].team_id, request.query
        wanted = replace(
            asked.conversation_filter(query, team_id, request[ZONE]),
            state=asked.choice(query, "state", TalkState),
            outcome=asked.choice(query, "outcome", Outcome),
            opinion=asked.choice(query, "rating", Opinion),
        )
        page = await self._shelf.search(team_id, wanted, after=asked.position(query))
        found = [row.conversation for row in page.rows]
        choices = await self._insight.choices(team_id)
        channels = {*choices.channels, *(one.key.channel_id for one in found if one.surface is Surface.CHANNEL)}
        names = await self._around.channels(team_id, channels - {DIRECT})
        return render(
            request,
            "conversations.html",
            page=page,
            query=query,
            options=_options(choices, names),
            names=await self._around.people(team_id, {one.owner for one in found if one.owner}),
            channel_names=names,
            is_filtered=wanted != ConversationFilter(),
            is_unfolded=any(asked.text(query, name) for name in _FOLDED),
            older=_older(request, page),
            newest=asked.address(link(PATH), query, after="") if query.get("after") else "",
        )


def _options(choices: Choices, names: Mapping[str, str]) -> Mapping[str, Sequence[tuple[str, str]]]:
    """What can be chosen in each list, with what people read."""
    return {
        "state": [(one, lists.state(one)) for one in TalkState],
        "outcome": [(one, lists.outcome(one)) for one in Outcome],
        "channel": [(one, words.channel(one, names)) for one in choices.channels],
        "profile": [(one, one) for one in choices.profiles],
        "version": [(one, words.version(one)) for one in choices.prompt_versions],
        "escalated": [("yes", "yes"), ("no", "no")],
        "rating": [
            (Opinion.UP, "helpful"),
            (Opinion.DOWN, "not helpful"),
            (Opinion.HIGH, "4 or 5 stars"),
            (Opinion.LOW, "1 or 2 stars"),
        ],
    }


def _older(request: web.Request, page: ConversationPage) -> str:
    if page.next is None:
        return ""
    return asked.address(link(PATH), request.query, after=asked.after(page.next))


def routes(shelf: ConversationShelf, insight: Insight, around: Around) -> list[web.RouteDef]:
    """What this module answers."""
    return [web.get(PATH, ConversationsPage(shelf, insight, around).show)]
