"""What a customer wants, told by the words of the question."""

import re
from enum import Enum, auto

from bot.model.offline_turn import Turn

_SHORTEST_QUESTION = 2
"""Characters."""


class Wish(Enum):
    """What a customer wants, as far as words tell."""

    NOTHING = auto()
    """A greeting, thanks, an emoji."""
    HUMAN = auto()
    DISPUTE = auto()
    REFUND = auto()
    """Of an amount they name."""
    TICKET = auto()
    OWN_ACCOUNT = auto()
    OTHERS_ACCOUNT = auto()
    ANSWER = auto()


_SMALL_TALK_WORDS = """
hi hello hey hiya yo good morning afternoon evening day hola hallo moin bonjour salut ciao servus thanks thank thx ty
you much so very a lot many cheers merci danke gracias grazie great perfect awesome wonderful nice ok okay cool got it
bye goodbye there all everyone team deskhand that this helps helped was is works solved again for the your help
"""
_SMALL_TALK = frozenset(_SMALL_TALK_WORDS.split())
_CLOSING_WORDS = "i what s needed wanted exactly just we clear now sorted fine helpful my me us answer"
_CLOSING = frozenset(_CLOSING_WORDS.split())
"""Beside those, of somebody who says thanks and asks nothing."""
_THANKS = re.compile(r"\W*(?:ok\w*\W+|great\W+|perfect\W+)?(?:thank|thx|cheers|merci|danke|gracias|grazie)", re.I)
_PEOPLE = r"(human|person|someone|somebody|agent|representative|colleague|manager|supervisor|operator|support team)"
_HUMAN = re.compile(
    rf"\b(talk|speak|chat|connect|transfer|escalate|put me through|hand me (over|off))\w*\b.{{0,40}}\b{_PEOPLE}\b"
    r"|\b(need|want|get|give me|prefer|call)\b.{0,20}\b(human|real person|live agent|representative|supervisor)\b"
    rf"|^\W*(an? )?(real |live )?{_PEOPLE}\W*((please|now)\W*)?$|\bhuman (please|now|being)\b|^\W*escalate\b"
    r"|\bmit (einem|einer)\b.{0,20}\b(menschen|mitarbeiter|person)|\bhablar con (un|una|alguien)"
    r"|\bparler (à|avec) (un|une|quelqu)",
    re.I | re.S,
)
_WRONG_CHARGE = re.compile(
    r"\b(charged|billed|paid)\b.{0,25}\b(twice|double|two times|wrong|too much)\b|\bdouble[- ]?(charg|bill)|\bovercharg"
    r"|\bwrong(ly)? (charge|bill|invoice)|\bcharge\b.{0,20}\b(is|was|looks|seems) (wrong|incorrect)|\bdisput(e|ing)\b"
    r"|\bchargeback|\bunauthori[sz]ed (charge|payment)|\bdid(n.t| not) (authori[sz]e|order|agree)",
    re.I | re.S,
)
_REFUND_WISH = re.compile(
    r"\brefund (me|my|us|our|this|that|it|the|please|now)\b"
    r"|\b(want|need|like|demand|request|requesting|give me|deserve)\b.{0,20}\brefund"
    r"|\b(my|our) money back\b|^\W*refund\W*((please|now)\W*)?$",
    re.I | re.S,
)
_TICKET = re.compile(
    r"\b(open|create|file|raise|submit|log|make)\b.{0,20}\b(ticket|case|bug report)\b"
    r"|\breport(ing)?\b.{0,20}\b(bugs?|problem|issue|error|crash)\b|\bticket please\b",
    re.I | re.S,
)
_ACCOUNT_NOUN = (
    r"(account|plan|subscription|invoices?|bills?|billing|seats?|renewal|payments?|tickets?|charges?|status)"
)
_OWN_ACCOUNT = re.compile(
    rf"\b(my|our)\b.{{0,30}}\b{_ACCOUNT_NOUN}\b|\b(what|which) plan (am|are|do|have)\b|\b(am i|are we) (on|paying)\b"
    r"|\bhow many seats (do|have)\b|\b(do|have) (i|we) (still )?(paid|pay|owe)\b"
    r"|\bwhen (do|does) (i|we|it|my|our)\b.{0,25}\brenew",
    re.I | re.S,
)
_ACTION = re.compile(
    r"\b(can.?t|cannot|unable|reset|forgot\w*|chang\w*|delet\w*|cancel\w*|clos\w*|upgrad\w*|downgrad\w*|updat\w*|add\w*|remov\w*"
    r"|download\w*|export\w*|mov\w*|transfer\w*|merg\w*|happens?|switch\w*|set up|edit|invite)\b",
    re.I,
)
_ASKS_HOW = re.compile(
    r"^\W*(how (do|can|to|does|should|would)|where|can (i|we)|could (i|we)|is it possible|what if|do you)\b", re.I
)


_MAY_I = re.compile(r"^\W*(can|could) (i|we|you)\b", re.I)
_WANTS_TO_SEE = re.compile(r"\b(see|show|list|view|check|tell|send|look up)\b", re.I)


def wish_of(turn: Turn) -> Wish:
    """What the turn asks for; a question how something is done is never taken for the order to do it."""
    text = turn.question
    asks_how = bool(_ASKS_HOW.search(text))
    if _is_small_talk(text):
        return Wish.NOTHING
    if _HUMAN.search(text):
        return Wish.HUMAN
    if _REFUND_WISH.search(text) and turn.amount is not None and turn.email is not None and not asks_how:
        return Wish.REFUND
    if _WRONG_CHARGE.search(text) or (_REFUND_WISH.search(text) and not asks_how):
        return Wish.DISPUTE
    if _TICKET.search(text) and not asks_how:
        return Wish.TICKET
    return _account_wish(turn, asks_how=asks_how)


def _account_wish(turn: Turn, *, asks_how: bool) -> Wish:
    if turn.other_email and re.search(rf"\b({_ACCOUNT_NOUN}|who)\b", turn.question, re.I):
        return Wish.OWN_ACCOUNT if turn.is_staff else Wish.OTHERS_ACCOUNT
    asks_how = asks_how and not (_MAY_I.search(turn.question) and _WANTS_TO_SEE.search(turn.question))
    if _OWN_ACCOUNT.search(turn.question) and not asks_how and not _ACTION.search(turn.question):
        return Wish.OWN_ACCOUNT
    return Wish.ANSWER


def _is_small_talk(text: str) -> bool:
    """True for a single character too: there is nothing to search for in it."""
    words = re.findall(r"\w+", re.sub(r":[\w+-]+:", " ", text.lower()))
    known = _SMALL_TALK | _CLOSING if _THANKS.match(text) and "?" not in text else _SMALL_TALK
    return set(words) <= known or len(text) < _SHORTEST_QUESTION
