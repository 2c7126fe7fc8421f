"""What becomes of conversations while the bot is paused: nobody is left without an answer, and no model is asked.

A message that comes during a pause is not answered and not kept for later either: the customer reads once per
conversation that the bot is paused, and the question goes before people. A run under way finishes its step (it is paid
for) and then ends the same way; an answer that was already written is still sent. After the pause, Approve on the card
lets the agent answer what was asked; a new message is answered as ever.
"""

from collections.abc import Sequence

import prompts
from bot.desk.cases import Cases
from bot.desk.signs import place_of, remove_signs, session
from bot.domain.bot_pause import BotPause
from bot.domain.conversation import Conversation, Line, Speaker, Surface
from bot.domain.effects import Outgoing, Session, ShowNotice
from bot.domain.escalation import NewEscalation, Origin
from bot.domain.incoming import CarryOn, MessageReceived
from bot.domain.principal import Principal
from bot.ports.clock import Clock
from bot.ports.store import Queued, Transaction

_REMEMBERED = 20
"""Lines of the transcript in which it is looked up whether the customer was told."""
REASON = "The bot is paused{why}, so this was not answered. Once it is back, Approve lets the agent answer it."


class Standby:
    """Puts before people what comes while the bot is paused, inside the caller's transaction."""

    def __init__(self, cases: Cases, clock: Clock) -> None:
        self._cases = cases
        self._clock = clock
        self._told = tuple(prompts.sentences(language)["bot_paused"] for language in prompts.LANGUAGES)

    async def leave_to_people(
        self, tx: Transaction, conversation: Conversation, batch: Sequence[Queued], asker: Principal, pause: BotPause
    ) -> None:
        """Record a batch without answering it; tell the customer, once."""
        is_told = await self._is_told(tx, conversation, pause)
        messages = [row.incoming for row in batch if isinstance(row.incoming, MessageReceived)]
        notes = [row.incoming.note for row in batch if isinstance(row.incoming, CarryOn)]
        at = self._clock()
        is_helper = asker.is_staff and asker.user_id != conversation.opened_by
        speaker = Speaker.PERSON if is_helper else Speaker.CUSTOMER
        lines = [Line(speaker, asker.name, message.text, at) for message in messages]
        lines += [Line(Speaker.NOTE, "", note, at) for note in notes]
        await tx.conversations.add_lines(conversation.id, *lines)
        await tx.inbox.mark_handled([row.id for row in batch])
        gone = await remove_signs(tx, conversation, batch)
        if conversation.surface is Surface.DM:
            key = f"session:{batch[0].id}:paused"
            await tx.outbox.add(session(key, conversation, Session.SUSPENDED, after=gone))
        await self._put_before_people(tx, conversation, batch[0].id, messages, notes, asker, pause)
        if not is_told:
            sentence = prompts.sentences(conversation.language)["bot_paused"]
            text = f"{sentence} {await self._cases.outlook(tx, conversation)}".strip()
            notice = ShowNotice(place_of(conversation), text)
            key = f"paused:{batch[0].id}"
            await tx.outbox.add(Outgoing(key, notice, conversation.id, conversation.id, conversation.epoch))
            await tx.conversations.add_lines(conversation.id, Line(Speaker.BOT, "", text, at))

    async def _is_told(self, tx: Transaction, conversation: Conversation, pause: BotPause) -> bool:
        lines = await tx.conversations.lines(conversation.id, _REMEMBERED)
        return any(
            line.speaker is Speaker.BOT and line.text.startswith(self._told) and line.at >= pause.at for line in lines
        )

    async def _put_before_people(
        self, tx: Transaction, conversation: Conversation, first_id: str, messages: Sequence[MessageReceived],
        notes: Sequence[str], asker: Principal, pause: BotPause,
    ) -> None:  # fmt: skip
        """A new case; where one is open already, the words go under its card."""
        if messages and await tx.escalations.live(conversation.id) is not None:
            return await self._cases.mirror(tx, conversation, messages, asker.name)
        words = "\n\n".join([*map(_words, messages), *notes])
        new = NewEscalation(
            f"esc-paused-{first_id}", conversation.id, Origin.PAUSED, reason_of(pause.reason),
            f"{asker.name} wrote:\n\n{words}" if messages else words,
            requested_by=asker.user_id, requested_team=asker.team_id,
        )  # fmt: skip
        await self._cases.open(tx, new, conversation)
        return None


def _words(message: MessageReceived) -> str:
    return "\n".join([message.text, *(f"📎 {file.name}" for file in message.files)]).strip()


def reason_of(why: str = "") -> str:
    """Why a case lies before people, in the words of its card."""
    return REASON.format(why=f" ({why})" if why else "")
