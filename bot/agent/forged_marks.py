"""Marks under which only people speak: an answer that bears one would put words into a colleague's mouth.

They are taken from the fixed sentences of all languages ("*{person}* (support):", "*{person}* has taken over …"), so
that a sentence that is changed there is known here.
"""

import re
from collections.abc import Iterator
from functools import cache

import prompts

_NOTICES = ("taken_over", "handed_back", "resolved")
_NAME = r"[^\n:\uff1a]{1,80}?"
_END = re.compile(r"[.。]")


def forged_marks(sentence: str) -> Iterator[str]:
    """Every mark in a sentence in lower case without asterisks."""
    return (match[0] for pattern in _patterns() for match in pattern.finditer(sentence))


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    found: dict[str, None] = {}
    for language in prompts.LANGUAGES:
        sentences = prompts.sentences(language)
        found[rf"^\W*{_NAME}\s*{_after_name(sentences['from_support'])}"] = None
        found |= dict.fromkeys(_after_name(_END.split(sentences[name])[0]) for name in _NOTICES)
    return tuple(re.compile(regex) for regex in found)


def _after_name(sentence: str) -> str:
    """What stands behind the person's name, as a pattern that minds neither case nor blanks."""
    words = sentence.partition("{person}")[2].replace("*", " ").lower().split()
    return r"\s*".join(map(re.escape, words))
