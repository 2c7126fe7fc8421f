"""Numbers of bank accounts: a country's length, and a check number that is right (ISO 13616)."""

import re
from collections.abc import Iterator
from functools import cache

from bot.domain.private.folding import Found

_START = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=iban))(?=[a-z]{2}[ .\-]?\d{2}[\s.\-*_~`>/]{0,4}[a-z0-9])", re.IGNORECASE | re.ASCII
)
_LETTER = re.compile(r"[\s.\-*_~`>/]{0,4}([a-z0-9])", re.IGNORECASE | re.ASCII)
_JOINED = re.compile(r"[a-z0-9]", re.IGNORECASE | re.ASCII)
_SHOWN = 4


def find_ibans(text: str) -> Iterator[Found]:
    """Account numbers, in whatever groups."""
    for start in _START.finditer(text):
        length = _length(text[start.start() : start.start() + 2].upper())
        end = _end(text, start.start(), length) if length else None
        if end is None:
            continue
        number = re.sub(r"[^A-Za-z0-9]", "", text[start.start() : end]).upper()
        if _is_right(number) and not _JOINED.match(text, end):
            yield Found(start.start(), end, f"IBAN ending {number[-_SHOWN:]}")


def _end(text: str, place: int, length: int) -> int | None:
    for _ in range(length):
        letter = _LETTER.match(text, place)
        if letter is None:
            return None
        place = letter.end()
    return place


@cache
def _length(country: str) -> int:
    """Characters of an account number there; 0 where there are none."""
    from stdnum import numdb  # noqa: PLC0415 - reads the registry's file, which few processes need

    parts = numdb.get("iban").info(country)[0][1].get("bban", "")
    return 4 + sum(int(size) for size in re.findall(r"(\d+)!", parts)) if parts else 0


def _is_right(number: str) -> bool:
    from stdnum import iban  # noqa: PLC0415 - as above

    return bool(iban.is_valid(number, check_country=False))
