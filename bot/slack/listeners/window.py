"""Opening a form or a window in time, for those who may see it."""

from collections.abc import Awaitable, Callable
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.desk_port import Desk
from bot.slack.identity import OwnIdentity
from bot.slack.listeners.whisper import TOO_SLOW, in_time, whisper
from bot.slack.parse_press import Press, read_press
from bot.slack.render.blocks import Block
from bot.slack.web import call

Builder = Callable[[Press], Awaitable[Block | str]]
"""Gives the view to open, or the sentence that tells why there is none."""


class Window:
    """What a button opens is only for those who may decide cases."""

    def __init__(self, client: AsyncWebClient, desk: Desk, identity: OwnIdentity) -> None:
        self._client = client
        self._desk = desk
        self._identity = identity

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
        await whisper(self._client, press.channel_id, press.user_id, text, press.thread_ts)

    async def _try(self, press: Press, build: Builder) -> str | None:
        me = await self._identity.get()
        refusal = await self._desk.may_decide(me.team_id, press.user_id)
        if refusal:
            return refusal
        view = await build(press)
        if isinstance(view, str):
            return view
        await call(self._client.views_open(trigger_id=press.trigger_id, view=view))
        return None
