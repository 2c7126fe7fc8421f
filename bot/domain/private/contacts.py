"""Addresses and numbers at which somebody is reached."""

import re
from collections.abc import Iterator, Sequence

from bot.domain.private.folding import Found

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,6}[^\W\d_]{2,24}(?![\w-])")


def find_emails(text: str, spared: frozenset[str]) -> Iterator[Found]:
    """E-mail addresses but for the spared ones (in lower case)."""
    for one in _EMAIL.finditer(text):
        if one[0].lower() not in spared:
            yield Found(one.start(), one.end(), "e-mail address")


def find_phones(text: str, regions: Sequence[str]) -> Iterator[Found]:
    """Phone numbers with a country code, and those as people write them within these countries (ISO 3166)."""
    from phonenumbers import Leniency, PhoneNumberMatcher  # noqa: PLC0415 - megabytes of patterns, only on request

    for region in regions or (None,):
        for one in PhoneNumberMatcher(text, region, leniency=Leniency.VALID):
            yield Found(one.start, one.end, "phone number")
