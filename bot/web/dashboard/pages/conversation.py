"""One conversation: what was said and what it cost, every step on a time axis, and what people decided."""

import asyncio
from urllib.parse import quote

from aiohttp import web

from bot.domain.browsing import ConversationRecord
from bot.domain.conversation import Surface
from bot.ports.browsing import Around, ConversationShelf
from bot.web.dashboard.frame import VIEWER, link, render
from bot.web.dashboard.live import LiveEvents
from bot.web.dashboard.pages.conversations import PATH
from bot.web.dashboard.steps import messages, timelines


class ConversationPage:
    """Answers `/conversations/ID`."""

    def __init__(self, shelf: ConversationShelf, around: Around, live: LiveEvents) -> None:
        self._shelf = shelf
        self._around = around
        self._live = live

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Everything that is kept of it."""
        team_id, conversation_id = request[VIEWER].team_id, request.match_info["id"]
        version = await self._shelf.version(team_id, conversation_id)
        record = await self._shelf.record(team_id, conversation_id)
        if record is None:
            raise web.HTTPNotFound
        place = record.row.conversation.key.channel_id
        thread, names, channels = await asyncio.gather(
            self._around.link(conversation_id),
            self._around.people(team_id, _people(record)),
            self._around.channels(team_id, {place} if record.row.conversation.surface is Surface.CHANNEL else set()),
        )
        drawn = timelines(record)
        return render(
            request,
            "conversation.html",
            record=record,
            one=record.row.conversation,
            messages=list(messages(record, drawn)),
            timelines=drawn,
            thread=thread,
            names=names,
            channel_names=channels,
            version=version,
            changes=link(f"{PATH}/{quote(conversation_id, safe='')}/changes"),
        )

    async def changes(self, request: web.Request) -> web.StreamResponse:
        """Events while something happens in it."""
        team_id, conversation_id = request[VIEWER].team_id, request.match_info["id"]
        if not await self._shelf.version(team_id, conversation_id):
            raise web.HTTPNotFound
        return await self._live.follow(request, lambda: self._shelf.version(team_id, conversation_id))


def _people(record: ConversationRecord) -> set[str]:
    """Everybody whose id stands on the page."""
    one = record.row.conversation
    deciders = (case.decided_by for case in record.cases)
    return {id_ for id_ in (one.owner, one.opened_by, *deciders, *(entry.actor for entry in record.audit)) if id_}


def routes(shelf: ConversationShelf, around: Around, live: LiveEvents) -> list[web.RouteDef]:
    """What this module answers."""
    page = ConversationPage(shelf, around, live)
    changes = web.get(f"{PATH}/{{id}}/changes", page.changes, allow_head=False)
    return [web.get(f"{PATH}/{{id}}", page.show), changes]
