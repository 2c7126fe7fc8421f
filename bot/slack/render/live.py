"""A run's progress: as one line, or as the chunks of a stream."""

import re
from typing import Any

from bot.domain.effects import Progress, StepCard, StepState
from bot.slack.render import blocks as b
from bot.slack.render import lines
from bot.slack.render.text import neutralise, shorten

Chunk = dict[str, Any]
"""One part of what is appended to a stream."""

_TITLE = 80
"""Characters; Slack takes 256, and the card is one line."""
_EMPHASIS = re.compile(r"^[_*~\s]+|[_*~\s.…]+$")
_COUNTED = ("text", "title", "details", "output")


def live_line(progress: Progress) -> b.Payload:
    """The plain form."""
    return lines.live(f"_{progress.words}…_  ·  {progress.title}", progress.language)


def first_card(text: str) -> list[Chunk]:
    """The first sign of a stream; `text` is mrkdwn of our own."""
    return _card_chunks((StepCard("step-1", _EMPHASIS.sub("", text), StepState.IN_PROGRESS),))


def progress_chunks(progress: Progress) -> list[Chunk]:
    """The cards that changed, under a headline of steps and cost."""
    title = shorten(progress.title, _TITLE)
    return [{"type": "plan_update", "title": title[:1].upper() + title[1:]}, *_card_chunks(progress.cards)]


def text_chunk(markdown: str) -> Chunk:
    """A piece of the answer."""
    return {"type": "markdown_text", "text": markdown}


def weight(chunks: list[Chunk]) -> int:
    """UTF-8 bytes that Slack counts against the length of a stream."""
    return sum(len(str(chunk.get(name, "")).encode()) for chunk in chunks for name in _COUNTED)


def pieces(markdown: str, size: int) -> list[str]:
    """A text cut at paragraph ends into pieces of about `size` bytes; joined they are the text again."""
    found: list[str] = []
    for paragraph in re.split(r"(?<=\n\n)(?!\n)", markdown):
        if found and len(found[-1].encode()) < size:
            found[-1] += paragraph
        else:
            found.append(paragraph)
    return found


def _card_chunks(cards: tuple[StepCard, ...]) -> list[Chunk]:
    return [
        {
            "type": "task_update",
            "id": card.id,
            "title": shorten(neutralise(card.words), _TITLE) or "Working",
            "status": card.state.value,
        }
        for card in cards
    ]
