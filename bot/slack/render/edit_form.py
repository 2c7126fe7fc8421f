"""The form in which a proposal is changed: a reply's text, or the typed arguments of a call.

A field holds at most 3,000 characters, so a longer reply stands in several; what stood between them is remembered in
the form and put back when it is sent.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.domain.escalation import CardView
from bot.domain.revision import CallField
from bot.slack import names
from bot.slack.render import blocks as b
from bot.slack.render.forms import FormContext
from bot.slack.render.text import literal, shorten

FIELD_CHARS = 3000
PIECE_CHARS = 2400
"""Of a reply in one field, so that there is room to write."""
_ONE_LINE = 80
_JOINTS = ("\n\n", "\n", " ")


@dataclass(frozen=True, slots=True)
class EditContext:
    """What the form remembers."""

    where: FormContext
    version: int
    joints: tuple[str, ...] = ()
    """What stood between the pieces of the reply."""

    def dump(self) -> str:
        """As private_metadata."""
        return json.dumps({**json.loads(self.where.dump()), "v": self.version, "j": self.joints})

    @classmethod
    def load(cls, metadata: object) -> "EditContext | None":
        """The context behind private_metadata; None when it is none of ours."""
        where = FormContext.load(metadata)
        if where is None or not isinstance(metadata, str):
            return None
        values = json.loads(metadata)
        version, joints = values.get("v"), values.get("j")
        if not isinstance(version, int) or not isinstance(joints, list):
            return None
        return cls(where, version, tuple(joint for joint in joints if isinstance(joint, str)))


def edit_form(
    view: CardView, fields: Iterable[CallField], where: FormContext, *, note: str = "",
    written: Mapping[str, str] | None = None, text: str = "",
) -> b.Block:  # fmt: skip
    """The form; `note`: what is to be read first. `written` or `text`: what somebody wrote before, to go on with."""
    case = view.escalation
    reply = case.proposal.text if case.proposal and case.proposal.call is None else ""
    pieces, joints = split_exactly(text or reply)
    blocks = [b.section(note)] if note else []
    blocks.append(b.context(f"Case of {literal(shorten(view.customer_name, 200))}. The older version is kept."))
    if case.proposal is not None and case.proposal.call is not None:
        blocks += [_argument(field, (written or {}).get(field.name, field.value)) for field in fields]
    else:
        blocks += [_piece(number, piece, of=len(pieces)) for number, piece in enumerate(pieces)]
    blocks.append(_now())
    return b.modal(
        "Edit",
        blocks,
        callback_id=names.EDIT_FORM,
        private_metadata=EditContext(where, case.version, joints).dump(),
        submit=b.plain("Save", b.VIEW_TITLE),
        close=b.plain("Cancel", b.VIEW_TITLE),
    )


def lost_words(note: str, words: str) -> b.Block:
    """A window that gives somebody back what they wrote and could not be taken."""
    return b.modal("Not changed", [b.section(note), *b.sections(f"```\n{literal(words)}\n```")])


def split_exactly(text: str) -> tuple[list[str], tuple[str, ...]]:
    """Pieces that fit into fields, and what stood between them; put together again they are the text."""
    pieces: list[str] = []
    joints: list[str] = []
    while len(text) > PIECE_CHARS:
        found = [(text.rfind(joint, PIECE_CHARS // 2, PIECE_CHARS), joint) for joint in _JOINTS]
        cut, joint = next((pair for pair in found if pair[0] > 0), (PIECE_CHARS, ""))
        pieces.append(text[:cut])
        joints.append(joint)
        text = text[cut + len(joint) :]
    return [*pieces, text], tuple(joints)


def put_together(pieces: list[str], joints: tuple[str, ...]) -> str:
    """The reply from its pieces; a joint beside an empty piece is left out."""
    text = pieces[0] if pieces else ""
    for piece, joint in zip(pieces[1:], (*joints, *[""] * len(pieces)), strict=False):
        text = text + joint + piece if text and piece else text or piece
    return text


def _piece(number: int, text: str, *, of: int) -> b.Block:
    label = "Reply" if of == 1 else f"Reply, part {number + 1} of {of}"
    element = {"type": "plain_text_input", "multiline": True, "max_length": FIELD_CHARS}
    if text:
        element["initial_value"] = text
    return _input(f"{names.PART}{number}", label, element, optional=of > 1)


def _argument(field: CallField, value: str) -> b.Block:
    block_id = f"{names.ARGUMENT}{field.name}"
    element: b.Block
    match field.kind:
        case "choice":
            options = [{"text": b.plain(option, 75), "value": option[:150]} for option in field.options[:100]]
            chosen = next((option for option in options if option["value"] == value), None)
            element = {"type": "static_select", "options": options}
            if chosen is not None:
                element["initial_option"] = chosen
        case "number":
            element = {"type": "number_input", "is_decimal_allowed": True}
            if value:
                element["initial_value"] = value
        case "text" if len(value) > FIELD_CHARS:
            return b.context(f"*{literal(field.label)}* is too long for a form and stays as it is.")
        case "text":
            element = {"type": "plain_text_input", "multiline": len(value) > _ONE_LINE, "max_length": FIELD_CHARS}
            if value:
                element["initial_value"] = value
    return _input(block_id, field.label, element, hint=field.hint, optional=not value)


def _now() -> b.Block:
    option = {"text": b.plain("Approve the changed version right away", 75), "value": names.YES}
    element: b.Block = {"type": "checkboxes", "options": [option]}
    return _input(names.NOW_BLOCK, "Approval", element, optional=True)


def _input(block_id: str, label: str, element: b.Block, *, hint: str = "", optional: bool = False) -> b.Block:
    block: b.Block = {
        "type": "input",
        "block_id": block_id,
        "label": b.plain(label, 2000),
        "optional": optional,
        "element": {**element, "action_id": block_id},
    }
    return {**block, "hint": b.plain(hint, 2000)} if hint else block
