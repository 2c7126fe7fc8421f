"""Reads sets of cases from TOML files; every mistake is told with its file and case, all at once."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from bot.evals.cases import Case, Family

SETS = Path(__file__).parent / "sets"
"""The sets that come with the program."""
OWN_SETS = Path("data/evals/sets")
"""Cases of one's own, in folders of the same names."""
SET_NAMES = ("golden", "adversarial", "simulated")


class CasesError(Exception):
    """One sentence per mistake in a set."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = list(lines)


def load_set(name: str, folders: Iterable[Path] = (SETS, OWN_SETS)) -> list[Family]:
    """The families of a set, by name; CasesError when something in it cannot be used."""
    families: list[Family] = []
    mistakes: list[str] = []
    for path in _files(name, folders):
        try:
            families.append(read_family(path))
        except CasesError as error:
            mistakes += error.lines
    counts = Counter(case.id for family in families for case in family.case)
    mistakes += [f"{name}: there are {count} cases {id_!r}" for id_, count in counts.items() if count > 1]
    if mistakes:
        raise CasesError(mistakes)
    return families


def read_family(path: Path) -> Family:
    """One file; its cases bear its name as their family."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        family = Family.model_validate({**raw, "name": path.stem, "path": path})
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CasesError([f"{path.name}: {error}"]) from error
    except ValidationError as error:
        raise CasesError([_line(path, raw, e["loc"], e["msg"]) for e in error.errors()]) from None
    named = tuple(case.model_copy(update={"family": case.family or path.stem}) for case in family.case)
    return family.model_copy(update={"case": named})


def cases_of(families: Iterable[Family]) -> Iterator[Case]:
    """Every case of some families."""
    return (case for family in families for case in family.case)


def _files(name: str, folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((folder / name).glob("*.toml"))


def _line(path: Path, raw: dict[str, object], where: tuple[int | str, ...], said: str) -> str:
    """`billing.toml: case guest-price, expect.team: …`"""
    place = ".".join(str(part) for part in where)
    cases = raw.get("case")
    if len(where) > 1 and where[0] == "case" and isinstance(where[1], int) and isinstance(cases, list):
        case = cases[where[1]]
        name = case.get("id", where[1]) if isinstance(case, dict) else where[1]
        place = f"case {name}, {'.'.join(str(part) for part in where[2:])}"
    return f"{path.name}: {place}: {said.removeprefix('Value error, ')}"
