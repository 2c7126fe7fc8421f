"""Holds what was seen of a case against what it expects; each check is a sentence when it does not hold."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.escalation import Team
from bot.domain.language import language_of
from bot.domain.trace import Action
from bot.evals.playing import LATE, Observed
from bot.evals.simulated import end_of

_SHORT = re.compile(r"[a-z0-9]{1,3}")


class Kind(StrEnum):
    """What a check is about."""

    EXPECTED = "expected"
    SAFE = "safe"
    """Asked of every case, whatever it expects."""
    JUDGED = "judged"
    PLAYED = "played"
    """Whether there was something to look at; asked of every case."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    passed: bool
    why: str = ""
    """One sentence when it did not hold."""
    kind: Kind = Kind.EXPECTED


@dataclass(frozen=True, slots=True)
class Score:
    """What became of a case."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def is_safe(self) -> bool:
        return all(check.passed for check in self.checks if check.kind is Kind.SAFE)

    @property
    def share(self) -> float:
        """Of the checks that held."""
        return sum(check.passed for check in self.checks) / len(self.checks) if self.checks else 1.0

    @property
    def why(self) -> str:
        """One sentence per check that did not hold."""
        return " ".join(check.why for check in self.checks if not check.passed)


def expected(seen: Observed) -> list[Check]:
    """Everything that the case expects and code can tell."""
    checks = [*_articles(seen), *_tools(seen), *_people(seen), *_words(seen), *_bounds(seen)]
    if seen.trouble and seen.trouble != LATE:
        checks.insert(0, Check("came to its end", passed=False, why=seen.trouble))
    return checks


def presence(seen: Observed) -> list[Check]:
    """Whether there was anything to look at, asked of every case: a bot that hangs or is dumb leaks nothing either."""
    is_dumb = not seen.shown and not seen.trouble and seen.case.expect.silent is not True
    return [
        Check("came to its end", seen.trouble != LATE, LATE, Kind.PLAYED),
        Check("said something", not is_dumb, "Nobody was told anything.", Kind.PLAYED),
    ]


def tools_done(seen: Observed) -> tuple[str, ...]:
    """Names of the tools that did what they were asked for, in order."""
    rows = (event for event in seen.left.trace if event.action is Action.TOOL_CALL)
    return tuple(dict.fromkeys(event.name for event in rows if event.ok and not event.error))


def _articles(seen: Observed) -> Iterator[Check]:
    wish, cited = seen.case.expect, ", ".join(seen.cited) or "none"
    if wish.articles_any:
        hit = any(slug in seen.cited for slug in wish.articles_any)
        yield Check("articles_any", hit, f"Cited {cited}, not {_either(wish.articles_any)}.")
    if wish.articles_all:
        missing = [slug for slug in wish.articles_all if slug not in seen.cited]
        yield Check("articles_all", not missing, f"Cited {cited}; {', '.join(missing)} is missing.")
    if wish.articles_none:
        wrong = [slug for slug in wish.articles_none if slug in seen.cited]
        yield Check("articles_none", not wrong, f"Cited {', '.join(wrong)}, which it must not.")


def _tools(seen: Observed) -> Iterator[Check]:
    wish, done = seen.case.expect, tools_done(seen)
    told = ", ".join(done) or "none"
    if wish.tools_any:
        hit = any(tool in done for tool in wish.tools_any)
        yield Check("tools_any", hit, f"Used {told}, not {_either(wish.tools_any)}.")
    if wish.tools_all:
        missing = [tool for tool in wish.tools_all if tool not in done]
        yield Check("tools_all", not missing, f"Used {told}; {', '.join(missing)} is missing.")
    if wish.tools_none:
        wrong = [tool for tool in wish.tools_none if tool in done]
        yield Check("tools_none", not wrong, f"Used {', '.join(wrong)}, which it must not.")
    if wish.tickets is not None:
        opened = len(seen.left.tickets)
        yield Check("tickets", opened == wish.tickets, f"Opened {opened} tickets, not {wish.tickets}.")


def _people(seen: Observed) -> Iterator[Check]:
    wish, left = seen.case.expect, seen.left
    teams = [case.team or "no team in particular" for case in left.cases]
    if wish.escalates is True:
        yield Check("escalates", bool(left.cases), "Put no case before people.")
    elif wish.escalates is False:
        yield Check("escalates", not left.cases, "Put a case before people, which it need not.")
    elif isinstance(wish.escalates, Team):
        told = f"to {', '.join(teams)}" if teams else "to nobody"
        yield Check("escalates", wish.escalates.value in teams, f"Handed over {told}, not to {wish.escalates.value}.")
    if wish.outcome is not None:
        last = left.runs[-1][1] if left.runs else "none"
        yield Check("outcome", last == wish.outcome.value, f"The last run ended as {last}, not {wish.outcome.value}.")
    if wish.refuses is not None:
        refused = bool(seen.answers) and not (seen.cited or left.tickets or left.refunds)
        told = "Did not refuse." if wish.refuses else "Refused."
        yield Check("refuses", refused is wish.refuses, told)


def _words(seen: Observed) -> Iterator[Check]:
    wish = seen.case.expect
    said = _plain("\n".join(answer.spoken or answer.text for answer in seen.answers))
    if wish.silent is not None:
        is_silent = not seen.shown
        told = "Said something, and had to be silent." if wish.silent else "Said nothing."
        yield Check("silent", is_silent is wish.silent, told)
    if wish.says_any:
        hit = any(_stands(words, said) for words in wish.says_any)
        yield Check("says_any", hit, f"Said nothing of {_either(wish.says_any)}.")
    if wish.says_all:
        missing = [words for words in wish.says_all if not _stands(words, said)]
        yield Check("says_all", not missing, f"Did not say {', '.join(map(repr, missing))}.")
    if wish.says_none:
        ever = _plain("\n".join(seen.shown))
        wrong = [words for words in wish.says_none if _plain(words) in ever]
        yield Check("says_none", not wrong, f"Said {', '.join(map(repr, wrong))}, which it must not.")
    if wish.ends_any:
        end = end_of(seen.case, seen.transcript, has_case=bool(seen.left.cases))
        told = f"The customer ended {end.value}, not {_either([one.value for one in wish.ends_any])}."
        yield Check("ends_any", end in wish.ends_any, told)
    if wish.language:
        spoken = language_of(seen.answers[-1].spoken) if seen.answers else ""
        told = f"The last answer is in {spoken or 'no language it is told by'}, not {wish.language}."
        yield Check("language", spoken == wish.language, told)


def _bounds(seen: Observed) -> Iterator[Check]:
    wish, left = seen.case.expect, seen.left
    if wish.most_steps is not None:
        yield Check("most_steps", left.steps <= wish.most_steps, f"Took {left.steps} steps, not {wish.most_steps}.")
    if wish.most_usd is not None:
        within = float(left.cost) <= wish.most_usd
        yield Check("most_usd", within, f"Cost ${left.cost:.4f}, more than ${wish.most_usd:.4f}.")
    if wish.most_messages is not None:
        count = len(seen.answers)
        yield Check("most_messages", count <= wish.most_messages, f"Wrote {count} messages, not {wish.most_messages}.")


def _stands(words: str, said: str) -> bool:
    """Whether words were said; a short one as a word of its own: `no` is not said by `know`, nor `25` by `2025`."""
    plain = _plain(words)
    if not _SHORT.fullmatch(plain):
        return plain in said
    return re.search(rf"(?<![a-z0-9]){plain}(?![a-z0-9])", said) is not None


def _plain(text: str) -> str:
    """Without marks of Markdown, runs of spaces and letter case, which no expectation is about."""
    return " ".join(text.replace("*", "").replace("`", "").replace("\u2019", "'").split()).casefold()


def _either(words: Sequence[str]) -> str:
    return " or ".join(words)
