"""Hides what people should not have written: card numbers, IBANs, passwords and other secrets; on request addresses.

    Redactor().redact("my card is 4242 4242 4242 4242")  →  "my card is [card number ending 4242 hidden]"

It is applied where words come in, so that neither the database nor the model, a trace, a card, a ticket or a log ever
holds them, and to whatever comes from elsewhere: files, articles, results of tools.

`redact` is for prose, `redact_json` for a text that may be JSON and stays so. Both take time linear in the length,
never raise, change nothing when done twice, and leave alone what only looks alike: ids of tickets, invoices and orders.
Numbers are found in the digits of every script, and with invisible characters between them. Not found: what is on a
picture or spelled out in words, and a password that is made of plain words in the middle of a sentence.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bot.domain.private.cards import find_cards
from bot.domain.private.contacts import find_emails, find_phones
from bot.domain.private.folding import Found, fold, merged
from bot.domain.private.ibans import find_ibans
from bot.domain.private.passwords import find_passwords
from bot.domain.private.secrets import find_secrets, is_name_of_secret


class Kind(StrEnum):
    """What can be hidden."""

    CARDS = "cards"
    IBANS = "ibans"
    PASSWORDS = "passwords"
    SECRETS = "secrets"
    EMAILS = "emails"
    PHONES = "phones"


USUAL = frozenset({Kind.CARDS, Kind.IBANS, Kind.PASSWORDS, Kind.SECRETS})
NONE = "none"
_REGION_LETTERS = 2
_IN_ITS_PLACE = "[secret hidden]"


@dataclass(frozen=True, slots=True)
class Redactor:
    """Hides what it is told to hide."""

    kinds: frozenset[Kind] = USUAL
    regions: tuple[str, ...] = ()
    """Countries (ISO 3166) whose phone numbers are found without a country code."""
    spared: frozenset[str] = frozenset()
    """E-mail addresses in lower case that are shown: who is asking, verified."""

    def redact(self, text: str) -> str:
        """The text with what is private in it hidden; the same object when there is nothing."""
        if not text or not self.kinds:
            return text
        folded = fold(text)
        found = [folded.original(one) for one in merged(self._find(folded.text))]
        if not found:
            return text
        parts: list[str] = []
        done = 0
        for one in found:
            parts += text[done : one.start], f"[{one.label} hidden]"
            done = one.end
        return "".join((*parts, text[done:]))

    def redact_json(self, text: str, *, by_name: bool = True) -> str:
        """Likewise; of JSON the values, so that it stays JSON.

        `by_name`: also all that stands under a name like `password`.
        """
        if not self.kinds or text.lstrip()[:1] not in {"{", "["}:
            return self.redact(text)
        try:
            value = json.loads(text, object_pairs_hook=_each_once)
        except (ValueError, RecursionError):
            return self.redact(text)
        try:
            hidden = self._in_value(value, by_name=by_name)
        except RecursionError:
            return self.redact(text)
        return text if hidden == value else json.dumps(hidden, ensure_ascii=False)

    def sparing(self, email: str | None) -> "Redactor":
        """One that shows this address: a customer's own, by which tools find the customer."""
        return replace(self, spared=self.spared | {email.lower()}) if email else self

    def and_also(self, other: "Redactor") -> "Redactor":
        """One that hides what either of them hides."""
        regions = tuple(dict.fromkeys((*self.regions, *other.regions)))
        return Redactor(self.kinds | other.kinds, regions, self.spared & other.spared)

    def without_contacts(self) -> "Redactor":
        """One that lets addresses and phone numbers stand."""
        return replace(self, kinds=self.kinds - {Kind.EMAILS, Kind.PHONES})

    def _find(self, text: str) -> Iterator[Found]:
        if Kind.SECRETS in self.kinds:
            yield from find_secrets(text)
        if Kind.PASSWORDS in self.kinds:
            yield from find_passwords(text)
        if Kind.CARDS in self.kinds:
            yield from find_cards(text)
        if Kind.IBANS in self.kinds:
            yield from find_ibans(text)
        if Kind.EMAILS in self.kinds and "@" in text:
            yield from find_emails(text, self.spared)
        if Kind.PHONES in self.kinds:
            yield from find_phones(text, self.regions)

    def _in_value(self, value: object, name: str = "", *, by_name: bool) -> object:
        if isinstance(value, dict):
            return {self.redact(key): self._in_value(one, key, by_name=by_name) for key, one in value.items()}
        if isinstance(value, list):
            return [self._in_value(one, name, by_name=by_name) for one in value]
        if isinstance(value, str):
            return _IN_ITS_PLACE if value and by_name and self._is_secret(name) else self.redact(value)
        if isinstance(value, bool) or not isinstance(value, int):
            return value
        shown = self.redact(digits := str(value))
        return value if shown == digits else shown

    def _is_secret(self, name: str) -> bool:
        return bool(self.kinds & {Kind.PASSWORDS, Kind.SECRETS}) and is_name_of_secret(name)


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """ValueError when a name stands twice: of the values one would be lost, and never looked at."""
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError
    return record


@dataclass(frozen=True, slots=True)
class Redactors:
    """What is hidden everywhere, and what more is hidden in the conversations of an agent profile."""

    everywhere: Redactor = Redactor()
    more: Mapping[str, Redactor] = field(default_factory=dict)
    """By name of the profile."""

    def of(self, profile: str) -> Redactor:
        """The one for a profile's conversations."""
        more = self.more.get(profile)
        return self.everywhere.and_also(more) if more else self.everywhere


def redactor_of(setting: str) -> Redactor:
    """From a list of kinds (`cards, phones:DE`); nothing: the usual ones, `none`: none. ValueError in words."""
    words = [word.strip().lower() for word in setting.split(",") if word.strip()]
    if not words:
        return Redactor()
    if words == [NONE]:
        return Redactor(frozenset())
    kinds, regions = set(), []
    for word in words:
        name, _, region = word.partition(":")
        if name not in set(Kind) or (region and (name != Kind.PHONES or len(region) != _REGION_LETTERS)):
            known = ", ".join(Kind)
            raise ValueError(f"{word!r} cannot be hidden; use {known} (phones:DE: German ones, too) or {NONE}")
        kinds.add(Kind(name))
        regions += [region.upper()] if region else []
    return Redactor(frozenset(kinds), tuple(dict.fromkeys(regions)))
