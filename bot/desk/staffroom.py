"""Talk between people around a case: typed commands; replies under a card go to the relay."""

from collections.abc import Awaitable, Callable

import prompts
from bot.desk.audit import deed
from bot.desk.cases import Cases
from bot.desk.commands import AllowChannel, Handoff, Quiet, Resume, StaffHere, parse_command
from bot.desk.ownership import By, Ownership
from bot.desk.people import People
from bot.desk.quieting import Quieting
from bot.desk.relay import RelayRoom
from bot.desk.signs import place_of
from bot.desk.speaking import learn_language
from bot.desk.tracing import happened
from bot.domain.conversation import Conversation, Line, Speaker, Standing, Surface, ThreadKey
from bot.domain.effects import Outgoing, Place, Receipt, ShowNotice, Whisper
from bot.domain.escalation import Decision, NewEscalation, Origin
from bot.domain.incoming import MessageReceived
from bot.domain.principal import Principal, Role
from bot.ports.clock import Clock, NewId
from bot.ports.store import Queued, Store, Transaction

LINE_CHARS = 300
"""Of each line of the transcript on the card of a typed handoff."""
ChooseChannel = Callable[[str], Awaitable[None]]
"""Makes a channel the workspace's staff channel."""
LAST_LINES = 6
"""Of the transcript, on the card of a typed handoff (no model is asked)."""


