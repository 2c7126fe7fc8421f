"""Which language a text is in, told by its script and by its small words; nothing when that is not clear.

Small words (articles, pronouns, prepositions) make up half of all prose, and each language has its own. A word that
several languages share counts for less. Short texts, names, codes and mixtures give no answer, and no answer is better
than a wrong one: the conversation then keeps the language it had. For the languages that have fixed sentences many
words are known, for others enough to tell them apart from these. Codes are those of ISO 639-1.
"""

import re
from collections.abc import Mapping
from functools import cache

from bot.domain.small_words import SMALL_WORDS

LANGUAGE_NAMES: Mapping[str, str] = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese",
    "nl": "Dutch", "sv": "Swedish", "da": "Danish", "no": "Norwegian", "pl": "Polish", "cs": "Czech",
    "tr": "Turkish", "ro": "Romanian", "fi": "Finnish", "hu": "Hungarian", "ca": "Catalan", "id": "Indonesian",
    "vi": "Vietnamese", "ja": "Japanese", "ko": "Korean", "zh": "Chinese", "ru": "Russian", "uk": "Ukrainian",
    "ar": "Arabic", "he": "Hebrew", "el": "Greek", "th": "Thai", "hi": "Hindi",
}  # fmt: skip
"""In English, for the model."""
_SCRIPTS = (
    ("ja", r"\u3041-\u30ff\uff66-\uff9d"), ("ko", r"\u1100-\u11ff\uac00-\ud7af"), ("zh", r"\u3400-\u9fff"),
    ("ru", r"\u0400-\u04ff"), ("ar", r"\u0600-\u06ff"), ("he", r"\u0590-\u05ff"), ("el", r"\u0370-\u03ff"),
    ("th", r"\u0e00-\u0e7f"), ("hi", r"\u0900-\u097f"),
)  # fmt: skip
_LETTERS = tuple((language, re.compile(f"[{letters}]")) for language, letters in _SCRIPTS)
_LATIN = re.compile(r"[a-zA-Z\u00c0-\u024f]")
_NOT_PROSE = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|<[^<>\n]{0,1000}>|https?://\S+|\S{1,64}@\S+|"
    r"[“„«\"][^“”„«»\"\n]{0,200}[”»\"]|\*\*[^*\n]{0,100}\*\*|"
    r"\b\w*\d\w*|\b\w+[._/\\]\w\S*",
    re.DOTALL,
)
"""Code, addresses, names of menus and what is quoted may be in any language."""
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_ELIDED = re.compile(r"\b([ldjmnscqt]|qu)'(?=\w)")
LOOKED_AT = 4_000
"""Characters; enough to tell."""
_LEAST_SHARE, _FOREIGN_SHARE = 0.08, 0.25
_MARGIN, _WIDE_MARGIN = 1.6, 2.5
_FEW_LETTERS, _LETTERS_OF_A_SENTENCE = 2, 6
_SURELY_CHINESE = 12
"""Signs; so many without a Japanese letter among them are no Japanese headline."""
_OWN_SIGNS = (("es", re.compile("[¿¡]"), 2.0), ("de", re.compile("ß"), 1.0))
"""What hardly any other language writes, and how many words it counts for."""
HINT, LIKELY, SURE = 0.9, 2.0, 4.0
"""How many words must speak for a language: enough to greet somebody in it, to change over to it, to object to it."""


def language_of(text: str, least: float = HINT) -> str:
    """The code of a text's language; empty when less than `least` speaks for it."""
    prose = _NOT_PROSE.sub(" ", text[:LOOKED_AT].replace("\u2019", "'"))
    latin = len(_LATIN.findall(prose))
    script, letters = _script(prose)
    if letters and letters > latin * (_FOREIGN_SHARE if least < SURE else 1.0):
        return script if letters >= _letters_needed(script, least) else ""
    return _by_words(prose, least) if latin > letters else ""


def code_of(locale: str) -> str:
    """The language of a locale as Slack writes it (`de-DE`, `ja-JP`); empty when it is none."""
    found = re.match(r"([a-zA-Z]{2})(?:[-_].*)?\Z", locale)
    return found[1].lower() if found else ""


def _letters_needed(script: str, least: float) -> int:
    if script == "zh" and least >= LIKELY:
        return _SURELY_CHINESE
    return _FEW_LETTERS if least < SURE else _LETTERS_OF_A_SENTENCE


def _script(prose: str) -> tuple[str, int]:
    counts = {language: len(pattern.findall(prose)) for language, pattern in _LETTERS}
    if counts["ja"]:
        counts["ja"] += counts.pop("zh")
    language = max(counts, key=lambda one: counts[one])
    if language == "ru" and re.search("[іїєґІЇЄҐ]", prose):
        return "uk", counts[language]
    return language, counts[language]


def _by_words(prose: str, least: float) -> str:
    words = _WORD.findall(_ELIDED.sub(r"\1' ", prose.lower()))
    words += [f"{elided}'" for elided in _ELIDED.findall(prose.lower())]
    scores: dict[str, float] = {}
    for word in words:
        known = _languages_by_word().get(word, ())
        for language in known:
            scores[language] = scores.get(language, 0.0) + 1 / len(known)
    for language, sign, points in _OWN_SIGNS:
        if sign.search(prose):
            scores[language] = scores.get(language, 0.0) + points
    ranked = sorted(((points, language) for language, points in scores.items()), reverse=True)
    (points, best), (others, _) = (*ranked, (0.0, ""), (0.0, ""))[:2]
    margin = _MARGIN if least < LIKELY else _WIDE_MARGIN
    return best if points >= max(least, _LEAST_SHARE * len(words)) and points >= margin * others else ""


@cache
def _languages_by_word() -> Mapping[str, tuple[str, ...]]:
    known: dict[str, tuple[str, ...]] = {}
    for language, words in SMALL_WORDS.items():
        for word in set(words.split()):
            known[word] = (*known.get(word, ()), language)
    return known
