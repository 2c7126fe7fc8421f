"""Opening a form or a window in time, for those who may see it."""

from collections.abc import Awaitable, Callable
from typing import Any

from bot.slack.listeners.whisper import TOO_SLOW, in_time, whisper
from bot.slack.parse_press import Press, read_press
from bot.slack.render.blocks import Block
from bot.slack.web import call
from bot.slack.workspace import Workspace

Builder = Callable[[Press], Awaitable[Block | str]]
"""Gives the view to open, or the sentence that tells why there is none."""


class Window:
    """What a button opens is only for those who may decide cases."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def open(self, body: dict[str, Any], build: Builder) -> None:
        """Open what `build` gives, or tell the presser (and nobody else) why not."""
        press = read_press(body)
        if press is None:
            return
        try:
            async with in_time(press.action_id):
                refusal = await self._try(press, build)
        except TimeoutError:
            refusal = TOO_SLOW
        if refusal:
            await self.tell(press, refusal)

    async def tell(self, press: Press, text: str) -> None:
        """Words for the presser only."""
        await whisper(self._workspace.client, press.channel_id, press.user_id, text, press.thread_ts)

    async def _try(self, press: Press, build: Builder) -> str | None:
        workspace = self._workspace
        refusal = await workspace.desk.may_decide(press.user_team, press.user_id)
        if refusal:
            return refusal
        view = await build(press)
        if isinstance(view, str):
            return view
        await call(workspace.client.views_open(trigger_id=press.trigger_id, view=view))
        return None
