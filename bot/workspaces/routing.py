"""Shared queues, separate workspaces: each cause and each effect goes to the office it belongs to."""

import logging

from bot.domain.effects import Outgoing, Progress, Receipt
from bot.domain.errors import PermanentError, WorkspaceLeftError
from bot.domain.incoming import team_of
from bot.ports.slack import LiveState, StillOurs, Target
from bot.ports.store import Store
from bot.workspaces.office import Office
from bot.workspaces.registry import Registry

logger = logging.getLogger(__name__)


class CauseRouter:
    """ports.runtime.Handler for all workspaces."""

    def __init__(self, store: Store, registry: Registry) -> None:
        """`store` is the one that sees every workspace."""
        self._store = store
        self._registry = registry

    async def handle(self, inbox_id: str) -> None:
        """Let the workspace's desk handle a cause. One of a workspace that left is closed, of an unknown one parked."""
        async with self._store.read() as tx:
            queued = await tx.inbox.get(inbox_id)
        if queued is None:
            return
        team_id = team_of(queued.incoming)
        office = await self._registry.of(team_id)
        if office is not None:
            await office.desk.handle(inbox_id)
            return
        has_left = await self._registry.has_left(team_id)
        level, event = (logging.INFO, "cause.workspace_left") if has_left else (logging.ERROR, "cause.foreign")
        logger.log(level, event, extra={"fields": {"inbox_id": inbox_id, "team": team_id}})
        async with self._store.write() as tx:
            await (tx.inbox.mark_handled if has_left else tx.inbox.park)([inbox_id])

    async def last_words(self, inbox_id: str) -> None:
        """Let the workspace's own desk tell its people that a cause was given up; it is parked in any case."""
        async with self._store.read() as tx:
            queued = await tx.inbox.get(inbox_id)
        office = await self._registry.of(team_of(queued.incoming)) if queued else None
        if office is not None:
            await office.desk.last_words(inbox_id)
            return
        async with self._store.write() as tx:
            await tx.inbox.park([inbox_id])

    async def redraw_cards(self) -> None:
        """After a start, let every live card show its row, workspace by workspace."""
        async with self._store.read() as tx:
            teams = {case.conversation_id.split(":")[0] for case in await tx.escalations.all_live()}
        for team_id in sorted(teams):
            office = await self._registry.of(team_id)
            if office is not None:
                await office.desk.redraw_cards()


class EffectRouter:
    """ports.slack.Messenger for all workspaces, as the outbox needs it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def deliver(self, outgoing: Outgoing, target: Target) -> Receipt | None:
        """As the workspace's own messenger does; WorkspaceLeftError when the app is not installed there any more."""
        return await (await self._office(outgoing)).messenger.deliver(outgoing, target)

    async def find(self, outgoing: Outgoing, target: Target, *, since: float) -> Receipt | None:
        """As the workspace's own messenger does."""
        return await (await self._office(outgoing)).messenger.find(outgoing, target, since=since)

    async def progress(
        self,
        receipt: Receipt,
        progress: Progress,  # noqa: ARG002 - see below
        still_ours: StillOurs | None = None,  # noqa: ARG002 - as above
    ) -> LiveState:
        """Shows nothing: desks tell progress to their own messengers, and a receipt does not name its workspace."""
        return LiveState(receipt, is_shown=False)

    async def unsent(self, outgoing: Outgoing, why: str) -> None:
        """Tell the workspace's own desk what will never be delivered; nobody, when the workspace left."""
        office = await self._registry.of(outgoing.effect.place.team_id)
        if office is not None:
            await office.desk.unsent(outgoing, why)

    async def _office(self, outgoing: Outgoing) -> Office:
        team_id = outgoing.effect.place.team_id
        office = await self._registry.of(team_id)
        if office is not None:
            return office
        if await self._registry.has_left(team_id):
            raise WorkspaceLeftError("the app is not installed in this workspace any more")
        raise PermanentError("this bot has no token for the workspace")
