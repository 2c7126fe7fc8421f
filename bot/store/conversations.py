"""Queries of conversations and their transcripts."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.conversation import Conversation, Line, Speaker, Standing, Surface, ThreadKey
from bot.domain.errors import PermanentError
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.dialect import AnyRow, insert_new
from bot.store.recaps import forget_recap
from bot.store.tables import conversations, lines, prompts
from bot.store.traces import Redact, unredacted

_GET = sa.select(conversations).where(conversations.c.id == sa.bindparam("conversation"))


class SqlConversations:
    """ports.store.Conversations on one connection."""

    def __init__(
        self,
        connection: AsyncConnection,
        bounds: Bounds = EVERYWHERE,
        raised: dict[str, int] | None = None,
        redact: Redact = unredacted,
    ) -> None:
        """`raised`: takes down which epochs this transaction has begun. `redact`: goes over what was said."""
        self._connection = connection
        self._bounds = bounds
        self._raised = raised if raised is not None else {}
        self._redact = redact

    async def get(self, conversation_id: str) -> Conversation | None:
        if not self._bounds.holds(conversation_id):
            return None
        row = (await self._connection.execute(_GET, {"conversation": conversation_id})).first()
        return conversation_of(row) if row else None

    async def open(self, conversation: Conversation) -> bool:
        self._bounds.check(conversation.key.team_id)
        return await insert_new(
            self._connection,
            conversations,
            {
                "id": conversation.id,
                "team_id": conversation.key.team_id,
                "channel_id": conversation.key.channel_id,
                "thread_ts": conversation.key.thread_ts,
                "surface": conversation.surface.value,
                "standing": conversation.standing.value,
                "owner": conversation.owner,
                "epoch": conversation.epoch,
                "profile": conversation.profile,
                "prompt_version": conversation.prompt_version,
                "opened_by": conversation.opened_by,
                "opened_at": conversation.opened_at,
                "language": conversation.language,
            },
        )

    async def set_owner(self, conversation_id: str, standing: Standing, owner: str | None) -> Conversation:
        self._bounds.check_conversation(conversation_id)
        result = await self._connection.execute(
            sa.update(conversations)
            .where(conversations.c.id == conversation_id)
            .values(standing=standing.value, owner=owner, epoch=conversations.c.epoch + 1)
            .returning(conversations)
        )
        row = result.first()
        if row is None:
            raise PermanentError(f"no conversation {conversation_id}")
        self._raised[conversation_id] = row.epoch
        return conversation_of(row)

    async def keep_prompt(self, version: str, body: str) -> None:
        await insert_new(self._connection, prompts, {"version": version, "body": body})

    async def prompt(self, version: str) -> str | None:
        query = sa.select(prompts.c.body).where(prompts.c.version == version)
        return (await self._connection.execute(query)).scalar_one_or_none()

    async def pin(self, conversation_id: str, prompt_version: str) -> None:
        self._bounds.check_conversation(conversation_id)
        await self._connection.execute(
            sa.update(conversations).where(conversations.c.id == conversation_id).values(prompt_version=prompt_version)
        )

    async def speak(self, conversation_id: str, language: str) -> None:
        self._bounds.check_conversation(conversation_id)
        await self._connection.execute(
            sa.update(conversations).where(conversations.c.id == conversation_id).values(language=language)
        )

    async def add_lines(self, conversation_id: str, *new: Line) -> None:
        self._bounds.check_conversation(conversation_id)
        rows = [
            {
                "conversation_id": conversation_id,
                "speaker": line.speaker.value,
                "name": line.name,
                "text": self._redact(line.text),
                "at": line.at,
            }
            for line in new
        ]
        if rows:
            await self._connection.execute(sa.insert(lines), rows)

    async def amend_line(self, conversation_id: str, old: str, new: str | None) -> bool:
        self._bounds.check_conversation(conversation_id)
        theirs = (Speaker.CUSTOMER.value, Speaker.PERSON.value)
        texts = (old, self._redact(old))
        new = None if new is None else self._redact(new)
        newest = (
            sa.select(sa.func.max(lines.c.seq))
            .where(lines.c.conversation_id == conversation_id, lines.c.text.in_(texts), lines.c.speaker.in_(theirs))
            .scalar_subquery()
        )
        await forget_recap(self._connection, conversation_id, newest)
        that = lines.c.seq == newest
        change = sa.delete(lines).where(that) if new is None else sa.update(lines).where(that).values(text=new)
        return (await self._connection.execute(change)).rowcount == 1

    async def lines(self, conversation_id: str, last: int) -> list[Line]:
        if not self._bounds.holds(conversation_id):
            return []
        rows = await self._connection.execute(
            sa.select(lines).where(lines.c.conversation_id == conversation_id).order_by(lines.c.seq.desc()).limit(last)
        )
        return [Line(Speaker(row.speaker), row.name, row.text, row.at) for row in reversed(rows.all())]


def conversation_of(row: AnyRow) -> Conversation:
    """The conversation in a row."""
    return Conversation(
        key=ThreadKey(row.team_id, row.channel_id, row.thread_ts),
        surface=Surface(row.surface),
        standing=Standing(row.standing),
        owner=row.owner,
        epoch=row.epoch,
        profile=row.profile,
        prompt_version=row.prompt_version,
        opened_by=row.opened_by,
        opened_at=row.opened_at,
        language=row.language,
    )
