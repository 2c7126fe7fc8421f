"""Plays one case in a world: a customer writes, waits for what becomes of it, writes again; then everything is read."""

import asyncio
import base64
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image, ImageDraw

from bot.domain.aftermath import Aftermath
from bot.domain.conversation import ThreadKey
from bot.evals.cases import Attachment, Case, Turn
from bot.evals.sight import Shown, thread
from bot.evals.world import SUPPORT, World, WorldError
from bot.sandbox.wire import Json

_PICTURE_WIDTH, _LINE_HEIGHT = 900, 28
_FORM_SECONDS, _LOOK_SECONDS = 30.0, 0.05
LATE = "The bot did not come to an end in time."


@dataclass(frozen=True, slots=True)
class Said:
    """A message that stands in the thread at the end, or did when it was said."""

    who: str
    text: str
    is_bot: bool
    addresses: tuple[str, ...] = ()
    spoken: str = ""
    """Of the bot's: the words alone, without sources and footer."""
    kind: str = ""


class Customer(Protocol):
    """Who writes to the bot in a case."""

    async def next(self, said: Sequence[Said]) -> Turn | None:
        """What they do next, given the thread as it stands; None: nothing more."""
        ...


class Scripted:
    """Says a case's turns, whatever comes back."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = list(turns)

    async def next(self, said: Sequence[Said]) -> Turn | None:  # noqa: ARG002 - as the protocol has it
        return self._turns.pop(0) if self._turns else None


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything that people saw of a case, and what the bot's database knows of it."""

    case: Case
    epoch: int
    conversation_id: str
    transcript: tuple[Said, ...]
    shown: tuple[str, ...]
    """Every text of the bot that a customer was shown, even for a moment."""
    cards: tuple[str, ...]
    """What staff were shown of it."""
    cited: tuple[str, ...]
    """Slugs of the articles that answers link to."""
    left: Aftermath
    seconds: float
    trouble: str = ""
    """Why the case did not come to its end."""

    @property
    def answers(self) -> tuple[Said, ...]:
        """The finished messages of the bot."""
        return tuple(said for said in self.transcript if said.is_bot and said.kind != "live")

    @property
    def typed(self) -> str:
        """All that people wrote."""
        return "\n".join(said.text for said in self.transcript if not said.is_bot)


async def play(case: Case, world: World, customer: Customer, *, epoch: int = 1) -> Observed:
    """One case from its first message until the bot has nothing left to do with it."""
    began = time.monotonic()
    scene = _Scene(case, world)
    trouble = ""
    try:
        while (turn := await customer.next(scene.said())) is not None:
            if not await scene.take(turn):
                trouble = LATE
                break
        if not trouble and not await scene.settled():
            trouble = LATE
    except WorldError as error:
        trouble = str(error)
    return await scene.observed(epoch, time.monotonic() - began, trouble)