class StaffRoomTalk:
    """Handles commands and staff replies; no model is ever called here."""

    def __init__(  # noqa: PLR0913 - the composition root names them
        self,
        store: Store,
        people: People,
        cases: Cases,
        ownership: Ownership,
        relay: RelayRoom,
        clock: Clock,
        new_id: NewId,
        *,
        choose_channel: ChooseChannel | None = None,
    ) -> None:
        """`choose_channel`: makes a channel the staff channel; None where only the operator can."""
        self._store = store
        self._people = people
        self._cases = cases
        self._ownership = ownership
        self._relay = relay
        self._clock = clock
        self._choose_channel = choose_channel
        self._sentences = prompts.sentences()
        self._quieting = Quieting(store, people, clock, new_id)

    async def handle(self, queued: Queued, message: MessageReceived) -> None:
        """A command in any thread, or a reply under a card: a note, or words for the customer."""
        receipt = Receipt(message.thread.channel_id, message.thread.thread_ts)
        async with self._store.read() as tx:
            case = await tx.escalations.by_card(receipt)
        if case is None or (message.mentions_bot and parse_command(message.text) is not None):
            conversation_id = case.conversation_id if case else message.thread.id
            return await self._run_command(queued, message, conversation_id)
        author = await self._people.portrait(message.user_id)
        async with self._store.write() as tx:
            await self._relay.carry(tx, message, case, author)
            await tx.inbox.mark_handled([queued.id])
        return None

    async def _run_command(self, queued: Queued, message: MessageReceived, conversation_id: str) -> None:
        command = parse_command(message.text, addressed=message.mentions_bot)
        if isinstance(command, Quiet | AllowChannel):
            return await self._quieting.run(queued, message, command, about=ThreadKey.parse(conversation_id))
        who = await self._people.principal(
            message.user_id, author_team=message.author_team, bot_id=message.bot_id, is_guest=message.is_guest
        )
        if isinstance(command, StaffHere):
            return await self._staff_here(queued, message, who)
        refusal = (
            await self._people.why_not_staff(message.author_team, message.user_id) if message.bot_id is None else ""
        )
        async with self._store.write() as tx:
            conversation = await tx.conversations.get(conversation_id)
            if conversation is not None:
                conversation = await learn_language(tx, conversation, [queued], who)
                match parse_command(message.text):
                    case Handoff() as handoff:
                        await self._handoff(tx, queued.id, message, conversation, handoff, who)
                    case Resume():
                        await self._resume(tx, queued.id, message, conversation, who, refusal)
                    case None:
                        pass
            await tx.inbox.mark_handled([queued.id])
        return None

    async def _staff_here(self, queued: Queued, message: MessageReceived, who: Principal) -> None:
        """Make this the staff channel, if an admin says so; the answer is for everybody, a refusal for one."""
        is_admin = who.role not in (Role.EXTERNAL, Role.AGENT) and self._people.is_admin(who.team_id, who.user_id)
        if self._choose_channel is None:
            refusal = "staff_here_fixed"
        elif not is_admin:
            refusal = "staff_here_admins"
        elif message.surface is Surface.DM:
            refusal = "staff_here_public"
        elif message.is_shared:
            refusal = "staff_here_shared"
        else:
            refusal = ""
            await self._choose_channel(message.thread.channel_id)
        async with self._store.write() as tx:
            conversation = await tx.conversations.get(message.thread.id)
            if refusal:
                await self._whisper(tx, queued.id, message, self._sentences[refusal])
            elif conversation is not None:
                await self._notice(tx, conversation, f"staff-here:{queued.id}", self._sentences["staff_here_done"])
            await tx.inbox.mark_handled([queued.id])

    async def _handoff(
        self, tx: Transaction, inbox_id: str, message: MessageReceived, conversation: Conversation, handoff: Handoff,
        who: Principal,
    ) -> None:  # fmt: skip
        live = await tx.escalations.live(conversation.id)
        if conversation.standing is Standing.HUMAN:
            speaker = Speaker.PERSON if who.is_staff else Speaker.CUSTOMER  # whether somebody waits is read from this
            await tx.conversations.add_lines(conversation.id, Line(speaker, who.name, message.text, self._clock()))
            return await self._cases.mirror(tx, conversation, [message], who.name)
        if live is not None:
            sentence = prompts.sentences(conversation.language)["handoff_open"]
            text = f"{sentence} {await self._cases.outlook(tx, conversation)}".strip()
            return await self._notice(tx, conversation, f"already:{inbox_id}", text)
        words = handoff.reason or "asked for a human"
        lines = await tx.conversations.lines(conversation.id, LAST_LINES)
        summary = "\n".join(f"- {line.name or line.speaker.value}: {_short(line.text)}" for line in lines)
        new = NewEscalation(
            f"esc-{inbox_id}", conversation.id, Origin.HANDOFF, f"{who.name}: {words}",
            summary or "The conversation began with this request.", handoff.team, None,
            *_asker(message, who, conversation),
        )  # fmt: skip
        await self._cases.open(tx, new, conversation)
        await tx.conversations.add_lines(conversation.id, Line(Speaker.CUSTOMER, who.name, message.text, self._clock()))
        sentence = prompts.sentences(conversation.language)["escalated"]
        text = f"{sentence} {await self._cases.outlook(tx, conversation)}".strip()
        await tx.conversations.add_lines(conversation.id, Line(Speaker.BOT, "", text, self._clock()))
        return await self._notice(tx, conversation, f"handoff:{inbox_id}", text)

    async def _resume(
        self, tx: Transaction, inbox_id: str, message: MessageReceived, conversation: Conversation, who: Principal,
        refusal: str | None,
    ) -> None:  # fmt: skip
        if refusal is not None:
            text = refusal or prompts.sentences(conversation.language)["resume_needs_staff"]
            return await self._whisper(tx, inbox_id, message, text)
        if conversation.standing is not Standing.HUMAN:
            return await self._whisper(tx, inbox_id, message, self._sentences["nothing_to_hand_back"])
        case = await tx.escalations.live(conversation.id)
        if case is not None:
            now = self._clock()
            moved = await tx.escalations.decide(case.id, Decision.HAND_BACK, by=who.user_id, at=now, note="")
            if moved is not None:
                await self._cases.redraw(tx, moved)
                await tx.audit.add(deed(moved, Decision.HAND_BACK, who.user_id, now))
        by, subject = By(who.user_id, who.name), case.id if case else inbox_id
        await self._ownership.hand_back(tx, conversation, by, subject, "")
        await tx.traces.add(happened(conversation.id, Decision.HAND_BACK, self._clock(), by=who.name, about=subject))
        return None

    async def _notice(self, tx: Transaction, conversation: Conversation, key: str, text: str) -> None:
        notice = ShowNotice(place_of(conversation), text)
        await tx.outbox.add(Outgoing(key, notice, conversation.id, conversation.id, conversation.epoch))

    async def _whisper(self, tx: Transaction, key: str, message: MessageReceived, text: str) -> None:
        place = Place(message.thread.team_id, message.thread.channel_id, message.thread.thread_ts)
        effect = Whisper(place, message.user_id, text)
        await tx.outbox.add(
            Outgoing(f"whisper:{message.thread.id}:{key}", effect, f"whisper:{place.team_id}:{message.user_id}")
        )


def _asker(message: MessageReceived, who: Principal, conversation: Conversation) -> tuple[str, str]:
    """Whose request a handoff is: the customer's, also when a colleague or another bot typed it."""
    if who.is_staff or who.role is Role.AGENT:
        return conversation.opened_by, conversation.key.team_id
    return message.user_id, message.author_team


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LINE_CHARS else f"{line[:LINE_CHARS]}…"
