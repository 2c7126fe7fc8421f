"""An answer of the agent as one or more messages."""

import re

import prompts
from bot.domain.answer import Answer, Footer
from bot.domain.exchange import Citation
from bot.domain.hidden import visible
from bot.domain.money import show_usd
from bot.slack import names
from bot.slack.render import blocks as b
from bot.slack.render.text import link, neutralise, split_text, without_channels

_PART = 6000
"""Characters per message: plain text of this length has room in a stream, beside the cards of the steps."""
_SOURCES_ROOM = 1900
_MARKS = re.compile(r"[*_`#]+")
GOOD, BAD = "good", "bad"


def answer_messages(answer: Answer, *, allowed: tuple[str, ...] = ()) -> list[b.Payload]:
    """The messages of an answer, in order; the last carries sources, footer and feedback buttons.

    `allowed` are the user ids the text may mention.
    """
    parts = split_text(neutralise(without_channels(visible(answer.text)), allowed), _PART) or ["…"]
    messages = [b.payload(_spoken(part), [b.markdown(part)]) for part in parts]
    messages[-1]["blocks"].extend(_tail(answer))
    return messages


def _tail(answer: Answer) -> list[b.Block]:
    tail = []
    if answer.citations:
        tail.append(b.context(sources(answer.citations, answer.language)))
    if answer.footer:
        tail.append(b.context(_footer(answer.footer, answer.language)))
    if answer.run_id:
        tail.append(feedback(answer.run_id, answer.language))
    return tail


def sources(citations: tuple[Citation, ...], language: str = "") -> str:
    """One line that names every cited article once, with links where there are any."""
    words = prompts.sentences(language)
    titles = {c.source: c.title or c.source for c in reversed(citations)}
    articles = list(dict.fromkeys(c.source for c in citations))
    line, shown = "", 0
    for source in articles:
        item = (" · " if shown else "") + link(source, titles[source][:200])
        if len(line) + len(item) > _SOURCES_ROOM:
            break
        line, shown = line + item, shown + 1
    missing = len(articles) - shown
    more = f" · {words['more_sources'].format(count=missing)}" if missing else ""
    return words["sources"].format(list=line + more)


def _footer(footer: Footer, language: str) -> str:
    return prompts.sentences(language)["footer"].format(
        step=footer.step,
        most=footer.max_steps,
        tokens=footer.tokens_shown,
        cost=show_usd(footer.cost),
        limit=show_usd(footer.limit),
    )


def feedback(run_id: str, language: str = "") -> b.Block:
    """Thumbs up and down under an answer."""
    words = prompts.sentences(language)

    def thumb(label: str, spoken: str, verdict: str) -> b.Block:
        return {"text": b.plain(label, 75), "accessibility_label": spoken, "value": f"{verdict}:{run_id}"}

    buttons = {
        "type": "feedback_buttons",
        "action_id": names.FEEDBACK,
        "positive_button": thumb("👍", words["helped"], GOOD),
        "negative_button": thumb("👎", words["not_helped"], BAD),
    }
    return {"type": "context_actions", "elements": [buttons]}


def _spoken(markdown: str) -> str:
    return _MARKS.sub("", markdown)
