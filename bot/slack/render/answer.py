"""An answer of the agent as one or more messages."""

import re

from bot.domain.answer import Answer
from bot.domain.exchange import Citation
from bot.slack import names
from bot.slack.render import blocks as b
from bot.slack.render.text import link, neutralise, split_text

_PART = 6000
"""Characters per message: plain text of this length has room in a stream, beside the cards of the steps."""
_SOURCES_ROOM = 1900
_MARKS = re.compile(r"[*_`#]+")
GOOD, BAD = "good", "bad"


def answer_messages(answer: Answer, *, allowed: tuple[str, ...] = ()) -> list[b.Payload]:
    """The messages of an answer, in order; the last carries sources, footer and feedback buttons.

    `allowed` are the user ids the text may mention.
    """
    parts = split_text(neutralise(answer.text, allowed), _PART) or ["…"]
    messages = [b.payload(_spoken(part), [b.markdown(part)]) for part in parts]
    messages[-1]["blocks"].extend(_tail(answer))
    return messages


def _tail(answer: Answer) -> list[b.Block]:
    tail = []
    if answer.citations:
        tail.append(b.context(sources(answer.citations)))
    if answer.footer:
        tail.append(b.context(str(answer.footer)))
    if answer.run_id:
        tail.append(feedback(answer.run_id))
    return tail


def sources(citations: tuple[Citation, ...]) -> str:
    """One line that names every cited article once, with links where there are any."""
    titles = {c.source: c.title or c.source for c in reversed(citations)}
    articles = list(dict.fromkeys(c.source for c in citations))
    line, shown = "Sources: ", 0
    for source in articles:
        item = (" · " if shown else "") + link(source, titles[source][:200])
        if len(line) + len(item) > _SOURCES_ROOM:
            break
        line, shown = line + item, shown + 1
    missing = len(articles) - shown
    return f"{line} · and {missing} more" if missing else line


def feedback(run_id: str) -> b.Block:
    """Thumbs up and down under an answer."""

    def thumb(label: str, spoken: str, verdict: str) -> b.Block:
        return {"text": b.plain(label, 75), "accessibility_label": spoken, "value": f"{verdict}:{run_id}"}

    buttons = {
        "type": "feedback_buttons",
        "action_id": names.FEEDBACK,
        "positive_button": thumb("👍", "This answer helped", GOOD),
        "negative_button": thumb("👎", "This answer did not help", BAD),
    }
    return {"type": "context_actions", "elements": [buttons]}


def _spoken(markdown: str) -> str:
    return _MARKS.sub("", markdown)
