"""Numbers of payment cards: an issuer's prefix and length, and a check digit that is right.

Digits may be grouped in any way people write them. What only happens to be long is left alone: order numbers fail the
check digit or have no issuer's prefix, and a number that is part of a code (`INV-4…`, `ch_4…`, a UUID) is that code.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from stdnum import luhn

from bot.domain.private.folding import Found

_RUN = re.compile(r"\d(?:(?:&(?:gt|nbsp);|[\s\-.·•_/,|*~`\"'>()+:]){0,5}\d){11,}", re.ASCII)
_GROUP = re.compile(r"\d+", re.ASCII)
_ISSUERS = re.compile(
    r"4(?:\d{15}|\d{17,18})|"  # Visa
    r"(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|"  # Mastercard
    r"3[47]\d{13}|"  # American Express
    r"3(?:0[0-59]|[689]\d)\d{11}|3(?:0[0-59]|[689]\d)\d{13}|"  # Diners Club
    r"(?:6011|64[4-9]\d|65\d\d)\d{12,15}|"  # Discover, RuPay, Elo
    r"35(?:2[89]|[3-8]\d)\d{12,15}|"  # JCB
    r"(?:62\d\d|81\d\d)\d{12,15}|"  # UnionPay
    r"220[0-4]\d{12,15}|"  # Mir
    r"(?:5018|5020|5038|5612|5893|6304|6759|676[1-3])\d{8,15}|"  # Maestro
    r"(?:5019|5060|5061|5067|5078|509\d|6362|6363|508[5-9]|60\d\d|82\d\d|9792)\d{12}",  # Dankort, Verve, RuPay…
    re.ASCII,
)
_LENGTHS = (16, 15, 14, 19, 18, 17, 13, 12)
"""Most usual first: what follows a number (expiry, code) must not make it look longer."""
_MOST_GROUPS = 6
_FOUR = 4
_SIZES = ((4, 6, 5), (4, 6, 4))
_OF_LISTS = "/,|:()+\"'"
"""Between the groups of a card only when these have its sizes."""
_CODE_BEFORE = re.compile(r"(?:[A-Za-z0-9]*[_#]|\b[A-Z]{1,6}-?|[A-Za-z]*\d[A-Za-z\d]*-?|[0-9a-fA-F]{4,}-)\Z", re.ASCII)
_CARD_WORD = re.compile(
    r"(?<![^\W_])(?:visa|master|mc|amex|cards?|cc|nr|no|pan|jcb|karte|carte|scan|img|image|photo|picture|screenshot)[-_#]?\Z",
    re.IGNORECASE,
)
_CODE_AFTER = re.compile(r"(?!_?(?:cv[cvn]|exp))(?:-?[A-Za-z_]*[\d_]|-[0-9a-fA-F]{4,})", re.ASCII | re.IGNORECASE)
_OTHER_WORD = re.compile(
    r"\b(?:order|ticket|invoice|tracking|shipment|parcel|request|reference|transaction|case|bestell|auftrags|rechnungs|"
    r"sendungs|ticket|vorgangs|pedido|factura|seguimiento|commande|facture|suivi)(?:\W{0,2}(?:number|nummer|no|nr|id|"
    r"numero|num))?\W{1,4}\Z",
    re.IGNORECASE,
)
"""What a number in one piece is, when it is called so right before."""
_EXPIRY_AND_CODE = re.compile(r"[\s,;|/\-]{0,3}\d{2}\s?/\s?\d{2,4}(?:[\s,;|/\-]{1,3}\d{3,4}(?!\d))?", re.ASCII)
_SECURITY_CODE = re.compile(
    r"\b(?:cvv2?|cvc2?|cvn|security code|card verification(?: code| value| number)?|prufziffer|kartenprufnummer|"
    r"codigo de seguridad|cryptogramme(?: visuel)?|codice di sicurezza|codigo de seguranca)"
    r"\W{0,3}(?:(?:is|ist|es|est|e)\W{1,2})?(\d{3,4})(?!\w)",
    re.IGNORECASE | re.ASCII,
)


def find_cards(text: str) -> Iterator[Found]:
    """Card numbers, with expiry and code when they follow at once, and security codes that are called so."""
    for run in _RUN.finditer(text):
        yield from _in_run(text, list(_GROUP.finditer(text, run.start(), run.end())))
    for code in _SECURITY_CODE.finditer(text):
        yield Found(code.start(1), code.end(1), "card security code")


def _in_run(text: str, groups: Sequence[re.Match[str]]) -> Iterator[Found]:
    first = 0
    while first < len(groups):
        last = _last_group(text, groups, first)
        if last is None:
            first += 1
            continue
        start, end = groups[first].start(), groups[last].end()
        digits = _digits(text[start:end])
        rest = _EXPIRY_AND_CODE.match(text, end)
        yield Found(start, rest.end() if rest else end, f"card number ending {digits[-4:]}")
        while first < len(groups) and groups[first].start() < (rest.end() if rest else end):
            first += 1


def _last_group(text: str, groups: Sequence[re.Match[str]], first: int) -> int | None:
    """Where the card number ends that begins with this group; None when none does."""
    length, ends = 0, {}
    for place in range(first, len(groups)):
        length += len(groups[place][0])
        if length > max(_LENGTHS):
            break
        ends[length] = place
    for wanted in _LENGTHS:
        if wanted in ends and _is_card(text, groups, first, ends[wanted]):
            return ends[wanted]
    return None


def _is_card(text: str, groups: Sequence[re.Match[str]], first: int, last: int) -> bool:
    if last - first >= _MOST_GROUPS and not _is_in_small_steps(groups, first, last):
        return False
    chosen = groups[first : last + 1]
    digits = "".join(group[0] for group in chosen)
    return (
        _ISSUERS.fullmatch(digits) is not None
        and bool(luhn.is_valid(digits))
        and _is_grouped_by_people(text, chosen)
        and not (len(chosen) == 1 and _is_of_a_code(text, chosen[0]))
    )


def _is_in_small_steps(groups: Sequence[re.Match[str]], first: int, last: int) -> bool:
    """Whether many small groups are one number (`4 2 4 2 …`), not a piece of a longer row of numbers."""
    size = len(groups[first][0])
    if first > 0 and len(groups[first - 1][0]) == size:
        return False
    if last + 1 < len(groups) and len(groups[last + 1][0]) == size:
        return False
    return all(len(group[0]) == size for group in groups[first:last])


def _is_grouped_by_people(text: str, groups: Sequence[re.Match[str]]) -> bool:
    between = "".join(text[one.end() : two.start()] for one, two in pairwise(groups))
    sizes = tuple(len(group[0]) for group in groups)
    return set(between).isdisjoint(_OF_LISTS) or set(sizes) == {_FOUR} or sizes in _SIZES  # else it is a list or a time


def _is_of_a_code(text: str, group: re.Match[str]) -> bool:
    before = text[max(0, group.start() - 40) : group.start()]
    if _CODE_AFTER.match(text, group.end()) or _OTHER_WORD.search(before):
        return True
    return bool(_CODE_BEFORE.search(before)) and not _CARD_WORD.search(before)


def _digits(text: str) -> str:
    return "".join(_GROUP.findall(text))
