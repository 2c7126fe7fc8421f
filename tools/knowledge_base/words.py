"""From text to the terms that are looked up: lower case, no filler, stems; by the language of the article."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import Stemmer

LONGEST_QUERY = 64
"""Terms of a question that count; more adds nothing but time."""
DEFAULT = "en"
"""The language of an article that does not name its own."""
_FILLER = Path(__file__).with_name("filler.toml")
_SNOWBALL = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish",
    "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "nb": "norwegian", "ne": "nepali", "nl": "dutch", "nn": "norwegian",
    "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian",
    "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
_TERM = re.compile(r"[^\W_]+")
_APOSTROPHE = re.compile(r"['\u2019](s|t|d|m|ll|re|ve)\b", re.IGNORECASE)
_CODE = re.compile(r"\b([a-z]{1,10})[-_.]?(\d{2,10})\b", re.IGNORECASE)
"""FW-1201, ERR_404, E1021: what people copy from an error message."""
_DIGITS = re.compile(r"[0-9]{2}")
_ASCII = "".join(character if character.isalnum() else " " for character in map(chr, range(128))).lower()
"""What each ASCII character becomes; two thirds of the time of looking for words are saved so."""
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
"""Scripts that put no blanks between words."""


class Words:
    """The words of one language as terms; one thread at a time, as its stemmer has a state."""

    def __init__(self, language: str = DEFAULT) -> None:
        """`language`: ISO 639-1; what Snowball does not know is not stemmed."""
        algorithm = _SNOWBALL.get(language)
        self._stem = Stemmer.Stemmer(algorithm, 0).stemWord if algorithm else str
        self._filler = _fillers().get(language, frozenset())

    def terms(self, text: str) -> list[str]:
        """Terms of the telling words, in order."""
        return [term for word in split(text) for term in self.of(word)]

    def of(self, word: str) -> Iterator[str]:
        """The terms of one word as `split` gives it: mostly one, none when it tells nothing."""
        if word in self._filler:
            return
        if not UNSPACED.search(word):
            yield _bare(self._stem(word))
            return
        for run in UNSPACED.findall(word):
            yield from (run[i : i + 2] for i in range(max(1, len(run) - 1)))
        yield from map(self._stem, filter(None, UNSPACED.split(word)))


def terms(text: str, language: str = DEFAULT) -> list[str]:
    """Terms of one text."""
    return Words(language).terms(text)


def split(text: str) -> list[str]:
    """The codes, which tell most, and then the words, in lower case and in order."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    if "'" in plain or "\u2019" in plain:
        plain = _APOSTROPHE.sub("", plain)
    words: list[str] = plain.translate(_ASCII).split() if plain.isascii() else _TERM.findall(plain.casefold())
    return codes(text) + words


def codes(text: str) -> list[str]:
    """Codes in a text as one term each, however they are written: `fw+1201`."""
    if _DIGITS.search(text) is None:
        return []
    return [f"{letters}+{digits}".casefold() for letters, digits in _CODE.findall(text)]


def _bare(word: str) -> str:
    """Without accents, which people leave out."""
    if word.isascii():
        return word
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


@cache
def _fillers() -> dict[str, frozenset[str]]:
    lists = tomllib.loads(_FILLER.read_text(encoding="utf-8"))
    return {language: frozenset(words.split()) for language, words in lists.items()}