class _Scene:
    """One case under way."""

    def __init__(self, case: Case, world: World) -> None:
        self._case = case
        self._world = world
        self._thread: ThreadKey | None = None
        self._last_ts = ""

    def said(self) -> tuple[Said, ...]:
        """The thread as it stands."""
        if self._thread is None:
            return ()
        shown = thread(self._world.server.workspace, self._thread.channel_id, self._thread.thread_ts)
        return tuple(self._one(message) for message in shown)

    async def take(self, turn: Turn) -> bool:
        """Do what the turn says, and wait for what becomes of it; False when that takes too long."""
        if turn.presses:
            await self._press(turn)
        else:
            await self._write(turn)
        return turn.at_once or await self.settled()

    async def settled(self) -> bool:
        return self._thread is None or await self._world.settled(self._thread, self._last_ts)

    async def observed(self, epoch: int, seconds: float, trouble: str) -> Observed:
        """What became of it."""
        if self._thread is None:
            return Observed(self._case, epoch, "", (), (), (), (), Aftermath(), seconds, trouble or "Nothing was said.")
        left = await self._world.aftermath(self._thread)
        said = self.said()
        readers = {turn.by or self._case.user for turn in self._case.turns}
        shown = self._world.recorder.of(self._thread.channel_id, self._thread.thread_ts, readers)
        cited = (self._world.slugs.get(address) for one in said if one.is_bot for address in one.addresses)
        return Observed(
            self._case, epoch, self._thread.id, said, shown, tuple(self._cards(left)),
            tuple(dict.fromkeys(slug for slug in cited if slug)), left, seconds, trouble,
        )  # fmt: skip

    async def _write(self, turn: Turn) -> None:
        user = turn.by or self._case.user
        wish: Json = {"files": [_file(one) for one in turn.files]} if turn.files else {}
        if self._thread is None:
            channel = await self._place(user)
            words = turn.says if channel != SUPPORT or turn.without_mention else f"@deskhand {turn.says}"
        else:
            channel, words = self._thread.channel_id, turn.says
            wish["thread_ts"] = self._thread.thread_ts
        told = await self._world.act("messages", user=user, channel=channel, text=words, **wish)
        self._last_ts = str(told["ts"])
        if self._thread is None:
            self._thread = ThreadKey(self._world.team_id, channel, self._last_ts)

    async def _place(self, user: str) -> str:
        if self._case.place == "channel":
            return SUPPORT
        return str((await self._world.act("dm", user=user))["channel"])

    async def _press(self, turn: Turn) -> None:
        if self._thread is None:
            raise WorldError("Nobody has written anything yet, so there is no card to press a button on.")
        left = await self._world.aftermath(self._thread)
        if not left.cards:
            raise WorldError(f"There is no card with a button {turn.presses!r}: no case was opened.")
        channel, ts = left.cards[-1]
        buttons = Shown(self._world.server.workspace.message(channel, ts)).buttons
        if turn.presses not in buttons:
            raise WorldError(f"The card has no button {turn.presses!r}; it has: {', '.join(buttons) or 'none'}.")
        user, action = turn.by or "U0SAM", buttons[turn.presses]
        known = {str(view["id"]) for view in await self._world.views(user)}
        await self._world.act("press", user=user, channel=channel, ts=ts, action_id=action)
        if turn.says:
            await self._fill_in(user, known, turn.says)

    async def _fill_in(self, user: str, known: set[str], words: str) -> None:
        """Write into the form that a button has opened, and send it."""
        until = time.monotonic() + _FORM_SECONDS
        while not (opened := [view for view in await self._world.views(user) if str(view["id"]) not in known]):
            if time.monotonic() > until:
                raise WorldError("The button opened no form to write into.")
            await asyncio.sleep(_LOOK_SECONDS)
        told = await self._world.act("view/submit", user=user, view_id=str(opened[-1]["id"]), values={"text": words})
        if told.get("result") == "errors":
            raise WorldError(f"The form was refused: {told.get('errors')}")

    def _cards(self, left: Aftermath) -> list[str]:
        workspace = self._world.server.workspace
        return [Shown(workspace.message(channel, ts)).screen for channel, ts in left.cards]

    def _one(self, message: Shown) -> Said:
        is_bot = message.user == self._world.bot_user
        text = message.screen if is_bot else _typed(message.spoken)
        spoken = message.spoken if is_bot else ""
        return Said(
            self._world.name_of(message.user), text, is_bot, message.addresses if is_bot else (), spoken, message.kind
        )


def _typed(text: str) -> str:
    """What somebody typed, as they see it: Slack writes three characters otherwise."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _file(attachment: Attachment) -> Json:
    if attachment.picture:
        content, kind = _picture(attachment.picture), "image/png"
    elif attachment.base64:
        return {"name": attachment.name, "mimetype": attachment.mimetype, "content_base64": attachment.base64}
    else:
        content, kind = attachment.text.encode(), attachment.mimetype
    return {"name": attachment.name, "mimetype": kind, "content_base64": base64.b64encode(content).decode()}


def _picture(words: str) -> bytes:
    """A screenshot with these words."""
    lines = words.splitlines() or [""]
    image = Image.new("RGB", (_PICTURE_WIDTH, _LINE_HEIGHT * (len(lines) + 2)), "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines, start=1):
        draw.text((20, number * _LINE_HEIGHT), line, fill="black")
    content = io.BytesIO()
    image.save(content, format="PNG")
    return content.getvalue()
