"""The form for handing a conversation back to the agent."""

from bot.domain.escalation import CardView
from bot.slack import names
from bot.slack.render import blocks as b
from bot.slack.render.forms import FormContext
from bot.slack.render.text import literal, shorten

_DONE_HINT = "What did you do or promise? The agent reads this, and a summary of what you and the customer wrote."
_NEXT_HINT = "The agent does this at once. Leave it empty, and it waits for the customer's next message."


def hand_back_form(view: CardView, where: FormContext) -> b.Block:
    """Asks what the person did, and what the agent should do next."""
    blocks = [
        b.context(f"Case of {literal(shorten(view.customer_name, 200))}"),
        _input(names.NOTE_BLOCK, names.NOTE_INPUT, "What was done", _DONE_HINT, focus=True),
        _input(names.NEXT_BLOCK, names.NEXT_INPUT, "What the agent should do next", _NEXT_HINT, focus=False),
    ]
    return b.modal(
        "Hand back",
        blocks,
        callback_id=names.HAND_BACK_FORM,
        private_metadata=where.dump(),
        submit=b.plain("Hand back", b.VIEW_TITLE),
        close=b.plain("Cancel", b.VIEW_TITLE),
    )


def _input(block_id: str, action_id: str, label: str, hint: str, *, focus: bool) -> b.Block:
    element: b.Block = {
        "type": "plain_text_input",
        "action_id": action_id,
        "multiline": True,
        "max_length": names.NOTE_MAX,
        "focus_on_load": focus,
    }
    return {
        "type": "input",
        "block_id": block_id,
        "label": b.plain(label, 2000),
        "hint": b.plain(hint, 2000),
        "optional": True,
        "element": element,
    }
