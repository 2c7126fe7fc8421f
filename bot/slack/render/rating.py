"""The message that asks a customer how it went, and the form for their words."""

from collections.abc import Mapping

import prompts
from bot.domain.effects import AskRating
from bot.domain.handover import COMMENT_MAX, STARS
from bot.slack import names
from bot.slack.render import blocks as b
from bot.slack.render.forms import FormContext
from bot.slack.render.text import literal, shorten

_LABELLED = {1: "rating_1", 3: "rating_3", 5: "rating_5"}
"""Names of the words on these buttons; the others show their number."""


def rating_message(effect: AskRating) -> b.Payload:
    """Five buttons; once answered, what was said, with the buttons still there for a change of mind."""
    words = prompts.sentences(effect.language)
    buttons = [b.button(f"{names.RATE}{stars}", _label(stars, words), effect.case_id) for stars in STARS]
    if not effect.stars:
        ask = words["rating_ask"]
        return b.payload(f"{ask} {words['rating_range']}", [b.section(ask), b.actions(buttons)])
    given = words["rating_given"].format(stars="★" * effect.stars + "☆" * (5 - effect.stars))
    said = f"*{given}* ({words['rating_of'].format(count=effect.stars)})"
    comment = f"\n“{literal(shorten(effect.comment, COMMENT_MAX))}”" if effect.comment else ""
    label = words["comment_change" if effect.comment else "comment_add"]
    button = b.button(names.RATING_COMMENT, label, f"{effect.case_id}{names.LANGUAGE_MARK}{effect.language}")
    stars_of = words["rating_given"].format(stars=words["rating_of"].format(count=effect.stars))
    thanks = words["rating_thanks"]
    blocks = [b.section(f"{said}{comment}\n{thanks}"), b.actions([*buttons, button])]
    return b.payload(f"{stars_of}. {thanks}", blocks)


def _label(stars: int, words: Mapping[str, str]) -> str:
    return words[_LABELLED[stars]] if stars in _LABELLED else str(stars)


def comment_form(where: FormContext, language: str = "") -> b.Block:
    """Asks for the words that go with the stars."""
    words = prompts.sentences(language)
    field: b.Block = {
        "type": "input",
        "block_id": names.NOTE_BLOCK,
        "label": b.plain(words["comment_question"], 2000),
        "element": {
            "type": "plain_text_input",
            "action_id": names.NOTE_INPUT,
            "multiline": True,
            "min_length": 1,
            "max_length": COMMENT_MAX,
            "focus_on_load": True,
        },
    }
    return b.modal(
        words["comment_title"],
        [field],
        callback_id=names.COMMENT_FORM,
        private_metadata=where.dump(),
        submit=b.plain(words["send"], b.VIEW_TITLE),
        close=b.plain(words["cancel"], b.VIEW_TITLE),
    )
