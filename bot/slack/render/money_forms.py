"""The money desk's forms: set a limit, pause the bot; and the window that says what became of them."""

from typing import Any

from bot.domain.budget import Period, Scope
from bot.domain.reports import Field
from bot.slack import names
from bot.slack.render import blocks as b

_SCOPES = {
    Scope.WORKSPACE: "The whole workspace",
    Scope.CHANNEL: "Each channel, or one",
    Scope.USER: "Each person, or one",
    Scope.CONVERSATION: "Each conversation, or one",
}
_PERIODS = {
    Period.DAY: "per day",
    Period.WEEK: "per week",
    Period.MONTH: "per month",
    Period.TOTAL: "in all (conversations only)",
}
_CHANNEL = {"type": "conversations_select", "filter": {"include": ["public", "private"]}}
"""Not a `channels_select`: that one offers no private channels."""


def limit_form() -> b.Block:
    """Asks for a limit; leaving person, channel and conversation empty means every one of them."""
    blocks = [
        _input(Field.SCOPE, "What is limited", _choice(_SCOPES, Scope.WORKSPACE)),
        _input(Field.PERSON, "Person", {"type": "users_select"}, hint="Empty: every person.", optional=True),
        _input(Field.CHANNEL, "Channel", _CHANNEL, hint="Empty: every channel.", optional=True),
        _input(
            Field.CONVERSATION, "Link to a message of the conversation", {"type": "plain_text_input"},
            hint="Empty: every conversation.", optional=True,
        ),
        _input(
            Field.AMOUNT, "At most (USD)", {"type": "plain_text_input", "max_length": 20},
            hint="For example 25 or 0.50. Write off to remove the limit.",
        ),
        _input(Field.PERIOD, "For how long it counts", _choice(_PERIODS, Period.MONTH)),
    ]  # fmt: skip
    return _form(names.LIMIT_FORM, "Set a limit", "Set", blocks)


def pause_form() -> b.Block:
    """Asks where and why the bot is to pause."""
    blocks = [
        b.section(
            "While I am paused I begin no new answer; runs under way end after their current step. "
            "Customers are told so once, and their questions go to the staff channel."
        ),
        _input(
            Field.CHANNEL, "Channel", _CHANNEL,
            hint="Empty: everywhere, direct conversations too.", optional=True,
        ),
        _input(
            Field.REASON, "Reason", {"type": "plain_text_input", "max_length": 300},
            hint="Colleagues read it, customers do not.", optional=True,
        ),
    ]  # fmt: skip
    return _form(names.PAUSE_FORM, "Pause the bot", "Pause", blocks)


def told_window(title: str, words: str) -> b.Block:
    """What became of a form or a button."""
    return b.modal(title, b.sections(words))


def _form(callback: str, title: str, submit: str, blocks: list[b.Block]) -> b.Block:
    return b.modal(
        title,
        blocks,
        callback_id=callback,
        submit=b.plain(submit, b.VIEW_TITLE),
        close=b.plain("Cancel", b.VIEW_TITLE),
    )


def _input(name: Field, label: str, element: b.Block, *, hint: str = "", optional: bool = False) -> b.Block:
    key = f"{names.FIELD}{name}"
    block: b.Block = {
        "type": "input",
        "block_id": key,
        "label": b.plain(label, 2000),
        "optional": optional,
        "element": {"action_id": key, **element},
    }
    return {**block, "hint": b.plain(hint, 2000)} if hint else block


def _choice(options: dict[Any, str], first: Any) -> b.Block:
    shown = {value: {"text": b.plain(words, 75), "value": str(value)} for value, words in options.items()}
    return {"type": "static_select", "options": list(shown.values()), "initial_option": shown[first]}
