"""The form in which one question is asked about a case."""

from bot.domain.escalation import CardView
from bot.slack import names
from bot.slack.render import blocks as b
from bot.slack.render.forms import FormContext
from bot.slack.render.text import literal, shorten


def ask_form(view: CardView, where: FormContext) -> b.Block:
    """Asks for the question, and whether it is for a colleague instead of the customer."""
    customer = literal(shorten(view.customer_name, 200))
    question: b.Block = {
        "type": "plain_text_input",
        "action_id": names.NOTE_INPUT,
        "multiline": True,
        "min_length": names.REASON_MIN,
        "max_length": names.REASON_MAX,
        "focus_on_load": True,
    }
    blocks = [
        b.context(f"{customer} reads the question under your name. The case stays open, and nobody takes it over."),
        {
            "type": "input",
            "block_id": names.NOTE_BLOCK,
            "label": b.plain("Question", 2000),
            "hint": b.plain("The agent gets the answer, and you read it under the card.", 2000),
            "element": question,
        },
        {
            "type": "input",
            "block_id": names.WHOM_BLOCK,
            "label": b.plain("Ask a colleague instead", 2000),
            "hint": b.plain("Empty: the customer is asked. A colleague is asked under the card.", 2000),
            "optional": True,
            "element": {"type": "users_select", "action_id": names.WHOM_BLOCK},
        },
    ]
    return b.modal(
        "Ask",
        blocks,
        callback_id=names.ASK_FORM,
        private_metadata=where.dump(),
        submit=b.plain("Ask", b.VIEW_TITLE),
        close=b.plain("Cancel", b.VIEW_TITLE),
    )
