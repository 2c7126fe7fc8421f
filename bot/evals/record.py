"""What passed offline, kept beside the tests: `make evals` writes it, and a test reads it.

It names the prompts it was made with, so that nobody changes a prompt without playing the sets again; and it keeps
the floor, every case that ever passed, so that nobody lowers it without noticing.
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.evals.cases import Case
from bot.evals.runner import Played

_HEAD = """\
# Written by `make evals`: what passed offline with the prompts of this digest. A test reads it.
# `passed` and `failed`: this time; `floor`: what passed before and must go on doing so (`make evals ARGS=--accept`
# takes cases out that fall for a reason); `fell`: what is in the floor and failed this time.
"""
_SHOWN = 5
REMEDY = "Run `make evals` and look at the report it names"


@dataclass(frozen=True, slots=True)
class Record:
    """One file. Ids of cases, sorted."""

    digest: str = ""
    """Of the prompts."""
    passed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    floor: tuple[str, ...] = ()

    @property
    def fell(self) -> tuple[str, ...]:
        """Passed before, and not this time."""
        return tuple(case for case in self.floor if case not in self.passed)

    @property
    def cases(self) -> frozenset[str]:
        return frozenset((*self.passed, *self.failed))


def read_record(path: Path) -> Record:
    """What stands in a file; an empty one when there is none."""
    if not path.exists():
        return Record()
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    lists = {name: tuple(raw.get(name, ())) for name in ("passed", "failed", "floor")}
    return Record(raw.get("digest", ""), **lists)


def new_record(digest: str, played: Iterable[Played], before: Record, *, accept: bool) -> Record:
    """The record of what was played; its floor only rises, unless `accept` lets it fall to what passed now."""
    results: dict[str, bool] = {}
    for one in played:
        results[one.seen.case.id] = results.get(one.seen.case.id, True) and one.score.passed
    passed = {case for case, well in results.items() if well}
    floor = passed if accept else passed | {case for case in before.floor if case in results}
    return Record(digest, tuple(sorted(passed)), tuple(sorted(results.keys() - passed)), tuple(sorted(floor)))


def write_record(path: Path, record: Record) -> None:
    """A file that reads well in a review: one case a line."""
    lists = {name: getattr(record, name) for name in ("passed", "failed", "floor", "fell")}
    counts = f"cases = {len(record.cases)}"
    body = "\n".join(_list(name, ids) for name, ids in lists.items())
    path.write_text(f'{_HEAD}digest = "{record.digest}"\n{counts}\n{body}\n', encoding="utf-8")


def complaints(record: Record, digest: str, cases: Iterable[Case]) -> list[str]:
    """One sentence per reason why the record does not stand for the tree as it is; each with its remedy."""
    known = {case.id for case in cases}
    told: list[str] = []
    if record.digest != digest:
        told.append(f"A file under prompts/ has changed since the offline sets were played. {REMEDY}.")
    if missing := sorted(known - record.cases):
        told.append(f"{_some(missing)} were never played offline. {REMEDY}.")
    if gone := sorted(record.cases - known):
        told.append(f"{_some(gone)} are in the record, but no longer in the sets. {REMEDY}.")
    if record.fell:
        remedy = "Mend that, or run `make evals ARGS=--accept` and say why in the change"
        told.append(f"{_some(record.fell)} passed before and fail now. {remedy}.")
    return told


def _list(name: str, ids: Sequence[str]) -> str:
    if not ids:
        return f"{name} = []"
    lines = "".join(f'  "{case}",\n' for case in ids)
    return f"{name} = [\n{lines}]"


def _some(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:_SHOWN])
    return f"Cases {shown} and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else f"Cases {shown}"
