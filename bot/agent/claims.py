"""Finds where a text claims that something was done or is about to be: by patterns, without asking anybody.

Not claims: what is denied ("I cannot refund"), imagined ("once refunded", "if you like, I will …"), asked ("Has it
been refunded?"), quoted, or told of others ("you wrote that …"). Rules that stand in articles ("we refund within 30
days") are in the plain present, which no pattern takes. Precision counts: a false alarm costs a model call, at worst a
person's look.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from bot.agent.forged_marks import forged_marks
from bot.agent.tongues import dutch, english, french, german, italian, portuguese, spanish
from bot.agent.tongues.tongue import Kind, Manner, Pattern, Tongue

TONGUES: tuple[Tongue, ...] = (
    english.TONGUE, german.TONGUE, french.TONGUE, spanish.TONGUE, italian.TONGUE, portuguese.TONGUE, dutch.TONGUE,
)  # fmt: skip
_QUOTED = re.compile(
    r"```(?s:.*?)```|`[^`\n]*`|[“„«][^”“»\n]{0,600}[”“»]|(?<!\w)\"[^\"\n]{0,600}\"|^[ \t]{0,8}>.*$|¿[^¿?\n]{0,600}\?",
    re.M,
)
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")
_CLAUSE = re.compile(r",(?!\d)|[;:()\u2013—]|\s-\s|\b(?:but|aber|mais|pero|ma|mas|maar)\b")
_TURN = re.compile(r"\b(?:and|so|because|und|denn|et|car|y|porque|e|perch[ée]|en|want)\b")
_PLAIN = str.maketrans({"\u2019": "'", "\u2018": "'", "\u00a0": " ", "\u202f": " ", "*": " ", "_": " ", "~": " "}) | (
    dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
)
MOST_QUOTED = 300
"""Characters of a sentence that a claim quotes, around the words that claim."""
_WINDOW, _STEP = 800, 400
"""A longer sentence is looked at in pieces of so many characters, which overlap by more than any claim is long: so the
search takes as long as the text is, whatever stands in it."""
_NUMBER = re.compile(
    r"\b(?:ticket|case|reference|referenz|vorgang|dossier|caso|chamado)s?\b[^.!?\n]{0,24}?(?<![\w$€£.])"
    r"#?((?:[a-z]{1,6}-)?\d[\d-]{2,})\b(?!\s*%)"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A place where something is claimed."""

    kind: Kind
    manner: Manner
    words: str
    """The sentence in lower case, or as much of a long one as stands around the place."""
    place: str = ""
    """The part of it that claims."""
    number: str = ""
    """Of a ticket, when one is named."""
    sentence: str = ""
    """All that was looked at: where amounts may stand."""


@dataclass(frozen=True)
class _Ready:
    """One language, ready to search with."""

    patterns: list[tuple[Pattern, re.Pattern[str]]]
    negations: re.Pattern[str]
    conditions: re.Pattern[str]
    reports: re.Pattern[str]
    offers: re.Pattern[str]


def claims_in(text: str) -> tuple[Claim, ...]:
    """All claims, in order; of each sentence every kind at most once, the strongest manner first."""
    found: dict[tuple[Kind, str, str], Claim] = {}
    for sentence in _sentences(text):
        for claim in (*_claims_of(sentence), *_numbers_of(sentence), *_forged(sentence)):
            found.setdefault((claim.kind, claim.number, sentence), claim)
    return tuple(found.values())


def _sentences(text: str) -> Iterator[str]:
    """Each once, in one spelling; what is quoted is left out."""
    plain = _QUOTED.sub(" … ", text.translate(_PLAIN)).lower()
    whole = (" ".join(part.split()) for part in _SENTENCE.split(plain) if part.strip())
    yield from dict.fromkeys(piece for sentence in whole for piece in _pieces(sentence))


def _pieces(sentence: str) -> Iterator[str]:
    """The sentence; pieces of one that is very long, broken between words where there are any."""
    start = 0
    while len(sentence) - start > _WINDOW:
        end = sentence.rfind(" ", start + _STEP, start + _WINDOW)
        yield sentence[start : end if end > 0 else start + _WINDOW]
        following = sentence.find(" ", start + _STEP, start + _WINDOW)
        start = following + 1 if following > 0 else start + _STEP
    yield sentence[start:]


def _claims_of(sentence: str) -> Iterator[Claim]:
    for tongue in _ready():
        for pattern, regex in tongue.patterns:
            for match in regex.finditer(sentence):
                if _is_meant(tongue, pattern, sentence, match):
                    yield Claim(pattern.kind, pattern.manner, _around(sentence, match), match[0], sentence=sentence)
                    break


def _numbers_of(sentence: str) -> Iterator[Claim]:
    """A ticket's number must be one that was seen, whatever is said of it."""
    for match in _NUMBER.finditer(sentence):
        yield Claim(Kind.TICKET, "was", _around(sentence, match), match[0], match[1], sentence)


def _forged(sentence: str) -> Iterator[Claim]:
    """Under the mark of a colleague only a colleague speaks."""
    for mark in forged_marks(sentence):
        yield Claim(Kind.PERSON, "was", sentence[:MOST_QUOTED], mark, sentence=sentence)


def _around(sentence: str, match: re.Match[str]) -> str:
    """The sentence, or of a long one what stands around the claim."""
    start = max(0, min(match.start() - MOST_QUOTED // 3, len(sentence) - MOST_QUOTED))
    return sentence[start : start + MOST_QUOTED]


def _is_meant(tongue: _Ready, pattern: Pattern, sentence: str, match: re.Match[str]) -> bool:
    """Whether the words are a claim where they stand."""
    before, after = sentence[: match.start()], sentence[match.end() :]
    clause = _CLAUSE.split(before)[-1]
    near = _TURN.split(clause)[-1]
    if tongue.negations.search(near) or tongue.negations.search(match[0]):
        return False
    if tongue.conditions.search(clause) or tongue.reports.search(clause):
        return False
    if sentence.endswith("?") and not _CLAUSE.search(after):
        return False
    if pattern.manner in ("did", "was"):
        return True
    return not (tongue.offers.search(before) or tongue.conditions.search(before) or _depends(tongue, after))


def _depends(tongue: _Ready, after: str) -> bool:
    """Whether what is promised waits for something: "… if you like". Not: "as soon as we know"."""
    condition = tongue.conditions.search(after)
    return condition is not None and not re.match(
        r"\s*(?:i|we|they|a|the team|our|ich|wir|nous|je)\b", after[condition.end() :]
    )


@cache
def _ready() -> tuple[_Ready, ...]:
    return tuple(
        _Ready(t.compiled(), *(re.compile(words) for words in (t.negations, t.conditions, t.reports, t.offers)))
        for t in TONGUES
    )
