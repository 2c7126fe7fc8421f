"""Whether an answer is in the language of the question, where that is clear beyond doubt.

An objection costs a model call, so it needs a clear question and a very clear answer, and none is made when a language
was spoken of: somebody may have asked for a translation, or for an answer in another language than they write. Nor is
one made when anything the customer said is in the answer's language: the rest may be pasted.
"""

import re

from bot.agent.confidence import Case
from bot.domain.conversation import Speaker
from bot.domain.language import LANGUAGE_NAMES, LIKELY, LOOKED_AT, SURE, language_of

SHORT = 60
"""Characters; a shorter answer is a greeting, or a question back that is soon forgotten."""
_PART = re.compile(r"[\n.:;!?]+")
_NAMED = re.compile(
    r"translat|überset|traduc|traduz|tradui|vertaal|翻訳|訳し|"
    r"english|englisch|anglais|ingl[ée]s|inglese|engels|英語|german\b|deutsch|allemand|alem[áa]n|tedesco|duits|ドイツ語|"
    r"french|französisch|fran[çc]ais|franc[ée]s|francese|frans\b|フランス語|spanish|spanisch|espagnol|español|spagnolo|"
    r"spaans|スペイン語|japanese|japanisch|japonais|japon[ée]s|giapponese|japans|日本語|italian|portugu|holland|dutch|"
    r"nederlands|niederländ|chinese|chines|korean|russ|polski|polish|polnisch|language|sprache|langue|idioma|言語",
    re.IGNORECASE,
)


def is_foreign(text: str, case: Case, least: float = LIKELY) -> bool:
    """Whether an answer is clearly in another language than the question; `least`: how clear the question must be."""
    written = _written(case)
    asked = language_of(written, least)
    answered = language_of(text, SURE) if len(text) >= SHORT else ""
    if not asked or not answered or asked == answered:
        return False
    said = [line.text for line in case.earlier if line.speaker is Speaker.CUSTOMER]
    if any(language_of(words) == answered for words in (*_PART.split(written[:LOOKED_AT]), *said)):
        return False  # the rest may be a message of some program
    return not any(_NAMED.search(words) for words in (written, *said, case.recap))


def objection_to_language(case: Case) -> str:
    """What the model is told."""
    language = LANGUAGE_NAMES.get(language_of(_written(case), LIKELY), "")
    name = f" ({language})" if language else ""
    return (
        f"<check>Your answer was not sent. The customer writes in another language{name}. Write the same answer again "
        "in the customer's language; names of menus and buttons stay as the article has them. The customer does not "
        "see this note; do not mention it.</check>"
    )


def _written(case: Case) -> str:
    """The customer's own words: a log that came with them is in the language of some program."""
    return case.question if case.words is None else case.words
