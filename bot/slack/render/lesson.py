"""A suggestion under a card: what a colleague's answer may teach, and who made what of it."""

from collections.abc import Mapping
from typing import Any

from bot.domain.effects import ShowLesson
from bot.domain.lesson import Choice, Lesson
from bot.slack import names
from bot.slack.render import blocks as b
from bot.slack.render.text import literal, neutralise, spoken

_LABELS = {
    Choice.PUBLIC: "Add to help centre",
    Choice.INTERNAL: "Add for staff only",
    Choice.CASE: "Make a test case",
    Choice.DISMISS: "Dismiss",
    Choice.TAKE_BACK: "Take back",
}
_SURE = b.confirm(
    "Show this to customers?",
    "From now on it is found and quoted for everybody. Nothing in it should be about one customer.",
    "Add it",
)
_GONE = b.confirm(
    "Take it back?", "It is no article and no test case any more, and its words are not kept.", "Take it back"
)
_EXTRAS: Mapping[Choice, dict[str, Any]] = {
    Choice.PUBLIC: {"confirm": _SURE, "style": "primary"},
    Choice.TAKE_BACK: {"confirm": _GONE},
}


def lesson_message(effect: ShowLesson) -> b.Payload:
    """The whole draft (nobody accepts what they cannot read), what became of it, and buttons for what is open."""
    lesson, draft = effect.lesson, effect.lesson.draft
    if lesson.dismissed_by:
        return b.payload("A suggestion that was dismissed.", [b.context(*_done(lesson))])
    head = f"💡 *Others may ask this, too.* From what {literal(lesson.taught_by) or 'a colleague'} answered:"
    asked = f"*{literal(draft.title)}*\n_{literal(draft.question)}_"
    blocks = [b.section(head), b.section(asked), *b.sections(literal(draft.answer))]
    done = _done(lesson)
    blocks += [b.context(*done)] if done else []
    buttons = [_button(choice, lesson) for choice in Choice if lesson.may(choice)]
    blocks += [b.actions(buttons)] if buttons else []
    said = f"Suggested from a colleague's answer: {draft.title}. {draft.question} {draft.answer}"
    return b.payload(" ".join((*map(_spoken, done), neutralise(said))), blocks)


def _spoken(line: str) -> str:
    """Without the person, whom a screen reader would spell as an id."""
    return f"{spoken(line).partition(' by ')[0].lstrip('✅🧪 ')}."


def _button(choice: Choice, lesson: Lesson) -> b.Block:
    return b.button(f"{names.LESSON}{choice}", _LABELS[choice], lesson.id, **_EXTRAS.get(choice, {}))


def _done(lesson: Lesson) -> list[str]:
    where = "the help centre" if lesson.audience == Choice.PUBLIC else "the articles for staff"
    return [
        *([f"✅ Added to {where} by <@{lesson.article_by}>"] if lesson.audience else []),
        *([f"🧪 Made a test case by <@{lesson.case_by}>"] if lesson.is_case else []),
        *([f"Suggestion dismissed by <@{lesson.dismissed_by}>"] if lesson.dismissed_by else []),
    ]
