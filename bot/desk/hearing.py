"""What people wrote, before it is kept: without card numbers, passwords and the like (`bot.domain.redaction`).

Only words that are passed on as they are stay as they are: what staff write to a customer under a card, in a form with
a reply, or as a question. The transcript of those is made discreet by the store.
"""

from dataclasses import replace
from typing import TypeVar

from bot.domain.incoming import DecisionMade, Incoming, MessageEdited, MessageReceived, Rated
from bot.domain.redaction import Redactor

_Heard = TypeVar("_Heard", bound=Incoming)


def discreet(incoming: _Heard, redactor: Redactor) -> _Heard:
    """The same event with what is private in its words hidden."""
    hide = redactor.redact
    match incoming:
        case MessageReceived():
            files = tuple(replace(file, name=hide(file.name)) for file in incoming.files)
            return replace(incoming, text=hide(incoming.text), quoted=hide(incoming.quoted), files=files)
        case MessageEdited():
            again = incoming.asks_again
            again = again and discreet(again, redactor)
            return replace(incoming, text=hide(incoming.text), asks_again=again)
        case DecisionMade():
            return replace(incoming, note=hide(incoming.note), next_step=hide(incoming.next_step))
        case Rated():
            return replace(incoming, comment=hide(incoming.comment))
        case _:
            return incoming
