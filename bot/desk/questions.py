"""Ask: one question to the customer or to a colleague, without anybody taking the conversation over.

The customer reads it under the person's own name, and the case stays open. What they answer goes to the agent, as every
message does, and is shown under the card. What a colleague answers under the card is told to the agent as well: when
nothing waits for approval it carries on with it at once, otherwise it knows it in its next turn, and whoever approves
has read it.
"""

from collections.abc import Sequence
from dataclasses import replace

import prompts
from bot.desk.audit import deed
from bot.desk.authority import Authority
from bot.desk.cases import Cases
from bot.desk.people import People
from bot.desk.signs import place_of
from bot.desk.tracing import decided
from bot.domain.conversation import Conversation, Line, Speaker, Standing
from bot.domain.effects import Outgoing, Place, Relay, Whisper
from bot.domain.escalation import Escalation, Question, State
from bot.domain.incoming import CarryOn, MessageReceived, QuestionAsked
from bot.ports.clock import Clock
from bot.ports.slack import Person
from bot.ports.store import Store, Transaction


class Questions:
    """Carries questions to whom they are for."""

    def __init__(self, store: Store, people: People, authority: Authority, cases: Cases, clock: Clock) -> None:
        self._store = store
        self._people = people
        self._authority = authority
        self._cases = cases
        self._clock = clock
        self._sentences = prompts.sentences()

    async def handle(self, inbox_id: str, asked: QuestionAsked) -> None:
        """Ask; whoever may not, or comes too late, reads why and gets their words back."""
        refusal = await self._why_not(asked)
        author = await self._people.portrait(asked.user_id)
        async with self._store.write() as tx:
            if refusal is None and not await self._ask(tx, asked, author):
                refusal = self._sentences["ask_gone"]
            if refusal is not None:
                await tx.outbox.add(_whisper(asked, f"{refusal}\n\n{asked.text}"))
            await tx.inbox.mark_handled([inbox_id])

    async def _why_not(self, asked: QuestionAsked) -> str | None:
        refusal = await self._authority.why_not_act(asked.user_team or asked.team_id, asked.user_id)
        if refusal is None and asked.of and await self._authority.why_not_act(asked.team_id, asked.of):
            return self._sentences["ask_outsider"].format(person=await self._people.name(asked.of))
        return refusal

    async def _ask(self, tx: Transaction, asked: QuestionAsked, author: Person) -> bool:
        at = self._clock()
        case = await tx.escalations.get(asked.escalation_id)
        conversation = await tx.conversations.get(case.conversation_id) if case else None
        if case is None or conversation is None or case.state is not State.OPEN:
            return False
        case = await tx.escalations.ask(case.id, Question(asked.user_id, asked.of, asked.text, at))
        if case is None:
            return False
        if asked.of:
            text = f"❓ <@{asked.of}>, {author.name} asks: {asked.text}"
        else:
            await self._ask_customer(tx, asked, conversation, author, at)
            text = f"❓ {author.name} asked the customer: {asked.text}"
        await self._cases.say_under_card(tx, case, f"asked:{case.id}:{asked.press_id}", text)
        await self._cases.redraw(tx, case, when=f":asked:{asked.press_id}")
        await tx.audit.add(deed(case, "ask", asked.user_id, at, detail=asked.text))
        await tx.traces.add(decided(case, "ask", at, by=author.name, words=asked.text))
        return True

    async def _ask_customer(
        self, tx: Transaction, asked: QuestionAsked, conversation: Conversation, author: Person, at: float
    ) -> None:
        relay = Relay(
            place_of(conversation), asked.user_id, author.name, asked.text, picture=author.picture,
            language=conversation.language,
        )  # fmt: skip
        key = f"question:{asked.escalation_id}:{asked.press_id}"
        await tx.outbox.add(Outgoing(key, relay, conversation.id, conversation.id))
        note = f"A colleague ({author.name}) asked the customer here, and the answer is for you: {asked.text}"
        await tx.conversations.add_lines(conversation.id, Line(Speaker.NOTE, "", note, at))  # the floor stays the bot's


async def show_answer(
    tx: Transaction, cases: Cases, case: Escalation, conversation: Conversation, messages: Sequence[MessageReceived],
    name: str, at: float,
) -> None:  # fmt: skip
    """Show under the card what a customer wrote who had been asked."""
    asked = case.asked
    is_answer = asked is not None and not asked.of and asked.answered_at is None
    if asked is None or not is_answer or conversation.standing is Standing.HUMAN or not messages:
        return
    await cases.mirror(tx, conversation, messages, name)
    await close_question(tx, cases, case, messages[0].user_id, at)


def is_answer(case: Escalation, message: MessageReceived) -> bool:
    """Whether words under the card of an open case are those of the colleague who was asked."""
    asked = case.asked
    is_ours = message.bot_id is None and message.author_team == message.thread.team_id
    waits = case.state is State.OPEN and asked is not None and asked.answered_at is None
    return waits and is_ours and asked is not None and asked.of == message.user_id


async def take_answer(
    tx: Transaction, cases: Cases, case: Escalation, conversation: Conversation, message: MessageReceived, name: str,
    at: float,
) -> None:  # fmt: skip
    """Tell the agent what a colleague answered who had been asked, and under the card what becomes of it."""
    asked = case.asked
    if asked is None:
        return
    await close_question(tx, cases, case, message.user_id, at)
    files = "".join(f" (with the file {file.name}, which you cannot read)" for file in message.files)
    note = f"A colleague ({name}) was asked: {asked.text} They answered, to us and not to the customer: {message.text}"
    carries_on = (
        case.proposal is None
        and conversation.standing is Standing.BOT
        and await tx.runs.paused(conversation.id) is None
    )
    if carries_on:
        words = f"{note}{files} Carry on with the customer's request as far as this settles it."
        asker, team = case.requested_by or conversation.opened_by, case.requested_team or conversation.key.team_id
        cause = CarryOn(conversation.key, f"answered:{case.id}:{message.ts}", words, asker, team)
        inbox_id = f"answered-{message.thread.team_id}-{message.thread.channel_id}-{message.ts}"
        await tx.inbox.add(inbox_id, cause, conversation_id=conversation.id, partition=conversation.id)
    else:
        await tx.conversations.add_lines(conversation.id, Line(Speaker.NOTE, "", f"{note}{files}", at))
    told = prompts.sentences()["answer_carries_on" if carries_on else "answer_noted"]
    await cases.say_under_card(tx, case, f"heard:{case.id}:{message.ts}", told)


async def close_question(tx: Transaction, cases: Cases, case: Escalation, by: str, at: float) -> None:
    """Note that the question was answered, by this user."""
    if case.asked is None:
        return
    now = await tx.escalations.ask(case.id, replace(case.asked, answered_at=at))
    if now is not None:
        await tx.audit.add(deed(now, "answer", by, at, detail=case.asked.text))
        await cases.redraw(tx, now, when=f":answered:{at:.0f}")


def _whisper(asked: QuestionAsked, text: str) -> Outgoing:
    place = Place(asked.team_id, asked.channel_id, asked.thread_ts)
    key = f"whisper:{asked.team_id}:{asked.press_id}"
    return Outgoing(key, Whisper(place, asked.user_id, text), f"whisper:{asked.team_id}:{asked.user_id}")
