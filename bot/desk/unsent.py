"""What was meant for somebody and will never reach them: nobody is left with a sign of work that goes on for ever."""

import logging
from dataclasses import replace

import prompts
from bot.desk.case_clocks import backup_key
from bot.desk.cases import Cases, card_key
from bot.desk.people import StaffRoom
from bot.desk.signs import removal
from bot.domain.conversation import Conversation, Line, Speaker, Standing
from bot.domain.effects import Outgoing, Relay, RelayFile, ShowAnswer, ShowCard
from bot.domain.escalation import NewEscalation, Origin
from bot.ports.clock import Clock
from bot.ports.store import Store, Transaction

logger = logging.getLogger(__name__)


class UnsentWords:
    """Deals with effects the outbox gave up or may not send any more."""

    def __init__(self, store: Store, cases: Cases, room: StaffRoom, clock: Clock) -> None:
        self._store = store
        self._cases = cases
        self._room = room
        self._clock = clock

    async def handle(self, outgoing: Outgoing, why: str) -> None:
        """`why` is empty when the conversation changed hands; otherwise Slack refused, and people must know."""
        if outgoing.conversation_id is None:
            return
        if isinstance(outgoing.effect, ShowCard) and why:
            await self._card_elsewhere(outgoing, outgoing.effect)
        elif isinstance(outgoing.effect, RelayFile) and why:
            await self._file(outgoing.key, outgoing.effect, outgoing.conversation_id, why)
        elif outgoing.key.startswith(backup_key("")) and why:
            await self._backup(outgoing.key, outgoing.conversation_id, why)
        elif isinstance(outgoing.effect, ShowAnswer | Relay):
            await self._words(outgoing, outgoing.effect, outgoing.conversation_id, why)

    async def _card_elsewhere(self, outgoing: Outgoing, card: ShowCard) -> None:
        """A card its team's channel does not take goes to the default staff channel, and from there to an admin."""
        admin = min(self._room.admins, default="")
        if card.place.channel_id not in (self._room.default, admin):
            channel, key = self._room.default, f"{card_key(card.escalation_id)}:default"
        elif admin and card.place.channel_id != admin:
            channel, key = admin, f"{card_key(card.escalation_id)}:admin"
        else:
            logger.critical("case.unseen", extra={"fields": {"case": card.escalation_id}})
            return
        place = replace(card.place, channel_id=channel)
        async with self._store.write() as tx:
            await tx.outbox.add(
                replace(outgoing, key=key, effect=replace(card, place=place), edits=card_key(card.escalation_id))
            )

    async def _file(self, key: str, effect: RelayFile, conversation_id: str, why: str) -> None:
        """A file that could not be carried: whoever talks with the customer is told under the card."""
        async with self._store.write() as tx:
            case = await tx.escalations.live(conversation_id)
            if case is not None:
                name = " ".join(effect.file.name.split())[:80]
                text = f"The file {name} of {effect.author_name} could not be carried over ({why}). "
                text += "It is only where it was attached; attach it on the other side as well."
                await self._cases.say_under_card(tx, case, f"unsent:{key}", text)

    async def _backup(self, key: str, conversation_id: str, why: str) -> None:
        """Nobody was told in the backup channel: that stands under the card at least."""
        async with self._store.write() as tx:
            case = await tx.escalations.live(conversation_id)
            if case is not None:
                text = prompts.sentences()["backup_refused"].format(why=why)
                await self._cases.say_under_card(tx, case, f"unsent:{key}", text)

    async def _words(self, outgoing: Outgoing, effect: ShowAnswer | Relay, conversation_id: str, why: str) -> None:
        async with self._store.write() as tx:
            conversation = await tx.conversations.get(conversation_id)
            if conversation is None:
                return
            if outgoing.edits is not None:
                await tx.outbox.add(removal(conversation, outgoing.edits))
            note = "The last answer was not sent" + (": Slack refused it." if why else ": a person had taken over.")
            await tx.conversations.add_lines(conversation.id, Line(Speaker.NOTE, "", note, self._clock()))
            if why:
                await self._put_before_people(tx, conversation, outgoing.key, effect, why)

    async def _put_before_people(
        self, tx: Transaction, conversation: Conversation, key: str, effect: ShowAnswer | Relay, why: str
    ) -> None:
        words = effect.answer.text if isinstance(effect, ShowAnswer) else effect.text
        if conversation.standing is Standing.HUMAN:
            case = await tx.escalations.live(conversation.id)
            if case is not None:
                text = f"This did not reach the customer ({why}):\n\n{words}"
                await self._cases.say_under_card(tx, case, f"unsent:{key}", text)
            return
        new = NewEscalation(
            f"esc-{key}", conversation.id, Origin.FAILURE, f"An answer could not be delivered ({why}).",
            f"The customer has not read this:\n\n{words}", requested_by=conversation.opened_by,
            requested_team=conversation.key.team_id,
        )  # fmt: skip
        await self._cases.open(tx, new, conversation)
