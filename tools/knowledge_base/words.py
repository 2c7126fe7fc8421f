"""From text to the terms that are looked up: lower case, no filler, stems."""

import re
import unicodedata

import Stemmer
from bm25s.stopwords import STOPWORDS_EN_PLUS

LONGEST_QUERY = 64
"""Terms of a question that count; more adds nothing but time."""
_TERM = re.compile(r"[^\W_]+")
_APOSTROPHE = re.compile(r"['\u2019](s|t|d|m|ll|re|ve)\b", re.IGNORECASE)
_TALK = """
    hi hello hey dear good morning afternoon evening please thanks thank you cheers regards
    help need want would could like wish try trying tell know let get got give question wondering
    anybody somebody someone anyone possible possibly
    sorry team guys also still really maybe may might shall must us happen happens
""".split()  # noqa: SIM905  (a list of a hundred quoted words cannot be read)
_FILLER = frozenset(STOPWORDS_EN_PLUS) | frozenset(_TALK)
"""Words that tell nothing about a subject: grammar, greetings, and what every question begins with."""


def terms(text: str) -> list[str]:
    """Stems of the telling words, in order. The stemmer is made anew: one must not be shared by threads."""
    plain = _APOSTROPHE.sub("", unicodedata.normalize("NFKC", text)).casefold()
    stem = Stemmer.Stemmer("english", 0).stemWord
    return [stem(word) for word in _TERM.findall(plain) if word not in _FILLER]
