"""Words and files carried between the thread under a case's card and the customer's thread, both ways.

What the person in charge writes under the card reaches the customer under that person's name; what the customer writes
is shown under the card (`Cases.mirror`). Edits and deletions follow the words to the other side. Notes stay: a reply
that begins with `//`, or one that its author marks with an emoji (see `bot.desk.doorway`). Every effect has a key made
of the case and the message, so that a redelivered event carries nothing twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import prompts
from bot.desk.cases import Cases
from bot.desk.doorway import NOTE_MARK
from bot.desk.people import People
from bot.desk.questions import is_answer, take_answer
from bot.desk.signs import place_of, removal, removal_key
from bot.domain.conversation import Conversation, Line, Speaker, Standing, ThreadKey
from bot.domain.effects import Outgoing, Place, Receipt, Relay, RelayFile, Whisper
from bot.domain.escalation import Escalation, State
from bot.domain.incoming import File, MessageDeleted, MessageEdited, MessageReceived, Reacted
from bot.ports.clock import Clock
from bot.ports.slack import Person
from bot.ports.store import Queued, Store, Transaction

PIECE_CHARS = 3_000
"""Longer words are carried as several messages, each of which can be edited and taken back by itself."""
MOST_PIECES = 20
MOST_BYTES = 25_000_000
"""Of one file."""


class RelayRoom:
    """Carries; no model is ever called here."""

    def __init__(self, store: Store, people: People, cases: Cases, clock: Clock) -> None:
        self._store = store
        self._people = people
        self._cases = cases
        self._clock = clock
        self._sentences = prompts.sentences()

    async def carry(self, tx: Transaction, message: MessageReceived, case: Escalation, author: Person) -> None:
        """Carry the owner's words to the customer; anybody else learns that nothing was sent."""
        case = await tx.escalations.get(case.id) or case  # as it is now
        conversation = await tx.conversations.get(case.conversation_id)
        if conversation is None or not case.state.is_live or message.text.startswith(NOTE_MARK):
            return
        if is_answer(case, message):
            await take_answer(tx, self._cases, case, conversation, message, author.name, self._clock())
            return
        refusal = _why_not_carried(message, case, conversation)
        if refusal:
            await self._whisper(tx, message.ts, message.thread, message.user_id, self._sentences[refusal])
            return
        for key, piece in pieces(piece_keys(relay_key(case, message.ts)), message.text):
            await self._say(tx, conversation, key, piece, author)
        for file in message.files:
            await self._carry_file(tx, message, case, conversation, file, author)
        words = [*([message.text] if message.text else []), *(f"(sent the file {file.name})" for file in message.files)]
        lines = (Line(Speaker.PERSON, author.name, one, self._clock()) for one in words)
        await tx.conversations.add_lines(conversation.id, *lines)
        await self._cases.owner_answered(tx, case)

    async def change(self, queued: Queued, change: MessageEdited | MessageDeleted) -> None:
        """Let an edit or a deletion follow the words to where they were carried."""
        author = await self._people.portrait(change.user_id) if isinstance(change, MessageEdited) else None
        async with self._store.write() as tx:
            stored = await tx.inbox.message(change.thread, change.ts)
            if stored is not None and isinstance(old := stored.incoming, MessageReceived) and _is_news(change, old):
                case = await tx.escalations.by_card(Receipt(change.thread.channel_id, change.thread.thread_ts))
                if case is not None:
                    await self._change_relayed(tx, queued.id, old, case, change, author)
                elif stored.conversation_id is not None:
                    await self._change_mirrored(tx, queued.id, old, stored.conversation_id, change)
                await tx.inbox.replace(stored.id, _changed(old, change), handled=True)
            await tx.inbox.mark_handled([queued.id])

    async def reaction(self, queued: Queued, reacted: Reacted) -> None:
        """Make a note of what was carried over: it is taken back."""
        async with self._store.write() as tx:
            stored = await tx.inbox.message(ThreadKey(reacted.team_id, reacted.channel_id, ""), reacted.ts)
            message = stored.incoming if stored else None
            if isinstance(message, MessageReceived) and message.user_id == reacted.user_id:
                case = await tx.escalations.by_card(Receipt(reacted.channel_id, message.thread.thread_ts))
                if case is not None and await self._take_back(tx, message, case):
                    text = self._sentences["relay_taken_back"]
                    await self._whisper(tx, f"{message.ts}:note", message.thread, message.user_id, text)
            await tx.inbox.mark_handled([queued.id])

    async def _change_relayed(
        self, tx: Transaction, cause: str, old: MessageReceived, case: Escalation,
        change: MessageEdited | MessageDeleted, author: Person | None,
    ) -> None:  # fmt: skip
        """Words of a person under a card. A message that was taken away carries nothing again: it cannot be edited."""
        if author is None or not isinstance(change, MessageEdited) or change.text.startswith(NOTE_MARK):
            await self._take_back(tx, old, case)
            return
        conversation = await tx.conversations.get(case.conversation_id)
        keys = piece_keys(relay_key(case, old.ts))
        known, gone = await tx.outbox.known(keys), await tx.outbox.known([removal_key(key) for key in keys])
        free = [key for key in keys if removal_key(key) not in gone]
        if conversation is None or known.isdisjoint(free):
            if case.state.is_live and (known or old.text.startswith(NOTE_MARK)):
                await self._whisper(tx, cause, old.thread, old.user_id, self._sentences["not_relayed_edit"])
            return
        now = dict(pieces(free, change.text))
        for key, piece in now.items():
            edits = key if key in known else None
            await self._say(tx, conversation, f"{key}:{cause}" if edits else key, piece, author, edits=edits)
        await tx.outbox.add(*(removal(conversation, key) for key in free if key in known and key not in now))
        await tx.conversations.amend_line(conversation.id, old.text, change.text or None)

    async def _take_back(self, tx: Transaction, message: MessageReceived, case: Escalation) -> bool:
        """Take everything away that was carried over of a message; False when nothing was."""
        conversation = await tx.conversations.get(case.conversation_id)
        base = relay_key(case, message.ts)
        known = await tx.outbox.known([*piece_keys(base), *(_file_key(base, file) for file in message.files)])
        if conversation is None or not known:
            return False
        await tx.outbox.add(*(removal(conversation, key) for key in sorted(known)))
        await tx.conversations.amend_line(conversation.id, message.text, None)
        return True

    async def _change_mirrored(
        self, tx: Transaction, cause: str, old: MessageReceived, conversation_id: str,
        change: MessageEdited | MessageDeleted,
    ) -> None:  # fmt: skip
        """Words of a customer while a person is in charge: whoever is, sees under the card what became of them."""
        case = await tx.escalations.live(conversation_id)
        new = change.text if isinstance(change, MessageEdited) else None
        await tx.conversations.amend_line(conversation_id, old.text, new)
        if case is None or not await tx.outbox.known([key := mirror_key(case, old.ts)]):
            return
        text = f"{new}\n(edited)" if new is not None else "(deleted by its author)"
        author = (old.user_id, await self._people.name(old.user_id))
        await self._cases.say_under_card(tx, case, f"{key}:{cause}", text, author=author, edits=key)

    async def _say(
        self, tx: Transaction, conversation: Conversation, key: str, text: str, author: Person,
        *, edits: str | None = None,
    ) -> None:  # fmt: skip
        relay = Relay(
            place_of(conversation),
            author.user_id,
            author.name,
            text,
            picture=author.picture,
            language=conversation.language,
        )
        await tx.outbox.add(Outgoing(key, relay, conversation.id, conversation.id, edits=edits))

    async def _carry_file(
        self, tx: Transaction, message: MessageReceived, case: Escalation, conversation: Conversation, file: File,
        author: Person,
    ) -> None:  # fmt: skip
        if file.size > MOST_BYTES:
            text = self._sentences["not_relayed_large"].format(file=file.name, most=MOST_BYTES // 1_000_000)
            await self._whisper(tx, f"{message.ts}:{file.id}", message.thread, message.user_id, text)
            return
        effect = RelayFile(place_of(conversation), author.user_id, author.name, file, language=conversation.language)
        key = _file_key(relay_key(case, message.ts), file)
        await tx.outbox.add(Outgoing(key, effect, conversation.id, conversation.id))

    async def _whisper(self, tx: Transaction, key: str, thread: ThreadKey, user_id: str, text: str) -> None:
        effect = Whisper(Place(thread.team_id, thread.channel_id, thread.thread_ts), user_id, text)
        await tx.outbox.add(Outgoing(f"whisper:{thread.id}:{key}", effect, f"whisper:{thread.team_id}:{user_id}"))


def relay_key(case: Escalation, ts: str) -> str:
    """Outbox key of the (first) message that carries a reply under a card to the customer."""
    return f"relay:{case.id}:{ts}"


def mirror_key(case: Escalation, ts: str) -> str:
    """Outbox key of the reply under a card that shows a customer's message."""
    return f"mirror:{case.id}:{ts}"


def piece_keys(key: str) -> list[str]:
    """Outbox keys of all messages that may carry one text."""
    return [key, *(f"{key}:{number}" for number in range(2, MOST_PIECES + 1))]


def pieces(keys: Sequence[str], text: str) -> Iterator[tuple[str, str]]:
    """(outbox key, words) of each message that carries a text; broken at the end of a line or word where there is one.

    Nothing for an empty text; the last key's message holds all that is left.
    """
    for key in keys:
        if not text:
            return
        cut = len(text)
        if cut > PIECE_CHARS and key != keys[-1]:
            cut = max(text.rfind("\n", 1, PIECE_CHARS), text.rfind(" ", PIECE_CHARS // 2, PIECE_CHARS))
            cut = cut if cut > 0 else PIECE_CHARS
        yield key, text[:cut]
        text = text[cut:].lstrip("\n")


def _is_news(change: MessageEdited | MessageDeleted, old: MessageReceived) -> bool:
    """False for a change of what is deleted, and for an edit that another one has overtaken on its way."""
    edited_at = change.edited_at if isinstance(change, MessageEdited) else ""
    return not old.is_deleted and not (edited_at and edited_at <= old.edited_at)


def _changed(old: MessageReceived, change: MessageEdited | MessageDeleted) -> MessageReceived:
    """The message as it reads now: the next change is one of these words."""
    if isinstance(change, MessageEdited):
        return replace(old, text=change.text, edited_at=change.edited_at)
    return replace(old, text="", quoted="", files=(), is_deleted=True)


def _why_not_carried(message: MessageReceived, case: Escalation, conversation: Conversation) -> str:
    """Name of the sentence for the author; empty when the words go to the customer."""
    if case.state is State.OPEN or conversation.standing is not Standing.HUMAN:
        return "not_relayed_claim"
    return "not_relayed_owner" if message.user_id != conversation.owner else ""


def _file_key(key: str, file: File) -> str:
    return f"{key}:file:{file.id}"
