"""How the customer liked what was done: asked when a case is resolved, answered by its customer, changeable a day."""

import prompts
from bot.desk.cases import Cases
from bot.desk.tracing import decided
from bot.domain.conversation import Conversation
from bot.domain.effects import AskRating, Outgoing, Place, Whisper
from bot.domain.escalation import Escalation
from bot.domain.handover import COMMENT_MAX, STARS, Rating
from bot.domain.incoming import Rated
from bot.ports.clock import Clock
from bot.ports.store import Queued, Store, Transaction


class Ratings:
    """Takes ratings down, and shows them where they were asked for and on the card."""

    def __init__(self, store: Store, cases: Cases, clock: Clock) -> None:
        self._store = store
        self._cases = cases
        self._clock = clock

    async def handle(self, queued: Queued, rated: Rated) -> None:
        """One press or one sent comment; whoever is not asked, or comes too late, is told so."""
        async with self._store.write() as tx:
            case = await tx.escalations.get(rated.case_id)
            conversation = await tx.conversations.get(case.conversation_id) if case else None
            refusal = "gone"
            if case is not None and conversation is not None:
                refusal = await self._take(tx, queued.id, rated, case, conversation)
            if refusal:
                language = conversation.language if conversation else ""
                await tx.outbox.add(_whisper(rated, prompts.sentences(language)[refusal]))
            await tx.inbox.mark_handled([queued.id])

    async def _take(
        self, tx: Transaction, cause: str, rated: Rated, case: Escalation, conversation: Conversation
    ) -> str:
        """Empty when it counts, else the name of the sentence that says why not."""
        if rated.user_id not in (conversation.opened_by, case.requested_by):
            return "rating_not_yours"
        older, now = await tx.ratings.of_case(case.id), self._clock()
        stars = rated.stars or (older.stars if older else 0)
        if stars not in STARS:
            return "rating_first"
        comment = rated.comment[:COMMENT_MAX] or (older.comment if older else "")
        began = older.rated_at if older else now
        rating = await tx.ratings.rate(Rating(case.id, conversation.id, rated.user_id, stars, comment, began, now))
        if rating is None:
            return "rating_too_late"
        await self._show(tx, cause, rated, rating, conversation.language)
        await self._cases.redraw(tx, case, when=f":rated:{cause}")
        await tx.traces.add(decided(case, "rated", now, words=f"{stars} of 5"))
        return ""

    async def _show(self, tx: Transaction, cause: str, rated: Rated, rating: Rating, language: str) -> None:
        place = Place(rated.team_id, rated.channel_id, rated.thread_ts)
        asked = AskRating(place, rating.case_id, rating.stars, rating.comment, language=language)
        key = rating_key(rating.case_id)
        lane = rating.conversation_id
        await tx.outbox.add(Outgoing(f"{key}:{cause}", asked, lane, rating.conversation_id, edits=key))


def rating_key(case_id: str) -> str:
    """Outbox key of the message that asks for a rating."""
    return f"rating:{case_id}"


def ask_rating(case: Escalation, conversation: Conversation, place: Place) -> Outgoing:
    """Ask the customer, unless they have written again by then."""
    ask = AskRating(place, case.id, language=conversation.language)
    return Outgoing(rating_key(case.id), ask, conversation.id, conversation.id, conversation.epoch)


def _whisper(rated: Rated, text: str) -> Outgoing:
    place = Place(rated.team_id, rated.channel_id, rated.thread_ts)
    key = f"whisper:{rated.team_id}:{rated.press_id}"
    return Outgoing(key, Whisper(place, rated.user_id, text), f"whisper:{rated.team_id}:{rated.user_id}")
