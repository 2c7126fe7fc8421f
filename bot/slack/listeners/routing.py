"""Which workspace a request belongs to; found before anything else is done with it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse

from bot.domain.errors import DeskhandError, TransientError
from bot.slack.reading import Json, count, first, items, obj, word, words
from bot.slack.workspace import Departure, Origin, Workspace, Workspaces

logger = logging.getLogger(__name__)

FIND_SECONDS = 2.0
"""Slack waits three seconds; most requests are answered from memory."""
_KEY = "deskhand_workspace"
_WITHOUT_WORKSPACE = frozenset({"url_verification", "ssl_check"})
_ON_OURS = frozenset({"block_actions", "view_submission", "view_closed"})
"""Requests that begin on what one of our bots has shown."""
_NOT_INSTALLED = "Deskhand is not installed in this workspace (any more). Ask an admin to install it again."


def workspace_of(context: AsyncBoltContext) -> Workspace:
    """The workspace that `Routing` found for this request."""
    found = context[_KEY]
    if not isinstance(found, Workspace):
        raise TypeError(type(found).__name__)
    return found


class Routing:
    """Looks a request's workspace up."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    async def find(
        self, body: dict[str, Any], context: AsyncBoltContext, next_: Callable[[], Awaitable[Any]]
    ) -> BoltResponse | None:
        """Bolt's `before_authorize`: note the workspace in the context.

        A request of a workspace that is not ours is acknowledged and forgotten.
        Raises a DeskhandError when nobody can tell now, so that Slack delivers again.
        """
        if word(body.get("type")) in _WITHOUT_WORKSPACE or "ssl_check" in body:
            await next_()
            return None
        origin = origin_of(body, context)
        try:
            async with asyncio.timeout(FIND_SECONDS):
                if (departure := departure_of(body, origin)) is not None:
                    await self._workspaces.leave(departure)
                    return BoltResponse(status=200, body="")
                workspace = await self._workspaces.find(origin)
        except DeskhandError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the fault: not found out means not acknowledged
            raise TransientError(f"the workspace could not be looked up: {type(error).__name__}") from None
        if workspace is None:
            logger.warning("slack.unknown_workspace", extra={"fields": {"teams": list(origin.team_ids)[:3]}})
            return BoltResponse(status=200, body=_NOT_INSTALLED if "command" in body else "")
        context[_KEY] = workspace
        await next_()
        return None


async def authorize(context: AsyncBoltContext) -> AuthorizeResult:
    """Bolt's `authorize`: answers from what `Routing.find` noted and asks nobody."""
    me = workspace_of(context).me
    return AuthorizeResult(
        enterprise_id=context.enterprise_id,
        team_id=me.team_id,
        bot_user_id=me.user_id,
        bot_id=me.bot_id,
        bot_token="",  # our own clients carry it; Bolt calls nothing itself
    )


def origin_of(body: Json, context: AsyncBoltContext) -> Origin:
    """The workspaces a request may belong to. A press on our message belongs to the one whose bot wrote it, whoever
    pressed; a form to the one where it was opened; an event to the installation Slack delivers it to; whatever else a
    person asks for, to their own, also when it is about a message of another workspace's bot."""
    own, message, view = first(context.team_id, body.get("team_id")), obj(body.get("message")), obj(body.get("view"))
    named: tuple[object, ...] = (own,)
    if word(body.get("type")) in _ON_OURS:
        named = (
            obj(message.get("bot_profile")).get("team_id"),
            message.get("team") if message.get("bot_id") else None,
            view.get("app_installed_team_id"),
            own,
            view.get("team_id"),
        )
    teams = tuple(dict.fromkeys(team for one in named if (team := word(one))))
    tells_organisation = not teams or teams[0] == own  # the one that is named is that of `own`
    return Origin(word(context.enterprise_id) if tells_organisation else "", teams)


def departure_of(body: Json, origin: Origin) -> Departure | None:
    """What `app_uninstalled`, `tokens_revoked` and `team_access_revoked` mean; None for everything else.

    Tokens of users are not ours. What is granted again needs no word: the first event from there joins the workspace.
    """
    event = obj(body.get("event"))
    kind = word(event.get("type"))
    if word(body.get("type")) == "event_callback" and kind == "team_access_revoked":
        teams = words(event.get("team_ids"))
        at = float(count(body.get("event_time")))
        return Departure(word(body.get("enterprise_id")) or origin.enterprise_id, "", at, teams) if teams else None
    is_revoked = kind == "tokens_revoked" and bool(obj(event.get("tokens")).get("bot"))
    if word(body.get("type")) != "event_callback" or not (is_revoked or kind == "app_uninstalled"):
        return None
    of_org = any(one.get("is_enterprise_install") is True for one in items(body.get("authorizations")))
    named = next(iter(origin.team_ids), "")
    team = "" if of_org or named == origin.enterprise_id else named
    return Departure(origin.enterprise_id, team, float(count(body.get("event_time"))))
