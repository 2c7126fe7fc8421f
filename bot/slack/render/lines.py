"""The bot's short lines: live line, notices, whispers, a person's words carried on."""

from collections.abc import Sequence

import prompts
from bot.slack import names
from bot.slack.render import blocks as b
from bot.slack.render.text import literal, named, no_broadcast, split_text, spoken, to_mrkdwn

_PART = 6000
"""Characters per message: four or fewer sections, within chat.update's and postMessage's comfort."""


def live(text: str, language: str = "") -> b.Payload:
    """What the agent is doing right now, and how to stop it; `text` is mrkdwn of our own."""
    safe, stop = no_broadcast(text), prompts.sentences(language)["stop"]
    return b.payload(spoken(safe), [b.context(safe), b.actions([b.button(names.STOP, stop, "stop")])])


def notice(text: str) -> list[b.Payload]:
    """A fixed sentence; `text` is mrkdwn of our own."""
    return _messages(no_broadcast(text))


def whisper(text: str) -> b.Payload:
    """Words only one person sees; `text` is mrkdwn of our own."""
    safe = no_broadcast(text)
    return b.payload(spoken(safe), b.sections(safe)[: b.MESSAGE_BLOCKS] or [b.section("…")])


def staff_reply(text: str, author_name: str, calls: Sequence[str] = ()) -> list[b.Payload]:
    """A line under a card: somebody's words (shown as written), or the bot's own note or proposal (Markdown).

    `calls`: ids of users and user groups named at its beginning.
    """
    if author_name:
        return _messages(f"*{literal(author_name)}:* {literal(text)}")
    return _messages(" ".join([*map(named, calls), to_mrkdwn(text, name_people=True)]))


def relay(text: str, author_name: str, language: str = "") -> list[b.Payload]:
    """A person's words for the customer, the name in front. Their links are theirs: they stay links."""
    mark = prompts.sentences(language)["from_support"].format(person=literal(author_name))
    return _messages(f"{mark} {literal(text)}", may_link=True)


def own_words(text: str) -> list[b.Payload]:
    """A person's words for the customer, under their own name."""
    return _messages(literal(text), may_link=True)


def sent_a_file(author_name: str, language: str = "") -> str:
    """What stands beside a file that a person sent; mrkdwn."""
    return no_broadcast(prompts.sentences(language)["sent_a_file"].format(person=literal(author_name)))


def _messages(text: str, *, may_link: bool = False) -> list[b.Payload]:
    parts = split_text(text, _PART) or ["…"]
    return [b.payload(spoken(part), b.sections(part, may_link=may_link)) for part in parts]
