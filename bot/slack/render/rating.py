"""The message that asks a customer how it went, and the form for their words."""

from bot.domain.effects import AskRating
from bot.domain.handover import COMMENT_MAX, STARS
from bot.slack import names
from bot.slack.render import blocks as b
from bot.slack.render.forms import FormContext
from bot.slack.render.text import literal, shorten

_LABELS = {1: "1 · poor", 2: "2", 3: "3 · fair", 4: "4", 5: "5 · great"}


def rating_message(effect: AskRating, ask: str, thanks: str) -> b.Payload:
    """Five buttons; once answered, what was said, with the buttons still there for a change of mind."""
    buttons = [b.button(f"{names.RATE}{stars}", _LABELS[stars], effect.case_id) for stars in STARS]
    if not effect.stars:
        return b.payload(f"{ask} From 1 (poor) to 5 (great).", [b.section(ask), b.actions(buttons)])
    said = f"*You gave {'★' * effect.stars}{'☆' * (5 - effect.stars)}* ({effect.stars} of 5)"
    words = f"\n“{literal(shorten(effect.comment, COMMENT_MAX))}”" if effect.comment else ""
    label = "Change the comment" if effect.comment else "Add a comment"
    comment = b.button(names.RATING_COMMENT, label, effect.case_id)
    spoken = f"You gave {effect.stars} of 5. {thanks}"
    return b.payload(spoken, [b.section(f"{said}{words}\n{thanks}"), b.actions([*buttons, comment])])


def comment_form(where: FormContext) -> b.Block:
    """Asks for the words that go with the stars."""
    field: b.Block = {
        "type": "input",
        "block_id": names.NOTE_BLOCK,
        "label": b.plain("What was good, what was not?", 2000),
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
        "Your comment",
        [field],
        callback_id=names.COMMENT_FORM,
        private_metadata=where.dump(),
        submit=b.plain("Send", b.VIEW_TITLE),
        close=b.plain("Cancel", b.VIEW_TITLE),
    )
