"""The bot's short lines: live line, notices, whispers, a person's words carried on."""

from bot.slack.render import blocks as b
from bot.slack.render.text import literal, no_broadcast, split_text, spoken, to_mrkdwn

_PART = 6000
"""Characters per message: four or fewer sections, within chat.update's and postMessage's comfort."""


def live(text: str) -> b.Payload:
    """What the agent is doing right now; `text` is mrkdwn of our own."""
    safe = no_broadcast(text)
    return b.payload(spoken(safe), [b.context(safe)])


def notice(text: str) -> list[b.Payload]:
    """A fixed sentence; `text` is mrkdwn of our own."""
    return _messages(no_broadcast(text))


def whisper(text: str) -> b.Payload:
    """Words only one person sees; `text` is mrkdwn of our own."""
    safe = no_broadcast(text)
    return b.payload(spoken(safe), b.sections(safe)[: b.MESSAGE_BLOCKS] or [b.section("…")])


def staff_reply(text: str, author_name: str) -> list[b.Payload]:
    """A line under a card: somebody's words (shown as written), or the bot's own note or proposal (Markdown)."""
    if author_name:
        return _messages(f"*{literal(author_name)}:* {literal(text)}")
    return _messages(to_mrkdwn(text, name_people=True))


def relay(text: str, author_name: str) -> list[b.Payload]:
    """A person's words for the customer, the name in front."""
    return _messages(f"*{literal(author_name)}* (support): {literal(text)}")


def _messages(text: str) -> list[b.Payload]:
    parts = split_text(text, _PART) or ["…"]
    return [b.payload(spoken(part), b.sections(part)) for part in parts]
