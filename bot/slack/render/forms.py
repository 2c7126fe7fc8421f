"""The forms and windows behind the buttons of a card."""

import json
from dataclasses import dataclass

from bot.domain.escalation import CardView
from bot.slack import names
from bot.slack.render import blocks as b
from bot.slack.render.card import decided, full_text
from bot.slack.render.text import literal, shorten


@dataclass(frozen=True, slots=True)
class FormContext:
    """What a form remembers between opening and sending."""

    escalation_id: str
    channel_id: str
    thread_ts: str | None = None

    def dump(self) -> str:
        """As private_metadata (at most 3,000 characters; these are ids)."""
        return json.dumps({"e": self.escalation_id, "c": self.channel_id, "t": self.thread_ts})

    @classmethod
    def load(cls, metadata: object) -> "FormContext | None":
        """The context behind private_metadata; None when it is none of ours."""
        try:
            values = json.loads(metadata) if isinstance(metadata, str) else None
        except ValueError:
            return None
        if not isinstance(values, dict):
            return None
        case, channel, thread = values.get("e"), values.get("c"), values.get("t")
        if not (isinstance(case, str) and case and isinstance(channel, str)):
            return None
        return cls(case, channel, thread if isinstance(thread, str) else None)


def deny_form(view: CardView, where: FormContext) -> b.Block:
    """Asks why a proposal or request is denied."""
    hint = "The agent reads this and tries again; the customer does not see it word for word."
    return _form(names.DENY_FORM, "Deny", view, where, _input("Reason", hint, names.REASON_MIN, names.REASON_MAX))


def full_text_modal(view: CardView) -> b.Block:
    """Reason, summary and proposal of a case, nothing cut off."""
    blocks = b.sections(full_text(view.escalation))
    if view.escalation.decided_at is not None:
        blocks.append(b.context(decided(view.escalation)))
    return b.modal("Full text", blocks)


def _form(callback: str, title: str, view: CardView, where: FormContext, field: b.Block) -> b.Block:
    about = b.context(f"Case of {literal(shorten(view.customer_name, 200))}")
    return b.modal(
        title,
        [about, field],
        callback_id=callback,
        private_metadata=where.dump(),
        submit=b.plain(title, b.VIEW_TITLE),
        close=b.plain("Cancel", b.VIEW_TITLE),
    )


def _input(label: str, hint: str, least: int, most: int) -> b.Block:
    element: b.Block = {
        "type": "plain_text_input",
        "action_id": names.NOTE_INPUT,
        "multiline": True,
        "max_length": most,
        "focus_on_load": True,
    }
    if least:
        element["min_length"] = least
    return {
        "type": "input",
        "block_id": names.NOTE_BLOCK,
        "label": b.plain(label, 2000),
        "hint": b.plain(hint, 2000),
        "optional": least == 0,
        "element": element,
    }
